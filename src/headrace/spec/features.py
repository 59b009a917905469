"""Features: named values on a spine, and the two leaves that look into tables."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from headrace.core.locations import Location
from headrace.core.moments import MICROSECOND
from headrace.core.units import format_duration
from headrace.expressions import Aggregate, Expr, coalesce, col, when
from headrace.spec.declaration import Declaration, as_mapping, as_names
from headrace.spec.errors import InvalidOption, SpecError
from headrace.spec.freshness import MaxStaleness, WhenStale, check_when_stale, staleness_limits
from headrace.spec.tables import Table, deletion_of, duration_or_none

By = str | Iterable[str] | Mapping[str, str]
Keys = tuple[tuple[str, str], ...]


class Lookup(Expr, frozen=True, eq=False, kw_only=True):
    """A leaf of a feature's expression whose value comes from a table: visible rows with the same key, as of the question.

    `keys` pairs each spine column with the table's column.
    """

    table: Table
    keys: Keys

    def label(self) -> str:
        """The lookup as people read it."""
        raise NotImplementedError  # each kind of lookup does

    def expressions(self) -> tuple[Expr, ...]:
        """The expressions over the table's columns that the value depends on, its rule for deletes among them."""
        raise NotImplementedError  # each kind of lookup does

    def table_columns(self) -> frozenset[str]:
        """The columns of the table that the value depends on."""
        return frozenset(column for _, column in self.keys).union(*(each.columns() for each in self.expressions()))

    def declaration(self) -> dict[str, Any]:
        """Everything its value depends on beside the rows: JSON values, canonical."""
        raise NotImplementedError  # each kind of lookup does

    def meaning(self) -> str:
        """A text that is equal for lookups of equal declaration, and only for those."""
        return msgspec.json.encode(self.declaration(), order="sorted").decode()


class Latest(Lookup, frozen=True, eq=False, kw_only=True):
    """The value in the visible row with the greatest `known`, ties by `time`, then by arrival; null if that row is a delete."""

    value: Expr
    max_age: timedelta | None

    def label(self) -> str:
        limit = f", max_age={format_duration(self.max_age)}" if self.max_age else ""
        return f"latest({self.table.name}, {self.value}, by={_keys_label(self.keys)}{limit})"

    def expressions(self) -> tuple[Expr, ...]:
        return (self.value, *_deletion(self.table))

    def declaration(self) -> dict[str, Any]:
        deleted = deletion_of(self.table)
        value = self.value if deleted is None else when(deleted).then(None).otherwise(self.value)
        return {
            "kind": "latest", "table": self.table.name, "keys": [list(pair) for pair in self.keys], "value": value.to_json(),
            "max_age_us": _microseconds(self.max_age),
        }  # fmt: skip


class Window(Lookup, frozen=True, eq=False, kw_only=True):
    """An aggregate over visible rows with `as_of - over <= known < as_of`; with `hop` the left edge moves down to a tile boundary.

    Deletes are left out.
    """

    aggregate: Aggregate
    over: timedelta
    hop: timedelta | None
    where: Expr | None

    def label(self) -> str:
        hop = f", hop={format_duration(self.hop)}" if self.hop else ""
        where = f", where={self.where}" if self.where is not None else ""
        return f"window({self.table.name}, {self.aggregate}, by={_keys_label(self.keys)}, over={format_duration(self.over)}{hop}{where})"

    def expressions(self) -> tuple[Expr, ...]:
        own = (self.aggregate.argument, self.where)
        return (*(each for each in own if each is not None), *_deletion(self.table))

    def declaration(self) -> dict[str, Any]:
        where, deleted = self.where, deletion_of(self.table)
        if deleted is not None:
            there = ~coalesce(deleted, False)
            where = there if where is None else where & there
        return {
            "kind": "window", "table": self.table.name, "keys": [list(pair) for pair in self.keys], "aggregate": self.aggregate.to_json(),
            "over_us": _microseconds(self.over), "hop_us": _microseconds(self.hop),
            "where": None if where is None else where.to_json(),
        }  # fmt: skip


def latest(table: Table, value: str | Expr, by: By, max_age: str | timedelta | None = None) -> Latest:
    """Return the newest visible value of a table's column (or expression over its columns) for the same key.

    `by` names the key columns, or maps the spine's columns to the table's. Null when no row is visible, or when the newest one happened
    more than `max_age` before the question, or nobody knows when.
    """
    _require_table("latest", table)
    if max_age is not None and table.time is None:
        raise InvalidOption(f"max_age of latest({table.name})", max_age, "none: the table has no time=, its rows have no age")
    return Latest(
        table=table,
        keys=_keys("latest", by),
        value=_over_table(f"the value of latest({table.name})", value),
        max_age=duration_or_none(max_age),
    )


def window(
    table: Table, aggregate: Aggregate, by: By, over: str | timedelta, hop: str | timedelta | None = None, where: Expr | None = None
) -> Window:
    """Return an aggregate, such as `col("x").mean()` or `count()`, over the rows that became known within `over` before the question."""
    _require_table("window", table)
    if not isinstance(aggregate, Aggregate):
        raise InvalidOption(f"the aggregate of window({table.name})", str(aggregate), "an aggregate, such as col('x').mean() or count()")
    if aggregate.argument is not None:
        _over_table(f"the aggregate of window({table.name})", aggregate.argument)
    length = duration_or_none(over)
    assert length is not None
    if table.row_known is None:
        raise InvalidOption(f"the table of window({table.name})", table.name, "a table with time=")
    condition = None if where is None else _over_table(f"where= of window({table.name})", where)
    return Window(table=table, keys=_keys("window", by), aggregate=aggregate, over=length, hop=duration_or_none(hop), where=condition)


