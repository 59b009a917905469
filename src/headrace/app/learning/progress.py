"""How far a learner is: the value of its mark, which each of its commits expects, so that of two workers one learns."""

from collections.abc import Collection

import msgspec

from headrace.features.stores.contract import Commit, StateStore

_LEARNING = "learning/"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Moments are microseconds since 1970.

    Attributes:
        parent: the number of the version that it began from.
        began_us: answers known before it were learnt in training; scored_from_us: questions from it on are scored, for no row that was
            asked about since has decided which candidate was chosen.
        clock_us: what belongs before it is done, and nothing after it.
        cursors: up to which offset the rows of each partition of the spine are known to it.
        since_us: the boundary of the last snapshot, else where it began.
        snapshots: how many there were; learned_since, scored_since, unasked_since: how many rows since the last were learnt, how many of
            these had been asked about, and how many not because they came too late.
        learned, unasked, left_out: likewise since it began; left out are rows that can be neither asked about nor learnt.
        waits: whether there is no version to go on from, so that nothing stays in the state for it.
        pieces: the number of the next piece of rows; chunks: how many fields hold what was learnt.
    """

    parent: int
    began_us: int
    scored_from_us: int
    clock_us: int
    since_us: int
    cursors: dict[str, int] = {}
    snapshots: int = 0
    learned: int = 0
    learned_since: int = 0
    scored_since: int = 0
    unasked: int = 0
    unasked_since: int = 0
    left_out: int = 0
    pieces: int = 0
    chunks: int = 0
    waits: bool = False

    @property
    def can_be_judged(self) -> bool:
        """Whether something was learnt since the last snapshot, and something asked by which to judge it."""
        return self.learned_since > 0 and self.scored_since > 0

    def to_bytes(self) -> bytes:
        """Return the value of its mark."""
        return msgspec.json.encode(self)


def read_progress(value: bytes) -> Progress:
    """Return what a mark says."""
    return msgspec.json.decode(value, type=Progress)


def learning_mark(model: str) -> str:
    """Return the name of the mark of a model's learner."""
    return f"{_LEARNING}{model}"


def earliest_lesson(store: StateStore, models: Collection[str]) -> int | None:
    """Return the earliest moment about which one of these models has still to be asked; None: none of them learns."""
    marks = store.read([], [learning_mark(model) for model in models])[1] if models else []
    found = [read_progress(mark) for mark in marks if mark is not None]
    return min((each.clock_us for each in found if not each.waits), default=None)


def let_rows_go(store: StateStore, model: str) -> None:
    """Have nothing stay in the state for a model's learner, until it goes on: by batch it finds the rows in the lake.

    Raises:
        MarkMoved: if somebody learns.
        StoreFault: if the store fails.
    """
    name = learning_mark(model)
    _, (mark,) = store.read([], [name])
    progress = None if mark is None else read_progress(mark)
    if progress is not None and not progress.waits:
        store.commit(Commit(expect={name: mark}, marks={name: msgspec.structs.replace(progress, waits=True).to_bytes()}))
