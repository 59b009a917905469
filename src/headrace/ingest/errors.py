"""Errors of ingestion.

UserError
├── SourceUnreadable    the file is not there, or is not what it is said to be
├── FormatNeedsExtra    the library that reads a format is not installed
├── SourceRefused       the source does not let us in, or does not allow what was asked
├── SourceChanged       the source no longer answers as it was declared
├── UnsupportedColumn   a column of a type that tables do not hold
├── ColumnProblem       a column that the contract names is missing, or of the wrong type
├── ContractBroken      a rule whose severity is `stop` was broken: nothing is written
├── ReadFailed          the user's code for a source failed
└── BuildFailed         the user's function for a derived table failed
SystemFault
└── SourceUnreachable   the source does not answer: trying again may help
"""

from collections.abc import Iterable, Sequence

from headrace.core.errors import SystemFault, UserError
from headrace.core.locations import Location


class SourceUnreadable(UserError):
    """The file is not there, or is not what it is said to be."""


class FormatNeedsExtra(UserError):
    """The library that reads a format is not installed."""

    def __init__(self, path: str, extra: str, location: Location | None) -> None:
        super().__init__(
            f"{path} cannot be read: the library for {extra} is not installed.",
            remedy=f"Install it: pip install 'headrace[{extra}]'.",
            location=location,
        )


class SourceRefused(UserError):
    """The source does not let us in, or does not allow what was asked. `place` and `reason` hold no secret."""

    def __init__(self, place: str, reason: str, remedy: str, location: Location | None = None) -> None:
        super().__init__(f"{place} refuses: {reason}.", remedy=remedy, location=location)
        self.place = place


class SourceChanged(UserError):
    """The source no longer answers as it was declared. `place` and `problem` hold no secret."""

    def __init__(self, place: str, problem: str, remedy: str, location: Location | None = None) -> None:
        super().__init__(f"{place} is not what was declared: {problem}.", remedy=remedy, location=location)
        self.place = place


class SourceUnreachable(SystemFault):
    """The source does not answer: trying again may help. `place` and `reason` hold no secret.

    `retried` tells that whoever raises it has tried again already, so that nobody else does.
    """

    def __init__(self, place: str, reason: str, *, remedy: str = "", retried: bool = False, location: Location | None = None) -> None:
        told = remedy or "Check that it runs and can be reached from here, then run again: what was landed before is kept."
        super().__init__(f"{place} cannot be reached: {reason}.", remedy=told, location=location)
        self.place = place
        self.retried = retried


class UnsupportedColumn(UserError):
    """A column of a type that tables do not hold."""

    def __init__(self, column: str, dtype: object) -> None:
        super().__init__(
            f"the column {column!r} is {dtype}; a table holds booleans, integers, floats, texts, datetimes and durations.",
            remedy=f"Leave {column!r} out of the source, or write its parts there as columns of their own.",
        )
        self.column = column


class ColumnProblem(UserError):
    """A column that the contract names is missing, or of the wrong type."""


class ContractBroken(UserError):
    """A rule whose severity is `stop` was broken: nothing is written."""

    def __init__(self, table: str, broken: Iterable[tuple[str, str]], examples: Sequence[str], location: Location | None) -> None:
        rules = tuple(broken)
        listed = "; ".join(f"{rule}: {found}" for rule, found in rules)
        shown = "".join(f"\n  {row}" for row in examples)
        super().__init__(
            f"table {table!r} breaks its contract, and nothing was written. {listed}.",
            remedy="Mend the source, or give the rule another severity: 'quarantine' sets rows aside, 'warn' counts them."
            + (f" For example:{shown}" if examples else ""),
            location=location,
        )
        self.rules = tuple(rule for rule, _ in rules)


class BuildFailed(UserError):
    """The user's function for a derived table failed."""

    def __init__(self, table: str, function: str, problem: str, remedy: str, location: Location | None) -> None:
        super().__init__(f"the function {function!r} that makes table {table!r} failed: {problem}", remedy=remedy, location=location)
        self.table = table


class ReadFailed(UserError):
    """The user's code for a source failed."""

    def __init__(self, place: str, problem: str, remedy: str, location: Location | None) -> None:
        super().__init__(f"{place} failed: {problem}", remedy=remedy, location=location)
        self.place = place
