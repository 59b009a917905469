"""Groups that nobody keeps any more. They stay for a day: in a rolling restart another version of the description is at work beside ours.

Whoever keeps a group says so now and then, by a mark of the group. Whoever removes one takes that mark first, so that each of his commits
fails from when somebody keeps the group again, who then fills it anew.
"""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import uuid4

from headrace.core.moments import microseconds
from headrace.features.stores.contract import Commit, Field, StateStore
from headrace.features.stores.errors import MarkMoved
from headrace.features.stream.positions import FILLED

_KEPT = "kept/"
_STAYS = timedelta(days=1)
RENEW_SECONDS = 3600.0
"""How often whoever keeps groups says so."""


def say_kept(store: StateStore, spaces: Collection[str], now: datetime) -> None:
    """Say that groups are kept, before they are filled and then every `RENEW_SECONDS`.

    Raises:
        StoreFault: if the store fails.
    """
    if spaces:
        store.commit(Commit(marks={_mark(space): str(microseconds(now)).encode() for space in spaces}))


def drop_unused(store: StateStore, table: str, needed: Collection[str], now: datetime) -> int:
    """Remove groups of a table that nobody has kept for a day; return how many.

    Of groups that nobody said to keep, as those of older versions, the day begins now.

    Raises:
        StoreFault: if the store fails.
    """
    spoken = {name.removeprefix(_KEPT): value for name, value in store.marks(f"{_KEPT}state/{table}/").items()}
    filled = {name.removeprefix(FILLED).rpartition("/")[0] for name in store.marks(f"{FILLED}state/{table}/")}
    say_kept(store, filled - spoken.keys(), now)
    dropped = 0
    for space, value in spoken.items():
        if space not in needed and _is_old(value, now):
            with suppress(MarkMoved):  # somebody keeps it again, or removes it as well
                _remove(store, space, value)
                dropped += 1
    return dropped


def _is_old(value: bytes, now: datetime) -> bool:
    """Tell whether a mark is of long ago; one that is no moment is of somebody who died as he removed the group."""
    return not value.isdigit() or int(value) <= microseconds(now - _STAYS)


def _remove(store: StateStore, space: str, before: bytes) -> None:
    mark, mine = _mark(space), f"removed by {uuid4().hex}".encode()
    filled = store.marks(f"{FILLED}{space}/")  # first: what is half removed is not to count as filled
    store.commit(Commit(expect={mark: before}, marks={mark: mine, **dict.fromkeys(filled)}))
    after: bytes | None = None
    while True:
        records, after = store.walk(space, after)
        drop = [Field(space, key, name) for key, fields in records for name, _ in fields]
        store.commit(Commit(expect={mark: mine}, drop=drop))
        if after is None:
            store.commit(Commit(expect={mark: mine}, marks={mark: None}))
            return


def _mark(space: str) -> str:
    return f"{_KEPT}{space}"
