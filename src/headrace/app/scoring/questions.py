"""Questions that wait for their answer: rows of a spine, kept by the very commit that accepts them, removed by the one that keeps answers.

So a question is in the store or its answer is, whoever dies at whatever moment.
"""

import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import msgspec
import polars as pl

from headrace.features.stores.contract import Commit, Field, Key, StateStore
from headrace.ingest.requests import ARRIVAL

AS_OF = "_as_of"
"""The moment that a question asks about, in microseconds since 1970; null: none, or it is not known."""
_PIECE_ROWS = 5_000
ASKED = "asked/"
"""What the spaces of questions, and the marks of their partitions, begin with."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the questions of a partition are: the value of a mark.

    Attributes:
        number: that of the next answers, one more each time.
        asked, answered, refused: how many questions there were, and what became of them.
        earliest_us: the earliest moment about which one asks that waits: its rows must stay.
    """

    number: int = 1
    asked: int = 0
    answered: int = 0
    refused: int = 0
    earliest_us: int | None = None

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self.asked - self.answered - self.refused


class Piece(NamedTuple):
    """Some questions that wait, with `_as_of`, and where they are kept."""

    field: Field
    rows: pl.DataFrame


@dataclass(frozen=True)
class Lane:
    """The questions of a partition, as the store holds them. `mark` is the value of its mark; None: there is none yet."""

    mark: bytes | None = None
    asked: Asked = field(default_factory=Asked)
    pieces: tuple[Piece, ...] = ()


class Change(NamedTuple):
    """What is to be committed, and what the lane of the partition is after it."""

    partition: int
    commit: Commit
    after: Lane


class Asker(Protocol):
    """Makes questions of the rows of a table. It is told what happens to the table's partitions."""

    def take_over(self, partition: int) -> None:
        """Go on with a partition as the store has it. Doing it again changes nothing."""
        ...

    def let_go(self, partitions: Collection[int]) -> None:
        """Leave partitions to others."""
        ...

    def ask(self, partition: int, rows: pl.DataFrame) -> Change:
        """Return what makes rows questions, to be committed with them."""
        ...

    def asked(self, change: Change) -> None:
        """Take note that it is committed."""
        ...


def earliest_question(store: StateStore, models: Collection[str]) -> int | None:
    """Return the earliest moment about which a question to these models asks that waits, of all partitions; None: none waits."""
    marks = store.marks(ASKED) if models else {}
    asked = [_read(value) for name, value in marks.items() if name.split("/")[1] in models]
    return min((each.earliest_us for each in asked if each.earliest_us is not None), default=None)


def asked_of(store: StateStore, model: str) -> list[Asked]:
    """Return how far the questions to a model are, partition by partition."""
    return [_read(value) for value in store.marks(f"{ASKED}{model}/").values()]


def asked_space(model: str) -> str:
    """Return the space of the questions to a model."""
    return f"{ASKED}{model}"


def asked_mark(model: str, partition: int) -> str:
    """Return the name of the mark of a partition's questions."""
    return f"{asked_space(model)}/{partition}"


