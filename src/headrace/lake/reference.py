"""A lake as a value, to be sent to whoever is to work on it."""

from functools import lru_cache

import msgspec

from headrace.core.secrets import Secrets
from headrace.lake.lake import Lake
from headrace.lake.place import place
from headrace.lake.scratch import Scratch


class LakeReference(msgspec.Struct, frozen=True):
    """What opens a lake: see `Lake`. The options may hold secrets; `secrets` are those that must not stand in any text."""

    home: str
    project: str
    options: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return it without its options."""
        return f"LakeReference({self.home!r}, {self.project!r})"

    def lake(self) -> Lake:
        """Return the lake, opened once a process."""
        return _opened(self.home, self.project, self.options)

    def scratch(self, name: str) -> Scratch:
        """Return the files that tasks leave for each other under a name."""
        return Scratch(place(self.home, dict(self.options)).child("spread", self.project, name))

    def hidden(self) -> Secrets:
        """Return what takes the secrets out of texts."""
        known = Secrets({})
        for each in self.secrets:
            known.hide(each)
        return known


@lru_cache(maxsize=8)
def _opened(home: str, project: str, options: tuple[tuple[str, str], ...]) -> Lake:
    return Lake(home, project, dict(options))
