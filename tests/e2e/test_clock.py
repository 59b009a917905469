"""A clock that is set back: by an hour between two runs, by a day in the middle of a life."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx

import headrace as hr
from headrace.app.handle import ProjectHandle
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.reports import TableReport
from headrace.core.clock import FixedClock, SystemClock
from headrace.core.ids import id_time
from headrace.lake.lake import Lake
from headrace.ledger import audit, models, tables

from .command import environment
from .small_project import orders_csv

DAY = timedelta(days=1)
QUESTION = {"shop": "s1", "amount": 150.0, "email": "b4@example.org", "placed": "2030-03-31T12:00:00Z"}


class SetBack(SystemClock):
    """The machine's clock, set back by what a file says, so that it may change while a server reads it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.turn(timedelta(0))

    def turn(self, back: timedelta) -> None:
        aside = self.file.with_suffix(".new")
        aside.write_text(str(back.total_seconds()), encoding="utf-8")
        aside.rename(self.file)

    def now(self) -> datetime:
        return SystemClock().now() - timedelta(seconds=float(self.file.read_text(encoding="utf-8")))


def opened(project: Path, back: timedelta) -> ProjectHandle:
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    handle.workspace.clock = FixedClock(SystemClock().now() - back)
    return handle


@contextmanager
def told_by(clock: SetBack, project: Path, user: str = "ana") -> Iterator[ProjectHandle]:
    handle = hr.load(project, environment={"HEADRACE_USER": user})
    handle.workspace.clock = clock
    try:
        yield handle
    finally:
        handle.close()


_SERVER = """
import sys
from datetime import timedelta
from pathlib import Path

import headrace as hr
from headrace.core.clock import SystemClock

class SetBack(SystemClock):
    def now(self):
        return SystemClock().now() - timedelta(seconds=float(Path(sys.argv[2]).read_text()))

handle = hr.load(sys.argv[1])
handle.workspace.clock = SetBack()
handle.serve("127.0.0.1", 0, None, False, lambda event: print(event.url, flush=True) if event.url else None)
"""


@contextmanager
def served_by(clock: SetBack, project: Path) -> Iterator[str]:
    command = [sys.executable, "-c", _SERVER, str(project), str(clock.file)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()


def asked(url: str) -> str:
    answer = httpx.post(f"{url}/predict", json=QUESTION)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["predictions"][0]["prediction_id"])


def test_a_run_completes_and_the_newest_is_what_was_made_last(copied: Path) -> None:
    (copied.parent / "orders.csv").write_text(orders_csv(91), encoding="utf-8")
    handle = opened(copied, timedelta(hours=1))
    try:
        made = handle.run()
        assert handle.runs()[0].run_id == made.run_id
        with handle.workspace.ledger.read() as session:
            newest = [models.list_versions(session, "returns")[0], models.latest(session, "returns", "returned")]
            before, after = reversed(tables.list_versions(session, "returns", "orders"))
        assert {version.number for version in newest if version is not None} == {2}
        assert after.rows_in > before.rows_in
        assert after.created < before.created
        assert handle.verify_audit().whole
        assert handle.run().run_id is None, "nothing is left to do"
    finally:
        handle.close()
    handle = opened(copied, timedelta(0))
    try:
        assert handle.run().run_id is None
    finally:
        handle.close()


def test_a_whole_life_goes_on_when_the_clock_is_set_back_by_a_day(copied: Path, tmp_path: Path) -> None:
    clock = SetBack(tmp_path / "back")
    with told_by(clock, copied, "ben") as handle:
        handle.approve("returned", "fine")
    with served_by(clock, copied) as url:
        predictions = [asked(url)]
        clock.turn(DAY)  # under the server
        predictions.append(asked(url))
    assert id_time(predictions[0]) - id_time(predictions[1]) > timedelta(hours=23), "an id tells what the clock told"

    text = copied.read_text(encoding="utf-8")
    copied.write_text(text.replace('hr.gate.beats("champion"), ', "").replace("seed=7)", 'seed=7, retention=hr.Retention(versions="1ms"))'))
    (copied.parent / "orders.csv").write_text(orders_csv(91), encoding="utf-8")
    with told_by(clock, copied) as handle:
        run = handle.run()
        assert handle.runs()[0].run_id == run.run_id
    with told_by(clock, copied, "ben") as handle:
        handle.approve("returned", "better")
        with handle.workspace.ledger.read() as session:
            champion = models.champion(session, "returns", "returned")
        assert champion is not None
        assert champion.number == 2
        handle.publish()
        shown = handle.show("orders")
        assert isinstance(shown, TableReport)
        assert shown.line.version == 1, "the newest is what was made last"
    with served_by(clock, copied) as url:
        predictions.append(asked(url))

    with told_by(clock, copied) as handle:
        before = home_files(copied)
        handle.gc()
        assert home_files(copied) >= before, "what is on record as later than now is no older than a rule or a grace"
        clock.turn(timedelta(0))
        handle.gc(timedelta(microseconds=1))
        assert handle.run().run_id is None, "nothing is left to do"
        assert handle.gc(timedelta(microseconds=1), dry_run=True).lines == []
        assert [handle.why(each).model.version for each in predictions] == ["returned@1", "returned@1", "returned@2"]
        assert sorted(Lake(copied.parent / ".headrace", "returns").tables.scan(PREDICTIONS).collect()["id"]) == sorted(predictions)
        assert handle.verify_audit().whole
        with handle.workspace.ledger.read() as session:
            moments = [row.moment for row in audit.entries(session)]
        assert moments != sorted(moments, reverse=True), "the audit tells what the clock told, in the order in which it was done"
        assert handle.doctor().whole


def home_files(project: Path) -> set[Path]:
    return {path for path in (project.parent / ".headrace").rglob("*") if path.is_file() and "scratch" not in path.parts}
