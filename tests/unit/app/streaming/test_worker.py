"""The loop over the tables that are followed."""

from datetime import timedelta
from pathlib import Path

from tests.e2e.small_stream import write_project

import headrace as hr
from headrace.app.streaming.worker import Watching
from headrace.ledger.store import _WAITS


def test_what_a_worker_does_before_it_listens_is_no_silence(tmp_path: Path) -> None:
    waits: list[float] = []
    handle = hr.load(write_project(tmp_path / "shop", days=5), environment={"HEADRACE_USER": "ana"})
    try:
        watching = Watching(progress=lambda _: waits.append(_WAITS.get()))
        report = handle.stream(["orders"], until_idle=timedelta(microseconds=1), watching=watching)
    finally:
        handle.close()
    assert [line.behind for line in report.tables] == [0]
    assert set(waits) == {1.0}, "a ledger that is away holds up no turn for long"
