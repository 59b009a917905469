"""Collecting beside a server that goes on logging its predictions."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from headrace.app.collecting.collect import collect
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.store import lake_of
from headrace.lake import sweeping


@pytest.fixture
def logged(workspace, monkeypatch) -> Callable[[], list[int]]:
    """A log of predictions that others append to right before and right after every listing; returns what they committed."""
    committed: list[int] = []

    def append() -> None:
        moment = datetime(2030, 1, 1, tzinfo=UTC)
        row = {"id": [len(committed)], "model": ["late"], "version": ["1"], "moment": [moment]}
        lake_of(workspace).tables.write(PREDICTIONS, pl.DataFrame(row), "append")
        committed.append(len(committed))

    listed = sweeping._listed

    def busy(at) -> Iterator[sweeping.Kept]:
        append()
        found = list(listed(at))
        append()
        return iter(found)

    append()
    monkeypatch.setattr(sweeping, "_listed", busy)  # the real listing; only the moments of the writers are chosen
    return lambda: committed


@pytest.mark.parametrize("grace", [timedelta(days=1), timedelta(microseconds=1)])
def test_what_a_server_commits_meanwhile_stays(workspace, logged, grace):
    collect(workspace, grace)
    assert len(logged()) > 4
    found = lake_of(workspace).tables.scan(PREDICTIONS).collect()
    assert sorted(found["id"]) == logged()
