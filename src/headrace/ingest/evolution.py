"""A table following its source by rule: columns that come, go and are called otherwise, whole numbers that become others."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from headrace.core.errors import suggest
from headrace.core.units import counted
from headrace.expressions import DType
from headrace.ingest.column_types import POLARS_TYPES, convert, dtype_of
from headrace.ingest.dialect import Dialect
from headrace.ingest.errors import ColumnProblem
from headrace.ingest.profile import TableProfile
from headrace.ingest.raw import RawTable
from headrace.ingest.remarks import remark
from headrace.ingest.renaming import likely_name
from headrace.ingest.requests import RuleResult
from headrace.spec.tables import Table


@dataclass(frozen=True)
class Evolved:
    """A source as the table's rules take it: `pinned` under the names of today, `results` what was done."""

    raw: RawTable
    pinned: dict[str, DType]
    results: tuple[RuleResult, ...] = ()


def follow(
    raw: RawTable, pinned: Mapping[str, DType] | None, table: Table, dialect: Dialect, before: TableProfile | None = None
) -> Evolved:
    """Return the source with columns renamed, added, left out and kept by the table's rules.

    `pinned` are the types of the last time, null for a column that had no value then; None the first time. `before` is the profile of the
    last time, by which a renamed column is recognised.

    Raises:
        ColumnProblem: for a change that a rule refuses.
    """
    raw, results = _rename(raw, table)
    if pinned is None:
        return Evolved(raw, {}, tuple(results))
    names = {old: new for old, new in table.evolution.rename.items() if old in pinned}
    results += [remark(f"{new} was called {old}", 0, "renamed by evolve=: it keeps the type it had") for old, new in names.items()]
    known = {names.get(name, name): kind for name, kind in pinned.items()}
    raw, added = _add(raw, known, table)
    typed: dict[str, DType] = {name: kind for name, kind in known.items() if kind is not DType.NULL}
    _refuse_gone(raw, typed, table, lambda name, fresh: likely_name(name, typed[name], raw, fresh, before, dialect))
    raw, removed = _remove(raw, typed, table)
    typed, widened = _widen(raw, typed, table, dialect)
    return Evolved(raw, typed, (*results, *added, *removed, *widened))


def _rename(raw: RawTable, table: Table) -> tuple[RawTable, list[RuleResult]]:
    present = {old: new for old, new in table.evolution.rename.items() if old in raw.names}
    if not present:
        return raw, []
    names = tuple(dict.fromkeys(present.get(name, name) for name in raw.names))

    def chunks() -> Iterator[pl.DataFrame]:
        for chunk in raw.chunks():
            yield pl.DataFrame([_merged(chunk, name, [old for old, new in present.items() if new == name], table) for name in names])

    results = [remark(f"{old} is called {new}", 0, f"renamed by evolve=: {old!r} is read as {new!r}") for old, new in present.items()]
    return replace(raw, names=names, chunks=chunks, schema=None), results


def _merged(chunk: pl.DataFrame, name: str, old: list[str], table: Table) -> pl.Series:
    """Return a column under its name of today; where both names stand in the source, each row has it under one of them."""
    found = [chunk[each].alias(name) for each in (name, *old) if each in chunk.columns]
    merged = found[0]
    for other in found[1:]:
        if (merged.is_not_null() & other.is_not_null()).any():
            problem = f"rows of table {table.name!r} have a value both in {name!r} and under the old name of that column."
            remedy = "Take one of them out of the source, or the name out of Evolve(rename=)."
            raise ColumnProblem(problem, remedy=remedy, location=table.evolution.location)
        merged = (
            pl.concat([merged.to_frame("a"), other.to_frame("b")], how="horizontal").select(pl.coalesce("a", "b").alias(name)).to_series()
        )
    return merged


