"""Errors of the description.

UserError
└── SpecError
    ├── UnknownName        a name that nothing declares: the nearest valid one is suggested
    ├── InvalidOption      a value outside what an option accepts
    └── NotKnownInTime     something used as a feature that is known only after the question is asked
"""

from collections.abc import Iterable

from headrace.core.errors import UserError, suggest
from headrace.core.locations import Location


class SpecError(UserError):
    """A mistake in `project.py`."""


class UnknownName(SpecError):
    """A name that nothing declares."""

    def __init__(self, kind: str, name: str, choices: Iterable[str], *, where: str = "", location: Location | None = None) -> None:
        super().__init__(f"{where}there is no {kind} {name!r}.", remedy=suggest(name, choices), location=location)
        self.name = name


class InvalidOption(SpecError):
    """A value outside what an option accepts."""

    def __init__(self, option: str, value: object, expected: str, *, location: Location | None = None) -> None:
        super().__init__(f"{option} cannot be {value!r}.", remedy=f"Expected {expected}.", location=location)
        self.option = option


class NotKnownInTime(SpecError):
    """Something used as a feature that is known only after the question is asked."""
