"""What the ledger must do for several who use it at once, on every store: a part of `headrace.testing.ledger`."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from headrace.core.clock import SystemClock
from headrace.ledger import memo, runs
from headrace.ledger.store import Ledger
from headrace.ledger.verification import verify_audit

SECONDS = 90
"""How long a process of a test may take: it is slow to start on a machine that has much to do."""

_WRITER = """
import sys, threading
from headrace.core.clock import SystemClock
from headrace.ledger import runs
from headrace.ledger.store import Ledger

def work():
    for number in range(15):
        with ledger.write("someone", "run.start") as session:
            runs.start(session, runs.NewRun(project="p"))

with Ledger.open(sys.argv[1], SystemClock()) as ledger:
    threads = [threading.Thread(target=work) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""
_KILLED = """
import os, signal, sys
from headrace.core.clock import SystemClock
from headrace.ledger import memo
from headrace.ledger.store import Ledger

ledger = Ledger.open(sys.argv[1], SystemClock())
with ledger.write("ana", "kept") as session:
    memo.save(session, "kept", "step", {})
with ledger.write("ana", "lost") as session:
    memo.save(session, "lost", "step", {})
    os.kill(os.getpid(), signal.SIGKILL)
"""
_HOLDER = """
import sys
from headrace.core.clock import SystemClock
from headrace.ledger.store import Ledger

with Ledger.open(sys.argv[1], SystemClock()) as ledger, ledger.locked("shop") as held:
    print(held is not None, flush=True)
    sys.stdin.read()
"""

_ASKER = """
import sys
from headrace.core.clock import SystemClock
from headrace.ledger.store import Ledger

with Ledger.open(sys.argv[1], SystemClock()) as ledger:
    print("asking", flush=True)
    while True:
        for name in sys.argv[2:]:
            ledger.is_locked(name)
"""
_ASKED = [f"shop{number}" for number in range(5)]


def start(program: str, url: str, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """Start a program that is given the ledger's URL."""
    return subprocess.Popen([sys.executable, "-c", program, url, *arguments], text=True, **options)  # noqa: S603  programs of this module


class LedgerAtWork:
    """Threads and processes that write, die and hold locks."""

    def test_threads_that_write_at_once_lose_nothing(self, ledger: Ledger) -> None:
        """They take turns."""

        def work(number: int) -> None:
            with ledger.write(f"thread {number}", "run.start") as session:
                runs.start(session, runs.NewRun(project=f"p{number}"))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(80)))
        with ledger.read() as session:
            assert {run.project for run in runs.list_runs(session, limit=1000)} == {f"p{number}" for number in range(80)}
        report = verify_audit(ledger)
        assert (report.whole, report.rows) == (True, 80)

    def test_processes_that_make_it_and_write_at_once_lose_nothing(self, ledger_url: str) -> None:
        """Not even when none of them finds it there."""
        started = [start(_WRITER, ledger_url) for _ in range(3)]
        assert [process.wait(SECONDS) for process in started] == [0, 0, 0]
        with Ledger.open(ledger_url, SystemClock()) as ledger:
            with ledger.read() as session:
                assert len(runs.list_runs(session, limit=1000)) == 90
            report = verify_audit(ledger)
        assert (report.whole, report.rows, report.head.sequence) == (True, 90, 90)

    def test_a_killed_writer_leaves_a_whole_chain(self, ledger_url: str) -> None:
        """What it had committed is there, what it had not is not, and nobody waits for it."""
        assert start(_KILLED, ledger_url).wait(SECONDS) == -9
        with Ledger.open(ledger_url, SystemClock()) as ledger:
            for rows in (1, 2):
                with ledger.read() as session:
                    assert memo.find_many(session, ["kept", "lost"]) == {"kept": {}}
                assert verify_audit(ledger).rows == rows
                with ledger.write("ben", "next"):
                    pass

    def test_one_process_holds_a_lock_and_its_death_lets_go(self, ledger_url: str) -> None:
        """No lock is stale."""
        with Ledger.open(ledger_url, SystemClock()) as ledger:
            with start(_HOLDER, ledger_url, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
                assert holder.stdout is not None
                assert holder.stdout.readline() == "True\n"
                with ledger.locked("shop") as held, ledger.locked("other") as other:
                    assert held is None
                    assert other is not None
                    assert [ledger.is_locked(name) for name in ("shop", "other", "third")] == [True, True, False]
                holder.kill()
            _wait_until_free(ledger, "shop")
            with ledger.locked("shop") as held:
                assert held is not None
                held.confirm()
                with ledger.locked("shop") as again:
                    assert again is None
            with ledger.locked("shop") as held:
                assert held is not None

    def test_whoever_asks_whether_a_lock_is_held_keeps_nobody_from_it(self, ledger_url: str) -> None:
        """Neither those who list runs nor a monitoring job may refuse a run."""
        with Ledger.open(ledger_url, SystemClock()) as ledger, start(_ASKER, ledger_url, *_ASKED, stdout=subprocess.PIPE) as asker:
            assert asker.stdout is not None
            assert asker.stdout.readline() == "asking\n"
            refused = []
            for name in _ASKED:  # each once: a server hears of an end a moment later
                with ledger.locked(name) as held:
                    refused += [name] if held is None else []
            asker.kill()
        assert refused == []


def _wait_until_free(ledger: Ledger, name: str) -> None:
    """A server hears of a death a moment later."""
    for _ in range(100):
        with ledger.locked(name) as held:
            if held is not None:
                return
    raise AssertionError(f"{name} is still held")
