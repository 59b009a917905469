"""What of the online state nobody keeps any more: groups of lookups, and what there is of a scoring, or of a learning.

It stays for a day: in a rolling restart another version of the description is at work beside ours.

Whoever keeps a space says so now and then, by a mark of the space. Whoever removes one takes that mark first, so that each of his commits
fails from when somebody keeps the space again, who then fills it anew. What
there is of a learning goes in one commit: half of it would be taken for a learner.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import uuid4

from headrace.app.learning.keeping import LEARNER
from headrace.app.learning.progress import learning_mark
from headrace.app.scoring.answers import answers_space
from headrace.app.scoring.questions import ASKED
from headrace.app.streaming.patience import Patience
from headrace.core.clock import Clock
from headrace.core.moments import microseconds
from headrace.features.stores.contract import Commit, Field, StateStore
from headrace.features.stores.errors import MarkMoved
from headrace.features.stream.positions import FILLED

_KEPT = "kept/"
_STAYS = timedelta(days=1)
RENEW_SECONDS = 3600.0
"""How often whoever keeps spaces says so."""


def say_kept(store: StateStore, spaces: Collection[str], now: datetime) -> None:
    """Say that spaces are kept, before they are filled and then every `RENEW_SECONDS`.

    Raises:
        StoreFault: if the store fails.
    """
    if spaces:
        store.commit(Commit(marks={_mark(space): str(microseconds(now)).encode() for space in spaces}))


class Kept:
    """Says for one who keeps spaces that they are kept, when he begins and then every `RENEW_SECONDS`."""

    def __init__(self, store: StateStore, clock: Clock, patience: Patience) -> None:
        self._store, self._clock, self._patience = store, clock, patience
        self._said = float("-inf")

    def say(self, spaces: Collection[str]) -> None:
        """Say it now; while the store is away that is tried again."""
        self._patience.until_done(lambda: say_kept(self._store, spaces, self._clock.now()))
        self._said = time.monotonic()

    def renew(self, spaces: Callable[[], Collection[str]]) -> None:
        """Say it if it is time."""
        if time.monotonic() - self._said >= RENEW_SECONDS:
            self.say(spaces())


def unused(store: StateStore, under: str, needed: Collection[str], now: datetime) -> dict[str, bytes]:
    """Return the spaces below a name that nobody has kept for a day, with the marks that say so.

    Raises:
        StoreFault: if the store fails.
    """
    spoken = _spoken(store, under)
    return {space: value for space, value in spoken.items() if space not in needed and _is_old(value, now)}


def drop_unused(store: StateStore, under: str, needed: Collection[str], now: datetime) -> int:
    """Remove what `unused` returns; return how many spaces that were.

    Of spaces that nobody said to keep, as those of older versions, the day begins now.

    Raises:
        StoreFault: if the store fails.
    """
    say_kept(store, set(_there(store, under)) - _spoken(store, under).keys(), now)
    dropped = 0
    for space, value in unused(store, under, needed, now).items():
        with suppress(MarkMoved):  # somebody keeps it again, or removes it as well
            _remove(store, space, value)
            dropped += 1
    return dropped


def parts_of(space: str) -> list[str]:
    """Return the spaces that go with one, in the order in which they go: answers that the lake does not have go with their questions."""
    return [answers_space(space.removeprefix(ASKED)), space] if space.startswith(ASKED) else [space]


def _spoken(store: StateStore, under: str) -> dict[str, bytes]:
    return {name.removeprefix(_KEPT): value for name, value in store.marks(f"{_KEPT}{under}").items()}


def _there(store: StateStore, under: str) -> Iterator[str]:
    """Yield the spaces that are seen by marks of their own."""
    if under == LEARNER:
        yield from (LEARNER + name.removeprefix(learning_mark("")) for name in store.marks(learning_mark("")))
    for beginning in (FILLED, ""):
        marks = store.marks(f"{beginning}{under}") if beginning or under.startswith(ASKED) else {}
        yield from (name.removeprefix(beginning).rpartition("/")[0] for name in marks)


def _is_old(value: bytes, now: datetime) -> bool:
    """Tell whether a mark is of long ago; one that is no moment is of somebody who died as he removed the space."""
    return not value.isdigit() or int(value) <= microseconds(now - _STAYS)


def _remove(store: StateStore, space: str, before: bytes) -> None:
    if space.startswith(LEARNER):
        _remove_learner(store, space, before)
        return
    mark, mine = _mark(space), f"removed by {uuid4().hex}".encode()
    filled = store.marks(f"{FILLED}{space}/")  # first: what is half removed is not to count as filled
    store.commit(Commit(expect={mark: before}, marks={mark: mine, **dict.fromkeys(filled)}))
    for each in parts_of(space):
        for drop in _fields(store, each):
            store.commit(Commit(expect={mark: mine}, drop=drop))
    store.commit(Commit(expect={mark: mine}, marks={mark: None, **dict.fromkeys(store.marks(f"{space}/"))}))


def _remove_learner(store: StateStore, space: str, before: bytes) -> None:
    mark, progress = _mark(space), learning_mark(space.removeprefix(LEARNER))
    _, (reached,) = store.read([], [progress])  # first: one that learns meanwhile moves it
    drop = [each for several in _fields(store, space) for each in several]
    store.commit(Commit(expect={mark: before, progress: reached}, marks={mark: None, progress: None}, drop=drop))


def _fields(store: StateStore, space: str) -> Iterator[list[Field]]:
    """Yield the fields of a space, some at a time."""
    after, more = None, True
    while more:
        records, after = store.walk(space, after)
        yield [Field(space, key, name) for key, fields in records for name, _ in fields]
        more = after is not None


def _mark(space: str) -> str:
    return f"{_KEPT}{space}"
