"""Errors of features.

UserError
└── FeatureError
    ├── InvalidFeature       an expression that does not fit its columns' types, or names a column that is not there
    ├── KeyMismatch          two sides of a key whose types differ
    ├── MissingTable         a table that the plan looks into and nobody supplied
    ├── StateMismatch        a state that was published for other features
    └── AskedBeforeState     a question earlier than the moment from which on the state can answer
SystemFault
└── NotFollowed              a state that does not hold all rows of a table that is followed
"""

from collections.abc import Iterable
from datetime import datetime

from headrace.core.errors import SystemFault, UserError, suggest
from headrace.core.locations import Location


class FeatureError(UserError):
    """Features that cannot be computed as declared."""


class InvalidFeature(FeatureError):
    """An expression that does not fit its columns."""


class KeyMismatch(FeatureError):
    """Two sides of a key whose types differ."""

    def __init__(self, label: str, left: tuple[str, str], right: tuple[str, str], *, location: Location | None = None) -> None:
        super().__init__(
            f"{label}: the spine's {left[0]!r} is {left[1]}, the table's {right[0]!r} is {right[1]}: nothing would match.",
            remedy="Pin the same type on both with types=, or cast one with columns=.",
            location=location,
        )


class MissingTable(FeatureError):
    """A table that the plan looks into and nobody supplied."""

    def __init__(self, label: str, table: str, supplied: Iterable[str]) -> None:
        super().__init__(f"{label} looks into the table {table!r}, which was not supplied.", remedy=suggest(table, supplied))


class StateMismatch(FeatureError):
    """A state that was published for other features."""

    def __init__(self, label: str) -> None:
        super().__init__(f"the published state holds nothing for {label}.", remedy="Publish the state again: headrace features publish.")


class AskedBeforeState(FeatureError):
    """A question earlier than the moment from which on the state can answer: rows that it would need are gone."""

    def __init__(self, as_of: datetime, moment: datetime, followed: str | None = None) -> None:
        """Take the table that is followed, if the state is not a published one."""
        earliest = "the moment of the published state" if followed is None else f"from when on {followed!r} is kept for questions"
        remedy = "publish a state for an earlier one" if followed is None else "keep more with history= of its source"
        super().__init__(
            f"asked as of {as_of.isoformat()}, which is before {moment.isoformat()}, {earliest}.",
            remedy=f"Ask as of that moment or later, or {remedy}.",
        )


class NotFollowed(SystemFault):
    """A state that does not hold all rows of a table that is followed: not yet, or not any more."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"the online state does not hold all that questions need of the table {table!r}.", remedy="Let it be filled: headrace stream"
        )
        self.table = table
