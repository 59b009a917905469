"""A store or a lake that is away: said once, tried again until it is back, and said once more then."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from headrace.app.errors import StateAway
from headrace.core.errors import HeadraceError
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.errors import StoreFault

_T = TypeVar("_T")
_FIRST_SECONDS, _LAST_SECONDS = 0.1, 5.0


@dataclass
class Patience:
    """Tries again. `say` is told in words; `stopping` tells whether there is no time left; `meanwhile` is called between attempts."""

    say: Callable[[str], None]
    stopping: Callable[[], bool]
    wait: Callable[[float], None] = time.sleep
    meanwhile: Callable[[], None] = lambda: None
    _away: dict[str, bool] = field(default_factory=dict)

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

        self.until_done("the online state", attempt)

    def until_done(self, what: str, attempt: Callable[[], _T]) -> _T:
        """Return what an attempt gives, as soon as the store lets one succeed."""
        pause = _FIRST_SECONDS
        while True:
            try:
                done = attempt()
            except StoreFault as fault:
                self.away(what, fault)
                if self.stopping():
                    raise StateAway(fault.problem, fault.remedy) from fault
                self.wait(pause)
                self.meanwhile()
                pause = min(2 * pause, _LAST_SECONDS)
            else:
                self.back(what)
                return done

    def away(self, what: str, fault: HeadraceError) -> None:
        """Say that something is away, unless that was said."""
        if not self._away.get(what):
            self._away[what] = True
            self.say(f"{what} is away, and tried again: {fault.problem}")

    def back(self, what: str) -> None:
        """Say that it is back, if it was away."""
        if self._away.pop(what, False):
            self.say(f"{what} is back")


def _happened(store: StateStore, commit: Commit) -> bool:
    """Tell whether a commit whose answer was lost happened: whoever else wrote its marks would have written other values."""
    names = list(commit.marks)
    _, found = store.read([], names)
    return bool(names) and all(value == commit.marks[name] for name, value in zip(names, found, strict=True))
