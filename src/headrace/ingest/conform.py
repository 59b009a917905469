"""Holding a source's columns to the types of the contract: a value that has not the type is set aside with its row, never guessed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from headrace.expressions import DType
from headrace.ingest.column_types import convert
from headrace.ingest.dialect import PLAIN, Dialect, count_zoneless
from headrace.ingest.refusals import why_refused
from headrace.ingest.requests import ARRIVAL, REASON, ROW

_SHOWN = 80


@dataclass(frozen=True)
class Failure:
    """The values of a column that have not its type: `cells` has `_arrival`, `text` and `why`."""

    column: str
    cells: pl.DataFrame


@dataclass(frozen=True)
class Conformed:
    """Some rows in types of the lake, with `_arrival`; a value that failed is null here.

    `zoneless` counts the times that were written without a zone and taken for UTC because none was declared.
    """

    frame: pl.DataFrame
    failures: tuple[Failure, ...]
    zoneless: Mapping[str, int] = field(default_factory=dict)


def conform(chunk: pl.DataFrame, types: Mapping[str, DType], first: int | pl.Series, dialect: Dialect = PLAIN) -> Conformed:
    """Return a chunk's columns, each converted to its type; `first` is the position of its first row in the source, or those of all rows.

    Raises:
        UnsupportedColumn: for a column of a type that tables do not hold.
    """
    converted: list[pl.Series] = []
    failures: list[Failure] = []
    zoneless: dict[str, int] = {}
    places = first if isinstance(first, pl.Series) else pl.int_range(first, first + chunk.height, dtype=pl.Int64, eager=True)
    arrival = places.alias(ARRIVAL)
    for raw in chunk.iter_columns():
        kind = types[raw.name]
        values = convert(raw, kind, dialect)
        failed = raw.is_not_null() & values.is_null()
        if failed.any():
            failures.append(_failure(raw.filter(failed), arrival.filter(failed), kind, dialect))
        if kind is DType.DATETIME and dialect.timezone is None and (found := count_zoneless(raw, dialect)):
            zoneless[raw.name] = found
        converted.append(values)
    return Conformed(pl.DataFrame([arrival, *converted]), tuple(failures), zoneless)


def _failure(values: pl.Series, arrival: pl.Series, kind: DType, dialect: Dialect) -> Failure:
    cells = pl.DataFrame({ARRIVAL: arrival, "text": _texts(values), "why": why_refused(values, kind, dialect)})
    return Failure(values.name, cells.filter(pl.col("why").is_not_null()))


def _texts(values: pl.Series) -> pl.Series:
    if isinstance(values.dtype, pl.Duration):
        return values.dt.to_string()
    if not isinstance(values.dtype, pl.Datetime | pl.Date):
        return values.cast(pl.String, strict=False)
    beyond = values.dt.year().is_null()  # some 262,000 years away, of which Polars can make no text: the count, then, as it stands there
    return values.set(beyond, None).cast(pl.String).zip_with(~beyond, values.to_physical().cast(pl.String))


def split_failures(conformed: Conformed, conceal: Callable[[pl.DataFrame], pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that have their types, and of those that have not `_arrival`, `_reason` and `_row`: failed values as their texts.

    `conceal` replaces the personal columns of a frame; it is called before any value is put into words.
    """
    frame = conformed.frame
    if not conformed.failures:
        return frame, pl.DataFrame(schema={ARRIVAL: pl.Int64, REASON: pl.String, ROW: pl.String})
    arrivals = pl.concat([failure.cells[ARRIVAL] for failure in conformed.failures]).unique()
    is_bad = pl.col(ARRIVAL).is_in(arrivals.implode())
    bad, texts, reasons = conceal(frame.filter(is_bad)), {}, []
    for failure in conformed.failures:
        cells = bad.select(ARRIVAL).join(failure.cells, on=ARRIVAL, how="left", maintain_order="left")
        told = conceal(cells.select(pl.col("text").alias(failure.column))).to_series()
        words = pl.format("column {} is '{}', {}", pl.lit(failure.column), told.str.slice(0, _SHOWN), cells["why"])
        reasons.append(pl.select(pl.when(told.is_not_null()).then(words)).to_series())
        texts[failure.column] = told
    reason = pl.select(pl.concat_str(reasons, separator="; ", ignore_nulls=True)).to_series()
    return frame.filter(~is_bad), bad.select(ARRIVAL, reason.alias(REASON), _as_json(bad.drop(ARRIVAL), texts))


def _as_json(frame: pl.DataFrame, texts: Mapping[str, pl.Series]) -> pl.Series:
    """Return each row as JSON, in which a text goes before the value whose place it has."""
    members = []
    for column in frame.iter_columns():
        member = _member(column)
        if column.name in texts:
            text = texts[column.name]
            member = pl.select(pl.when(text.is_not_null()).then(_member(text)).otherwise(member)).to_series()
        members.append(member)
    return pl.select(("{" + pl.concat_str(members, separator=",") + "}").alias(ROW)).to_series()


def _member(column: pl.Series) -> pl.Series:
    return column.to_frame().select(pl.struct(pl.all()).struct.json_encode().str.slice(1).str.head(-1)).to_series()
