"""What a contract expects of a table's rows, and what happens to those that disappoint it.

Severity: `warn` counts them, `quarantine` sets them aside with the reason, `stop` ends the run before anything is written. A null
passes every rule but `not_null`.
"""

import re
from collections.abc import Iterable
from datetime import timedelta

from headrace.core.units import format_duration, parse_duration
from headrace.expressions import Expr, col
from headrace.spec.declaration import Declaration, as_names
from headrace.spec.errors import InvalidOption

SEVERITIES = ("warn", "quarantine", "stop")
Bound = int | float | str


class Expectation(Declaration, frozen=True, kw_only=True):
    """One rule of a contract."""

    severity: str = "quarantine"

    def __post_init__(self) -> None:
        super().__post_init__()
        allowed = SEVERITIES if isinstance(self, RowRule | Unique) else ("warn", "stop")
        if self.severity not in allowed:
            raise InvalidOption(f"the severity of {self.title}", self.severity, f"one of {', '.join(allowed)}", location=self.location)

    @property
    def title(self) -> str:
        """The rule as people read it; unique within a contract."""
        raise NotImplementedError  # each kind of rule does

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the rule reads."""
        return frozenset()


class RowRule(Expectation, frozen=True, kw_only=True):
    """A rule that each row meets or not by itself."""

    name: str
    passes: Expr

    @property
    def title(self) -> str:
        return self.name

    @property
    def columns(self) -> frozenset[str]:
        from_expression = self.passes.columns()
        return frozenset(from_expression)


class Unique(Expectation, frozen=True, kw_only=True):
    """No two rows share these columns' values; the first one stays."""

    of: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"unique({', '.join(self.of)})"

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(self.of)


class Fresh(Expectation, frozen=True, kw_only=True):
    """The newest `time` of the table is no older than this at the run."""

    max_age: timedelta

    @property
    def title(self) -> str:
        return f"fresh({format_duration(self.max_age)})"


class RowCount(Expectation, frozen=True, kw_only=True):
    """The table has at least and at most so many accepted rows."""

    minimum: int = 0
    maximum: int | None = None

    @property
    def title(self) -> str:
        return f"rows({self.minimum}, {self.maximum})"


def not_null(*columns: str, severity: str = "quarantine") -> RowRule:
    """Expect none of these columns to be null."""
    if not columns:
        raise InvalidOption("the columns of not_null()", columns, "at least one column")
    passes = col(columns[0]).is_not_null()
    for column in columns[1:]:
        passes = passes & col(column).is_not_null()
    return RowRule(name=f"not_null({', '.join(columns)})", passes=passes, severity=severity)


def between(column: str, low: Bound, high: Bound, severity: str = "quarantine") -> RowRule:
    """Expect low <= value <= high."""
    if isinstance(low, str) != isinstance(high, str) or low > high:  # type: ignore[operator]  # both are of one kind
        raise InvalidOption(f"the range of between({column!r})", (low, high), "low <= high, both numbers or both texts")
    value = col(column)
    return RowRule(name=f"between({column}, {low}, {high})", passes=(value >= low) & (value <= high), severity=severity)


def one_of(column: str, choices: Iterable[Bound], severity: str = "quarantine") -> RowRule:
    """Expect one of the listed values."""
    listed = tuple(choices)
    if not listed:
        raise InvalidOption(f"the choices of one_of({column!r})", listed, "at least one value")
    return RowRule(name=f"one_of({column}, {list(listed)})", passes=col(column).is_in(listed), severity=severity)


def matches(column: str, pattern: str, severity: str = "quarantine") -> RowRule:
    """Expect the whole text to match a regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise InvalidOption(f"the pattern of matches({column!r})", pattern, f"a regular expression ({error})") from error
    return RowRule(name=f"matches({column}, {pattern})", passes=col(column).matches(pattern), severity=severity)


def check(name: str, passes: Expr, severity: str = "quarantine") -> RowRule:
    """Expect any boolean expression over the row's columns to be true."""
    return RowRule(name=name, passes=passes, severity=severity)


def unique(columns: str | Iterable[str], severity: str = "quarantine") -> Unique:
    """Expect no two rows to share these columns' values."""
    of = as_names(columns)
    if not of:
        raise InvalidOption("the columns of unique()", of, "at least one column")
    return Unique(of=of, severity=severity)


def fresh(max_age: str | timedelta, severity: str = "warn") -> Fresh:
    """Expect the newest `time` to be no older than this when the run starts."""
    return Fresh(max_age=parse_duration(max_age), severity=severity)


def rows(minimum: int = 0, maximum: int | None = None, severity: str = "stop") -> RowCount:
    """Expect so many accepted rows."""
    if minimum < 0 or (maximum is not None and maximum < minimum):
        raise InvalidOption("the range of rows()", (minimum, maximum), "0 <= minimum <= maximum")
    return RowCount(minimum=minimum, maximum=maximum, severity=severity)
