"""Money adds up: however charges are grouped, the totals have the same sum to the last digit."""

import itertools
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.core.clock import FixedClock
from headrace.core.money import ZERO, usd
from headrace.ledger import charges, runs
from headrace.ledger.charges import NewCharge
from headrace.ledger.store import Ledger

RUNS = [f"run_{number}" for number in range(3)]
KEYS = ("run", "step", "model", "model_version", "project", "resource")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    with (
        tempfile.TemporaryDirectory() as home,
        Ledger.open(Path(home) / "ledger.db", FixedClock(datetime(2026, 3, 1, tzinfo=UTC))) as opened,
    ):
        with opened.write("ana", "run.start") as session:
            for run_id in RUNS:
                runs.start(session, runs.NewRun(project="p", id=run_id))
        yield opened


amounts = st.decimals(min_value=0, max_value=10**9, places=14, allow_nan=False, allow_infinity=False)
lines = st.builds(
    dict,
    amount_usd=amounts,
    run_id=st.sampled_from([None, *RUNS]),
    step=st.sampled_from([None, "ingest", "train"]),
    model=st.sampled_from([None, "late", "early"]),
    resource=st.sampled_from(["cpu", "memory"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(lines, max_size=20))
def test_every_grouping_has_the_same_sum(ledger: Ledger, drawn: list[dict[str, object]]) -> None:
    project = f"project {next(_numbers)}"
    new = [NewCharge(project=project, quantity=1.0, unit="s", unit_price_usd=Decimal(1), catalogue="2026", **line) for line in drawn]
    with ledger.write("ana", "charge") as session:
        charges.add(session, new)
    expected = sum((usd(line.amount_usd) for line in new), ZERO)
    with ledger.read() as session:
        for key in KEYS:
            totals = charges.totals(session, key, project=project)
            assert sum((total.amount_usd for total in totals), ZERO) == expected
            assert sum(total.charges for total in totals) == len(new)
            assert len({total.key for total in totals}) == len(totals)
        by_run = [charges.totals(session, "step", project=project, run_id=run_id) for run_id in RUNS]
        in_runs = sum((total.amount_usd for totals in by_run for total in totals), ZERO)
        assert in_runs == sum((usd(line.amount_usd) for line in new if line.run_id), ZERO)