@dataclass
class Questions:
    """The questions that one model is asked, in the partitions that this worker has.

    `as_of` gives the moments about which rows ask; None: nobody answers yet, and nothing is asked.
    """

    model: str
    as_of: Callable[[pl.DataFrame], pl.Series] | None = None

    def __post_init__(self) -> None:
        self.lanes: dict[int, Lane] = {}

    def use(self, as_of: Callable[[pl.DataFrame], pl.Series]) -> None:
        """Take note of who answers from now on."""
        self.as_of = as_of
        self.lanes = {number: self._dated(lane) for number, lane in self.lanes.items()}

    def take_over(self, store: StateStore, partition: int, first: Callable[[], int]) -> None:
        """Take note of what the store holds of a partition; `first` is the number of its next answers where it holds nothing."""
        _, (mark,) = store.read([], [asked_mark(self.model, partition)])
        (fields,) = store.fields([_key(self.model, partition)])
        pieces = tuple(Piece(Field(*_key(self.model, partition), name), _unpacked(value)) for name, value in fields)
        asked = Asked(number=first()) if mark is None else _read(mark)
        self.lanes[partition] = self._dated(Lane(mark, asked, pieces))

    def let_go(self, partitions: Collection[int]) -> None:
        """Forget partitions."""
        for partition in partitions:
            self.lanes.pop(partition, None)

    def ask(self, partition: int, rows: pl.DataFrame) -> Change:
        """Return what makes accepted rows questions. It is `done` once it is committed."""
        lane = self.lanes.get(partition, Lane())
        if self.as_of is None or not rows.height:
            return Change(partition, Commit(), lane)
        dated = rows.with_columns(self.as_of(rows).alias(AS_OF))
        # Those that are answered at one time are kept in one piece.
        dated = dated.sort(AS_OF, ARRIVAL, nulls_last=False)
        added = [self._piece(partition, each) for each in dated.iter_slices(_PIECE_ROWS)]
        asked = msgspec.structs.replace(lane.asked, asked=lane.asked.asked + rows.height)
        put = [(each.field, _packed(each.rows)) for each in added]
        return self._change(partition, lane, asked, (*lane.pieces, *added), Commit(put=put))

    def answered(self, partition: int, taken: Mapping[int, pl.Series], refused: int) -> Change:
        """Return what takes questions away: by the place of a piece, which of its rows; so many of them are refused."""
        lane = self.lanes[partition]
        left: list[Piece] = []
        put, drop, count = [], [], 0
        for place, piece in enumerate(lane.pieces):
            if place not in taken:
                left.append(piece)
                continue
            drop.append(piece.field)
            count += int(taken[place].sum())
            if (rest := piece.rows.filter(~taken[place])).height:
                left.append(self._piece(partition, rest))
                put.append((left[-1].field, _packed(rest)))
        before = lane.asked
        asked = msgspec.structs.replace(
            before, number=before.number + 1, answered=before.answered + count - refused, refused=before.refused + refused
        )
        return self._change(partition, lane, asked, tuple(left), Commit(put=put, drop=drop))

    def settled(self, partition: int, arrivals: pl.Series, number: int) -> Change:
        """Return what takes questions away that have their answers elsewhere, up to those of a number."""
        lane = self.lanes[partition]
        self.lanes[partition] = replace(lane, asked=msgspec.structs.replace(lane.asked, number=max(lane.asked.number, number)))
        found = {place: piece.rows[ARRIVAL].is_in(arrivals.implode()) for place, piece in enumerate(lane.pieces)}
        return self.answered(partition, {place: each for place, each in found.items() if each.any()}, 0)

    def done(self, change: Change) -> None:
        """Take note that a change is committed."""
        if change.partition in self.lanes:
            self.lanes[change.partition] = change.after

    def _change(self, partition: int, lane: Lane, asked: Asked, pieces: tuple[Piece, ...], commit: Commit) -> Change:
        asked = msgspec.structs.replace(asked, earliest_us=_earliest(pieces))
        name, value = asked_mark(self.model, partition), msgspec.json.encode(asked)
        marked = Commit(expect={name: lane.mark}, marks={name: value}, put=commit.put, drop=commit.drop)
        return Change(partition, marked, Lane(value, asked, pieces))

    def _piece(self, partition: int, rows: pl.DataFrame) -> Piece:
        """Its name is the number of one of its rows: no other piece has that."""
        return Piece(Field(*_key(self.model, partition), int(rows[ARRIVAL][0]).to_bytes(8, "big")), rows)

    def _dated(self, lane: Lane) -> Lane:
        if self.as_of is None:
            return lane
        as_of = self.as_of
        return replace(lane, pieces=tuple(Piece(each.field, each.rows.with_columns(as_of(each.rows).alias(AS_OF))) for each in lane.pieces))


def _read(mark: bytes) -> Asked:
    return msgspec.json.decode(mark, type=Asked)


def _earliest(pieces: tuple[Piece, ...]) -> int | None:
    found = [least for each in pieces if isinstance(least := each.rows[AS_OF].min(), int)]
    return min(found, default=None)


def _key(model: str, partition: int) -> Key:
    return asked_space(model), partition.to_bytes(4, "big")


def _packed(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    rows.drop(AS_OF).write_ipc_stream(buffer, compression="lz4")
    return buffer.getvalue()


def _unpacked(value: bytes) -> pl.DataFrame:
    return pl.read_ipc_stream(io.BytesIO(value)).with_columns(pl.lit(None, pl.Int64).alias(AS_OF))
