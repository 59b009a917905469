"""A clock that is set back by an hour between two runs."""

from datetime import timedelta
from pathlib import Path

import headrace as hr
from headrace.app.handle import ProjectHandle
from headrace.core.clock import FixedClock, SystemClock
from headrace.ledger import models, tables

from .small_project import orders_csv


def opened(project: Path, back: timedelta) -> ProjectHandle:
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    handle.workspace.clock = FixedClock(SystemClock().now() - back)
    return handle


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
