"""A snapshot: one id however it was made, and the same after it lay in a store."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import polars as pl
import pytest

from headrace.app.learning.snapshot import Snapshot, score_columns, scores

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ONE = Snapshot(
    model="returned", number=1, parent_version=2, clock=NOON, since=NOON - timedelta(days=1), learned=5, learned_since=3, unasked=0,
    files={"learner.json": b"{}"}, questions=b"", features=b"",
)  # fmt: skip


def test_a_snapshot_has_one_id_however_it_was_made():
    assert msgspec.structs.replace(ONE, number=4, learned=9).id == ONE.id
    others = [msgspec.structs.replace(ONE, **change) for change in ({"model": "x"}, {"parent_version": 3}, {"clock": NOON + timedelta(1)})]
    assert len({ONE.id, *(each.id for each in others)}) == 4


def test_it_is_the_same_after_it_lay_in_a_store():
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(ONE), type=Snapshot) == ONE


@pytest.mark.parametrize("said", [np.array([0.25, 0.5]), np.array([[0.25, 0.75, 0.0], [0.5, 0.25, 0.25]])])
def test_scores_lie_beside_the_questions(said):
    questions = pl.DataFrame({"_arrival": [1, 2], **score_columns(said)})
    assert scores(questions).tolist() == said.tolist()
