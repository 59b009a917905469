"""A real SQLite ledger in a folder of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.core.clock import FixedClock
from headrace.ledger import runs
from headrace.ledger.store import Ledger

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def ledger(tmp_path: Path, clock: FixedClock) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "home" / "ledger.db", clock) as opened:
        yield opened


@pytest.fixture
def run_id(ledger: Ledger) -> str:
    with ledger.write("rita", "run.start") as session:
        return runs.start(session, runs.NewRun(project="flights")).id