def _add(raw: RawTable, known: Mapping[str, DType], table: Table) -> tuple[RawTable, list[RuleResult]]:
    fresh = [name for name in raw.names if name not in known and name not in table.types]
    rule = table.evolution.add
    if not fresh or rule == "accept":
        return raw, [remark(f"{name} is new", 0, "added by evolve=: it was not there the last time") for name in fresh]
    if rule == "refuse":
        problem = f"the source of table {table.name!r} has new columns: {', '.join(map(repr, fresh))}."
        remedy = 'evolve=hr.Evolve(add="accept") takes them in, add="ignore" leaves them out.'
        raise ColumnProblem(problem, remedy=remedy, location=table.evolution.location)
    names = tuple(name for name in raw.names if name not in fresh)
    left = replace(raw, names=names, chunks=lambda: (chunk.select(names) for chunk in raw.chunks()), schema=None)
    return left, [remark(f"{name} is left out", 0, "ignored by evolve=: the source has it since") for name in fresh]


def _refuse_gone(raw: RawTable, known: Mapping[str, DType], table: Table, name_now: Callable[[str, list[str]], str | None]) -> None:
    gone = [name for name in known if name not in raw.names and name not in table.columns]
    if not gone or table.evolution.remove != "refuse":
        return
    name, fresh = gone[0], [name for name in raw.names if name not in known]
    now = name_now(name, fresh)
    renamed = f" {now!r} is new and like it: if that is its name now, evolve=hr.Evolve(rename={{{name!r}: {now!r}}})." if now else ""
    problem = f"the source of table {table.name!r} has no column {name!r}, which the contract pins as {known[name]}."
    remedy = f'{suggest(name, raw.names)}{renamed} If it is gone for good: evolve=hr.Evolve(remove="null").'
    raise ColumnProblem(problem, remedy=remedy, location=table.location)


def _remove(raw: RawTable, known: Mapping[str, DType], table: Table) -> tuple[RawTable, list[RuleResult]]:
    gone = {name: kind for name, kind in known.items() if name not in raw.names and name not in table.columns}
    if not gone:
        return raw, []
    empty = [pl.lit(None, POLARS_TYPES[kind]).alias(name) for name, kind in gone.items()]
    filled = replace(raw, names=(*raw.names, *gone), chunks=lambda: (chunk.with_columns(empty) for chunk in raw.chunks()), schema=None)
    return filled, [remark(f"{name} is gone", 0, "kept by evolve=: it is null from now on") for name in gone]


def _widen(raw: RawTable, known: dict[str, DType], table: Table, dialect: Dialect) -> tuple[dict[str, DType], list[RuleResult]]:
    rule = table.evolution.widen
    candidates = [name for name in raw.names if known.get(name) is DType.INT and name not in table.types]
    if rule == "quarantine" or not candidates:
        return known, []
    wide = _with_decimals(raw, candidates, dialect)
    if wide and rule == "refuse":
        name, (count, row) = next(iter(wide.items()))
        values = f"{counted(count, 'value')} with decimals, the first in row {row:,}"
        problem = f"the column {name!r} of table {table.name!r} was int, and has {values}."
        remedy = 'evolve=hr.Evolve(widen="accept") reads it as float, widen="quarantine" sets those rows aside.'
        raise ColumnProblem(problem, remedy=remedy, location=table.evolution.location)
    results = [
        remark(
            f"{name} is float",
            count,
            f"widened from int by evolve=: {counted(count, 'value has', 'values have')} decimals, the first in row {row:,}",
        )
        for name, (count, row) in wide.items()
    ]
    return {**known, **dict.fromkeys(wide, DType.FLOAT)}, results


def _with_decimals(raw: RawTable, names: list[str], dialect: Dialect) -> dict[str, tuple[int, int]]:
    """Return for each column that has numbers with decimals how many, and the first one's row (from 1)."""
    found: dict[str, tuple[int, int]] = {}
    rows = 0
    for chunk in raw.chunks():
        for name in names:
            fractional = _fractional(chunk[name], dialect)
            if fractional is not None and (count := int(fractional.sum())):
                before = found.get(name, (0, rows + (fractional.arg_true()[0]) + 1))
                found[name] = before[0] + count, before[1]
        rows += chunk.height
    return found


def _fractional(values: pl.Series, dialect: Dialect) -> pl.Series | None:
    if dtype_of(values.name, values.dtype) not in (DType.STRING, DType.FLOAT):
        return None
    whole = convert(values, DType.INT, dialect)
    if whole.null_count() == values.null_count():
        return None
    return convert(values, DType.FLOAT, dialect).is_not_null() & whole.is_null()
