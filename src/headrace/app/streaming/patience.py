"""A store, a lake or a ledger that is away: said once, tried again until it is back, and said once more then."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from headrace.app.errors import StateAway
from headrace.core.errors import HeadraceError
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.errors import StoreFault
from headrace.lake.errors import AppendMoved, CommitConflict, LakeFault
from headrace.ledger.errors import LedgerUnreachable

_T = TypeVar("_T")
_FIRST_SECONDS, _LAST_SECONDS, _LOOK_SECONDS = 0.1, 5.0, 0.25
_STORE, _LAKE, _LEDGER = "the online state", "the lake", "the ledger"


class ToldToStop(Exception):
    """The worker is to stop, and was at something that takes long: what it leaves is done by whoever begins it anew."""


@dataclass
class Patience:
    """Tries again. `say` is told in words; `stopping` tells whether there is no time left; `meanwhile` is called between attempts."""

    say: Callable[[str], None]
    stopping: Callable[[], bool]
    wait: Callable[[float], None] = time.sleep
    meanwhile: Callable[[], None] = lambda: None
    _away: set[str] = field(default_factory=set)

    def commit(self, store: StateStore, commit: Commit) -> None:
        """Commit once, though the store may fail after it did: its marks tell.

        Raises:
            MarkMoved: if another worker was first.
            StateAway: if the store is still away when the worker is to stop.
        """
        asked = False

        def attempt() -> None:
            nonlocal asked
            if asked and _happened(store, commit):
                return
            asked = True
            store.commit(commit)

        self.until_done(attempt)

    def until_done(self, attempt: Callable[[], _T]) -> _T:
        """Return what an attempt gives, as soon as the store, the lake and the ledger let one succeed.

        Raises:
            StateAway: if one is still away when the worker is to stop.
        """
        pause, failed = _FIRST_SECONDS, set[str]()
        while True:
            try:
                done = attempt()
            except (StoreFault, LakeFault, CommitConflict, LedgerUnreachable) as fault:
                failed.add(self.away(fault))
                if self.stopping():
                    raise StateAway(fault.problem, fault.remedy) from fault
                self._wait(pause)
                self.meanwhile()
                pause = min(2 * pause, _LAST_SECONDS)
            else:
                self.back(_STORE, *failed)
                return done

    def wait_a_turn(self, seconds: float) -> None:
        """Wait so long for what others are at.

        Raises:
            ToldToStop: if the worker is to stop.
        """
        self._wait(seconds)
        self.go_on()

    def go_on(self) -> None:
        """Go on with what takes long.

        Raises:
            ToldToStop: if the worker is to stop.
        """
        if self.stopping():
            raise ToldToStop

    def away(self, fault: HeadraceError) -> str:
        """Say that what failed is away, unless that was said; return what that is."""
        what = _what(fault)
        if what not in self._away:
            self._away.add(what)
            self.say(f"{what} is away, and tried again: {fault.problem}")
        return what

    def back(self, *what: str) -> None:
        """Say of what was away that it is back: of all, or of what is named."""
        for each in sorted(self._away.intersection(what or self._away)):
            self._away.remove(each)
            self.say(f"{each} is back")

    def _wait(self, seconds: float) -> None:
        """Wait, but no longer than until the worker is to stop."""
        until = time.monotonic() + seconds
        while not self.stopping() and (left := until - time.monotonic()) > 0:
            self.wait(min(left, _LOOK_SECONDS))


def _what(fault: HeadraceError) -> str:
    if isinstance(fault, StoreFault | StateAway):
        return _STORE
    return _LAKE if isinstance(fault, LakeFault | CommitConflict | AppendMoved) else _LEDGER


def _happened(store: StateStore, commit: Commit) -> bool:
    """Tell whether a commit whose answer was lost happened: whoever else wrote its marks would have written other values."""
    names = list(commit.marks)
    _, found = store.read([], names)
    return bool(names) and all(value == commit.marks[name] for name, value in zip(names, found, strict=True))