class Features(Declaration, frozen=True, kw_only=True):
    """Named values on a spine, asked at `as_of`.

    Attributes:
        spine: the table of the rows that the question is asked about.
        as_of: when the question is asked: an expression over given columns. Without it the features cannot look into tables that
            have a time.
        given: the columns that the asker supplies; they are the request's schema when served.
        values: the features, in order.
        max_staleness: when served, how long before the question the tables that a feature looks into must be known until: one duration
            for all features, or one for each by its name. Neither what is computed nor what is trained depends on it.
        when_stale: what a server does about a value that is older: `"last"` uses it and says so, `"null"` uses null in its place and says
            so, `"error"` refuses to answer.
        from_log: whether a model learns from these features as they were served and logged, in the place of what batch computes of the
            history. Each row of the spine counts that a prediction was asked about; so what tells its rows apart is given.
    """

    spine: Table
    given: tuple[str, ...]
    values: Mapping[str, Expr]
    as_of: Expr | None = None
    max_staleness: MaxStaleness = None
    when_stale: WhenStale = "last"
    from_log: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("given", as_names(self.given))
        self._set(
            "values", as_mapping({name: as_expression(f"feature {name!r}", value, self.location) for name, value in self.values.items()})
        )
        if self.as_of is not None:
            self._set("as_of", as_expression("as_of of Features()", self.as_of, self.location))
        if not self.values:
            raise InvalidOption("the values of Features()", {}, "at least one named expression", location=self.location)
        check_when_stale(self.when_stale, self.location)
        self.staleness_limits()
        if self.from_log:
            self._check_told_apart()

    def _check_told_apart(self) -> None:
        spine = self.spine
        if not spine.id:
            raise SpecError(
                f"the features on {spine.name!r} are taken from the log, and nothing tells its rows apart: "
                "no answer could be put beside what was served.",
                remedy=f"Give {spine.name!r} an id= of columns that the asker supplies, or take from_log=True away.",
                location=self.location,
            )
        missing = [name for name in spine.id if name not in self.given]
        if missing:
            raise SpecError(
                f"the features on {spine.name!r} are taken from the log, and {missing[0]!r} of its id= is not given: "
                "a logged prediction would not say which row it is about.",
                remedy=f"Add {', '.join(map(repr, missing))} to given=: from then on predictions that are logged can be learned from.",
                location=self.location,
            )

    def staleness_limits(self) -> dict[str, timedelta]:
        """How old each feature may be that has such a limit.

        Raises:
            UnknownName, InvalidOption: for a limit that is none.
        """
        seen = {name: [leaf.table for leaf in value.walk() if isinstance(leaf, Lookup)] for name, value in self.values.items()}
        return staleness_limits(self.max_staleness, seen, self.location)

    @property
    def name(self) -> str:
        """A name for tables and reports: the spine's."""
        return self.spine.name

    def lookups(self) -> tuple[Lookup, ...]:
        """The distinct lookups, in order of first use."""
        found: dict[str, Lookup] = {}
        for value in self.values.values():
            for leaf in value.walk():
                if isinstance(leaf, Lookup):
                    found.setdefault(leaf.meaning(), leaf)
        return tuple(found.values())

    def tables(self) -> tuple[Table, ...]:
        """The spine and every table looked into, each once."""
        found = {self.spine.name: self.spine}
        for lookup in self.lookups():
            found.setdefault(lookup.table.name, lookup.table)
        return tuple(found.values())


def as_expression(what: str, value: object, location: Location | None = None) -> Expr:
    """Return an expression as it is, and a text as the column of that name.

    Raises:
        InvalidOption: for anything else, an aggregate above all.
    """
    if isinstance(value, str):
        return col(value)
    if not isinstance(value, Expr):
        hint = (
            "an aggregate has a value only in hr.window(table, aggregate, by=..., over=...)"
            if isinstance(value, Aggregate)
            else "hr.lit(...) makes one of a plain value"
        )
        raise InvalidOption(what, str(value), f"an expression or a column's name; {hint}", location=location)
    return value


def _deletion(table: Table) -> tuple[Expr, ...]:
    deleted = deletion_of(table)
    return () if deleted is None else (deleted,)


def _over_table(what: str, value: object) -> Expr:
    expression = as_expression(what, value)
    if any(isinstance(node, Lookup) for node in expression.walk()):
        raise InvalidOption(what, str(expression), "an expression over the table's own columns: a lookup does not look through another")
    return expression


def _keys(function: str, by: By) -> Keys:
    pairs = tuple(by.items()) if isinstance(by, Mapping) else tuple((name, name) for name in as_names(by))
    if not pairs:
        raise InvalidOption(f"by= of {function}()", by, "at least one key column")
    return pairs


def _keys_label(keys: Keys) -> str:
    return "[" + ", ".join(left if left == right else f"{left}={right}" for left, right in keys) + "]"


def _require_table(function: str, table: object) -> None:
    if not isinstance(table, Table):
        raise InvalidOption(f"the table of {function}()", table, "a declared table: hr.Events, hr.Entity or hr.Derived")


def _microseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // MICROSECOND
