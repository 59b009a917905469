"""Features that are asked of the state while another worker fills a group of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import polars as pl
from tests.properties.test_learning import World

from headrace.app.learning.asking import Asking, AtOnce
from headrace.app.learning.desk import Desk
from headrace.app.learning.keeping import Pieces
from headrace.app.learning.progress import Progress
from headrace.app.learning.snapshot import ASKED, KNOWN
from headrace.app.scoring.questions import AS_OF
from headrace.features.stores.contract import Commit, Field, Key
from headrace.features.stream.positions import filled_mark, position_mark
from headrace.ingest.requests import ARRIVAL


def followed(folder: Path) -> tuple[World, pl.DataFrame]:
    """A world whose rows are all in the state, and the last questions."""
    world = World(Random(1), folder)
    world.history = 10**15
    for each in world.followed:
        for number, messages in enumerate(each.messages):
            each.take(number, len(messages))
    asked = pl.col("asks").to_physical()
    rows = world.accepted()["orders"].drop_nulls("asks").with_columns(asked.alias(ASKED), asked.alias(AS_OF)).tail(8).sort(ASKED)
    return world, rows


class FilledAsItIsRead:
    """A store of which a group is empty at first, and filled by somebody right after it is read."""

    def __init__(self, world: World) -> None:
        self._store, self._space = world.store, world.champion.spaces["orders"][0]
        self._mark = filled_mark(self._space, 0)
        records = self._store.walk(self._space).records
        self._put = [(Field(self._space, key, name), value) for key, fields in records for name, value in fields]
        self._store.commit(Commit(marks={self._mark: None}, drop=[field for field, _ in self._put]))

    def read(self, keys: Sequence[Key], marks: Sequence[str] = ()) -> tuple[list[list[bytes]], list[bytes | None]]:
        found = self._store.read(keys, marks)
        if any(space == self._space for space, _ in keys):
            self._store.commit(Commit(marks={self._mark: b"1"}, put=self._put))
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Counted:
    """Counts how often records are read."""

    def __init__(self, world: World) -> None:
        self._store, self.reads = world.store, 0

    def read(self, keys: Sequence[Key], marks: Sequence[str] = ()) -> tuple[list[list[bytes]], list[bytes | None]]:
        self.reads += bool(keys)
        return self._store.read(keys, marks)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_nothing_is_answered_from_a_group_that_is_filled_as_it_is_read(tmp_path: Path) -> None:
    world, rows = followed(tmp_path)
    asking = Asking(world.champion, world.lake, world.store, AtOnce())
    right = asking.features(rows, lambda: rows)
    assert right is not None
    answered = world.champion.answer(world.store, rows)
    assert answered is not None
    assert answered.features.equals(right)

    contested = FilledAsItIsRead(world)
    assert Asking(world.champion, world.lake, contested, AtOnce()).features(rows, lambda: rows) is None
    contested = FilledAsItIsRead(world)
    assert world.champion.answer(contested, rows) is None


def test_nothing_is_answered_from_a_table_whose_position_was_lost(tmp_path: Path) -> None:
    """The store lost everything; the spine was made again, and what it looks into is yet to be."""
    world, rows = followed(tmp_path)
    mark = position_mark("visits", 0)
    (before,) = world.store.read([], [mark])[1]
    records = {"visits": (0,), "orders": (0,)}
    champion = replace(world.champion, partitions=records)
    asked = [Asking(champion, world.lake, world.store, AtOnce()) for _ in range(2)]
    assert asked[0].features(rows, lambda: rows) is not None
    world.store.commit(Commit(marks={mark: None}))
    assert asked[1].features(rows, lambda: rows) is None
    assert champion.answer(world.store, rows) is None
    assert world.champion.answer(world.store, rows) is not None, "nobody waits for a table into which nothing has come"
    world.store.commit(Commit(marks={mark: before}))
    assert champion.answer(world.store, rows) is not None


def test_what_short_steps_ask_is_read_together(tmp_path: Path) -> None:
    world, rows = followed(tmp_path)
    whole = Asking(world.champion, world.lake, world.store, AtOnce()).features(rows, lambda: rows)
    assert whole is not None
    store = Counted(world)
    asking = Asking(world.champion, world.lake, store, AtOnce(by_state=5))
    first = asking.features(rows[:2], lambda: rows)
    reads = store.reads
    assert reads > 0
    second = asking.features(rows[2:5], lambda: rows[2:])
    assert store.reads == reads
    third = asking.features(rows[5:], lambda: rows[5:])
    assert store.reads > reads
    assert first is not None
    assert second is not None
    assert third is not None
    assert pl.concat([first, second, third]).equals(whole)


def test_a_step_ends_at_a_boundary_only_if_there_may_be_something_to_judge() -> None:
    moments = {ARRIVAL: [0, 1, 2], ASKED: [1, 50, 120], KNOWN: [2, 60, 130]}
    progress = Progress(parent=1, began_us=0, scored_from_us=100, clock_us=0, since_us=0)
    desk = Desk("returned", b"", progress, pl.DataFrame(moments), Pieces(("", b"")), Pieces(("", b"")))
    assert desk.end_of_step(1000, 10) == 110
    judged = replace(desk, progress=msgspec.structs.replace(progress, scored_since=1))
    assert judged.end_of_step(1000, 10) == 10
