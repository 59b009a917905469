"""Tables: events, entities, and tables derived from tables; each with its contract."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from headrace.core.units import parse_duration
from headrace.expressions import Call, Column, DType, Expr, Literal, Udf
from headrace.spec.declaration import Declaration, NamedDeclaration, as_mapping, as_names
from headrace.spec.errors import InvalidOption, SpecError, UnknownName
from headrace.spec.evolve import Evolve
from headrace.spec.expectations import Expectation
from headrace.spec.retention import kept_for
from headrace.spec.sources import Source

INGESTED = "ingested"
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_PLAIN_NODES = (Column, Literal, Call, Udf)
"""What expressions over one row are made of; a look into a table is another kind of node."""


class Pseudonym(Declaration, frozen=True, kw_only=True):
    """Replace a personal column at the door with a keyed hash: HMAC-SHA256, the key kept outside the lake.

    One key a project, so that equal values stay equal across tables and can still be joined.
    """


class Table(NamedDeclaration, frozen=True, kw_only=True):
    """What every table declares.

    Attributes:
        columns: new or changed columns, in expressions over the source's own; the source's other columns are kept.
        types: column types pinned by hand (`bool`, `int`, `float`, `string`, `datetime`, `duration`); others are inferred once and then
            pinned.
        id: the columns that identify a row; of rows with the same id the first one stays, the others are counted as duplicates.
        time: the column that says when it happened.
        known: when it became known: a column for whole rows, `"ingested"`, or a mapping from columns to such columns. Default: `time`.
            A null there means never.
        expect: the contract's rules.
        personal: how personal columns are protected at the door.
        evolve: what happens when the source changes its columns.
        keep_versions: how long versions of the table stay after they were last in use; default: the project's `hr.Retention`.
    """

    columns: Mapping[str, Expr] = _NOTHING
    types: Mapping[str, DType] = _NOTHING
    id: tuple[str, ...] = ()
    time: str | None = None
    known: str | Mapping[str, str] | None = None
    expect: tuple[Expectation, ...] = ()
    personal: Mapping[str, Pseudonym] = _NOTHING
    evolve: Evolve | None = None
    keep_versions: str | timedelta | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _NAME.fullmatch(self.name):
            expected = "letters, digits and underscores, a letter first, no accents"
            raise InvalidOption("a table's name", self.name, expected, location=self.location)
        self._set("columns", as_mapping(self.columns))
        self._set("id", as_names(self.id))
        self._set("expect", tuple(self.expect))
        self._set("personal", as_mapping(self.personal))
        if isinstance(self.known, Mapping):
            self._set("known", as_mapping(self.known))
        self._set("keep_versions", kept_for(f"keep_versions of {self.name!r}", self.keep_versions, self))
        kinds = [each.value for each in DType]
        for column, kind in self.types.items():
            if kind not in kinds:
                where = f"types= of table {self.name!r}, column {column!r}: "
                raise UnknownName("type", str(kind), kinds, where=where, location=self.location)
        self._set("types", as_mapping({name: DType(kind) for name, kind in self.types.items()}))
        if self.known and not self.time:
            raise SpecError(
                f"table {self.name!r} says when its rows become known, but not when they happen.",
                remedy="Name the column with time=.",
                location=self.location,
            )
        titles = [rule.title for rule in self.expect]
        for title in titles:
            if titles.count(title) > 1:
                raise SpecError(
                    f"table {self.name!r} expects {title} twice.",
                    remedy="Remove one, or give check() another name.",
                    location=self.location,
                )

    @property
    def evolution(self) -> Evolve:
        """The rules by which it follows its source, whether they were written or not."""
        return self.evolve or Evolve(location=self.location)

    @property
    def row_known(self) -> str | None:
        """The column that says when a whole row became known (`ingested` for the ingestion moment); None: it always was."""
        if isinstance(self.known, Mapping):
            return self.known.get("*", self.time)
        return self.known or self.time

    def column_known(self, column: str) -> str | None:
        """The column that says when a value of `column` became known."""
        if isinstance(self.known, Mapping) and column in self.known:
            return self.known[column]
        return self.row_known

    @property
    def parents(self) -> tuple["Table", ...]:
        """The tables it is made from."""
        return ()


class Events(Table, frozen=True, kw_only=True):
    """Append-only facts.

    >>> from headrace.spec.sources import File
    >>> Events("clicks", source=File("clicks.csv"), id="click_id", time="at").row_known
    'at'
    """

    source: Source


class Entity(Table, frozen=True, kw_only=True):
    """The changing state of a thing named by `key`; without a `time`, a fact that was always known.

    Each change is a row, and all rows are kept. Without an `id` a row that is the same, in every column, as the one of its key before it
    is no change: it is left out, and counted as a duplicate.

    Attributes:
        deleted: a condition, over the table's columns as `columns` leaves them, under which a row says that the thing is gone; null is no.
            From when such a row is known `hr.latest` finds nothing, until the next row of the key; `hr.window` leaves it out.

    >>> from headrace.expressions import col
    >>> from headrace.spec.sources import File
    >>> shops = Entity("shops", source=File("shops.csv"), key="shop", time="changed", deleted=col("op") == "d")
    >>> shops.deleted
    (col("op") == 'd')
    """

    source: Source
    key: tuple[str, ...]
    deleted: Expr | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("key", as_names(self.key))
        if not self.key:
            raise InvalidOption(f"the key of {self.name!r}", self.key, "at least one column", location=self.location)
        if self.deleted is not None:
            self._check_deleted(self.deleted)

    def _check_deleted(self, deleted: object) -> None:
        what = f"deleted= of {self.name!r}"
        if not isinstance(deleted, Expr) or not all(isinstance(node, _PLAIN_NODES) for node in deleted.walk()):
            expected = "a condition over the table's own columns, such as col('op') == 'd'"
            raise InvalidOption(what, str(deleted), expected, location=self.location)
        hidden = sorted(deleted.columns() & set(self.personal))
        if hidden:
            raise SpecError(
                f"{what} reads the personal column {hidden[0]!r}, whose values the table does not keep.",
                remedy="Make a column of the condition in columns=, and name that.",
                location=self.location,
            )
        if isinstance(self.known, Mapping) and set(self.known) - {"*"}:
            # A delete has no values that could become known later: by their moments it would come too late, or never.
            raise SpecError(
                f"table {self.name!r} has deleted=, and columns that become known by themselves: when its deletes are known is not clear.",
                remedy="Say with known= when whole rows become known; put columns that are known later into a table of their own.",
                location=self.location,
            )


class Derived(Table, frozen=True, kw_only=True):
    """A table made from tables by any function of Polars LazyFrames, one argument an input, that returns a LazyFrame.

    Its fingerprint is the function's code without comments, and what it closes over.
    """

    inputs: tuple[Table, ...]
    build: Callable[..., Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("inputs", tuple(self.inputs))
        if not self.inputs:
            raise InvalidOption(f"the inputs of {self.name!r}", self.inputs, "at least one table", location=self.location)

    @property
    def parents(self) -> tuple[Table, ...]:
        return self.inputs


def deletion_of(table: Table) -> Expr | None:
    """Return the condition under which a row says that its thing is gone; None where no row does."""
    return table.deleted if isinstance(table, Entity) else None


def duration_or_none(value: str | timedelta | None) -> timedelta | None:
    """Return a duration, or None for none."""
    return None if value is None else parse_duration(value)


def with_parents(table: Table) -> Iterator[Table]:
    """Yield a table after those that it is made from, and what these are made from."""
    for parent in table.parents:
        yield from with_parents(parent)
    yield table
