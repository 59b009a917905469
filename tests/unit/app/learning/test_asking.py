"""Features that are asked of the state while another worker fills a group of it."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import polars as pl
import pytest
from tests.properties.test_learning import World

from headrace.app.learning.asking import Asking
from headrace.app.learning.snapshot import ASKED
from headrace.app.scoring.questions import AS_OF
from headrace.features.stores.contract import Commit, Field, Key
from headrace.features.stream.positions import filled_mark


def followed(folder: Path) -> tuple[World, pl.DataFrame]:
    """A world whose rows are all in the state, and the last questions."""
    world = World(Random(1), folder)
    world.history = 10**15
    for each in world.followed:
        for number, messages in enumerate(each.messages):
            each.take(number, len(messages))
    asked = pl.col("asks").to_physical()
    rows = world.accepted()["orders"].drop_nulls("asks").with_columns(asked.alias(ASKED), asked.alias(AS_OF)).tail(8)
    return world, rows


def fill_once_it_was_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty a group, and have somebody fill it right after it is read."""
    store, space = world.store, world.champion.spaces["orders"][0]
    put = [(Field(space, key, name), value) for key, fields in store.walk(space).records for name, value in fields]
    mark, read = filled_mark(space, 0), store.read
    store.commit(Commit(marks={mark: None}, drop=[field for field, _ in put]))

    def reading(keys: Sequence[Key], marks: Sequence[str] = ()) -> tuple[list[list[bytes]], list[bytes | None]]:
        found = read(keys, marks)
        if any(each == space for each, _ in keys):
            store.commit(Commit(marks={mark: b"1"}, put=put))
        return found

    monkeypatch.setattr(store, "read", reading)


def test_nothing_is_answered_from_a_group_that_is_filled_as_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, rows = followed(tmp_path)
    asking = Asking(world.champion, world.lake, world.store, 10)
    right = asking.features(rows, rows)
    assert right is not None
    answered = world.champion.answer(world.store, rows)
    assert answered is not None
    assert answered.features.equals(right)

    fill_once_it_was_read(world, monkeypatch)
    assert asking.features(rows, rows) is None
    assert world.champion.answer(world.store, rows) is None
