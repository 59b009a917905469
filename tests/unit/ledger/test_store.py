import contextlib
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from headrace.core.clock import SystemClock
from headrace.ledger import audit, memo, runs
from headrace.ledger.errors import LedgerDamaged, LedgerUnreachable, NestedWrite
from headrace.ledger.store import Ledger
from headrace.ledger.verification import verify_audit


def test_a_write_commits_rows_and_one_audit_row(ledger: Ledger) -> None:
    with ledger.write("ana", "memo.save", "f", why="a test") as session:
        memo.save(session, "f", "step", {"x": 1})
    with ledger.read() as session:
        assert memo.find(session, "f") == {"x": 1}
        (row,) = audit.entries(session)
    assert (row.sequence, row.actor, row.action, row.subject, row.details) == (1, "ana", "memo.save", "f", {"why": "a test"})
    assert row.moment == ledger.clock.now()


def test_a_failed_write_leaves_neither(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.write("ana", "memo.save") as session:
        memo.save(session, "f", "step", {"x": 1 // 0})
    with ledger.read() as session:
        assert memo.find(session, "f") is None
    assert ledger.head().sequence == 0
    with ledger.write("ana", "after"):
        pass
    assert ledger.head().sequence == 1


def test_a_write_inside_a_write_is_told_what_to_do(ledger: Ledger) -> None:
    with pytest.raises(NestedWrite, match="'outer'"), ledger.write("ana", "outer"), ledger.write("ana", "inner"):
        pass


def test_a_read_sees_one_state(ledger: Ledger) -> None:
    with ledger.read() as session:
        assert memo.find(session, "f") is None
        with ledger.write("ana", "memo.save") as writing:
            memo.save(writing, "f", "step", {})
        assert memo.find(session, "f") is None
    with ledger.read() as session:
        assert memo.find(session, "f") == {}


def test_ids_carry_the_clock(ledger: Ledger) -> None:
    first, second = ledger.new_id("run"), ledger.new_id("run")
    assert first < second


def test_threads_that_write_at_once_lose_nothing(ledger: Ledger) -> None:
    def work(number: int) -> None:
        with ledger.write(f"thread {number}", "run.start") as session:
            runs.start(session, runs.NewRun(project=f"p{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(80)))
    with ledger.read() as session:
        assert {run.project for run in runs.list_runs(session, limit=1000)} == {f"p{number}" for number in range(80)}
    report = verify_audit(ledger)
    assert (report.whole, report.rows) == (True, 80)


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


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    started = [subprocess.Popen([sys.executable, "-c", _WRITER, str(path)]) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    with Ledger.open(path, SystemClock()) as ledger:
        with ledger.read() as session:
            assert len(runs.list_runs(session, limit=1000)) == 90
        report = verify_audit(ledger)
    assert (report.whole, report.rows, report.head.sequence) == (True, 90, 90)


def test_a_killed_writer_leaves_a_whole_chain(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from headrace.core.clock import SystemClock; from headrace.ledger import memo\n"
        "from headrace.ledger.store import Ledger\n"
        "ledger = Ledger.open(sys.argv[1], SystemClock())\n"
        "with ledger.write('ana', 'kept') as session: memo.save(session, 'kept', 's', {})\n"
        "with ledger.write('ana', 'lost') as session:\n"
        "    memo.save(session, 'lost', 's', {}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = tmp_path / "ledger.db"
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == -9
    with Ledger.open(path, SystemClock()) as ledger:
        with ledger.read() as session:
            assert memo.find_many(session, ["kept", "lost"]) == {"kept": {}}
        assert verify_audit(ledger).rows == 1


def test_without_a_head_nothing_is_written(ledger: Ledger) -> None:
    with ledger._engine.connect() as connection:
        for statement in ("PRAGMA query_only = OFF", "COMMIT", "DROP TRIGGER audit_head_is_never_deleted", "DELETE FROM audit_head"):
            connection.exec_driver_sql(statement)
    with pytest.raises(LedgerDamaged, match="head"), ledger.write("ana", "anything"):
        pass


def test_a_ledger_that_stays_locked_is_a_fault_that_may_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.ledger.database._BUSY_SECONDS", 0.05)
    with Ledger.open(tmp_path / "ledger.db", SystemClock()) as ledger:
        holder = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnreachable, match="locked"), ledger.write("rita", "note"):
            pass
        holder.close()
        with ledger.write("rita", "note"):
            pass
        assert ledger.head().sequence == 1


def test_a_damaged_file_is_a_fault_that_does_not_pass_with_the_backup_as_remedy(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(path, SystemClock()):
        pass
    with contextlib.closing(sqlite3.connect(path)) as store:
        pages = [page for (page,) in store.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'memo'")]
        (size,) = store.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
    with Ledger.open(path, SystemClock()) as ledger, pytest.raises(LedgerDamaged, match="malformed") as caught, ledger.read() as session:
        memo.find(session, "f")
    assert not caught.value.passing
    assert "backup" in caught.value.remedy
    for rest in tmp_path.iterdir():
        rest.unlink()
    path.write_bytes(b"no database, but long enough to be read as one" * 100)
    with pytest.raises(LedgerDamaged, match="not a database"):
        Ledger.open(path, SystemClock())


def test_what_breaks_a_rule_of_the_schema_is_no_fault_of_the_store(ledger: Ledger) -> None:
    with pytest.raises(IntegrityError), ledger.write("ana", "run.start") as session:
        session.connection.exec_driver_sql("INSERT INTO memo DEFAULT VALUES")
