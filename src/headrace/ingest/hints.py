"""Which option to write so that a column that came as texts is read as what it says. Nothing is done with it here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from headrace.core.units import counted
from headrace.expressions import DType
from headrace.ingest.dialect import Dialect
from headrace.ingest.readings import ColumnSurvey, Misfits, Reading
from headrace.ingest.remarks import remark
from headrace.ingest.requests import RuleResult

_SHOWN = 3
_SHOWN_LETTERS = 40


@dataclass(frozen=True)
class Hint:
    """What may be written for a column: `options` of the source, as far as there is no doubt, and what to say.

    `formats` are the formats that the column's dates may have: one, or several between which its values do not decide.
    """

    column: str
    rows: int
    said: str
    options: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ()


class TextSurvey:
    """Looks at the columns that are texts, a chunk at a time. Values of personal columns are never told."""

    def __init__(self, columns: Iterable[str], personal: Iterable[str], dialect: Dialect) -> None:
        self._personal = frozenset(personal)
        self._columns = {name: ColumnSurvey(dialect) for name in columns}

    def see(self, chunk: pl.DataFrame, first_row: int) -> None:
        """Look at some more rows; `first_row` counts those before them."""
        for name, survey in self._columns.items():
            if chunk[name].dtype == pl.String:
                survey.see(chunk[name], first_row)

    def hints(self) -> list[Hint]:
        """Return what can be said, at most one hint a column."""
        found = (_hint(name, survey.readings(), name in self._personal) for name, survey in self._columns.items())
        return [hint for hint in found if hint is not None]


def say_hints(hints: Iterable[Hint]) -> list[RuleResult]:
    """Return the hints as results that inform."""
    return [remark(f"{hint.column} is text", hint.rows, hint.said) for hint in hints]


def _hint(name: str, readings: Mapping[Reading, Misfits], personal: bool) -> Hint | None:
    numbers = {each: misfits for each, misfits in readings.items() if each.kind is DType.FLOAT}
    dates = {each: misfits for each, misfits in readings.items() if each.kind is DType.DATETIME}
    if dates:
        return _date_hint(name, dates, personal)
    if not numbers:
        return None
    best = min(numbers.values(), key=lambda misfits: misfits.rows).rows
    equal = [each for each, misfits in numbers.items() if misfits.rows == best]
    return _number_hint(name, equal, numbers[equal[0]], personal)


def _number_hint(name: str, equal: list[Reading], misfits: Misfits, personal: bool) -> Hint | None:
    chosen, rows = equal[0], misfits.fitting
    comma_is_decimal = chosen.decimal == "," and not chosen.thousands
    if comma_is_decimal and any(each.thousands == "," for each in equal):
        numbers = counted(rows, "text is a number", "texts are numbers")
        said = f"{numbers}, whose commas may be decimal marks (decimal=',') or stand between thousands (thousands=',')"
        return Hint(name, rows, f"{said}; find out which, and add it to the source")
    marks = {key: mark for key, mark, usual in (("decimal", chosen.decimal, "."), ("thousands", chosen.thousands, "")) if mark != usual}
    return _with_misfits(Hint(name, rows, counted(rows, "text is a number", "texts are numbers"), marks), misfits, "float", personal)


def _date_hint(name: str, dates: Mapping[Reading, Misfits], personal: bool) -> Hint | None:
    best = min(misfits.rows for misfits in dates.values())
    formats = tuple(each.format for each, misfits in dates.items() if misfits.rows == best)
    misfits = next(misfits for each, misfits in dates.items() if each.format == formats[0])
    rows = misfits.fitting
    told = counted(rows, "text is a date", "texts are dates")
    if len(formats) > 1:
        choices = " or ".join(f"dates={{{name!r}: {each!r}}}" for each in formats)
        said = f"{told}, in which day and month cannot be told apart: {choices}; find out which, and add it to the source"
        return Hint(name, rows, said, formats=formats)
    dated = {"dates": {name: formats[0]}}
    return _with_misfits(Hint(name, rows, told, dated, formats), misfits, None, personal)


def _with_misfits(hint: Hint, misfits: Misfits, kind: str | None, personal: bool) -> Hint | None:
    """Add what to do about the texts that do not fit; None if there is nothing to be done at all."""
    options, said = dict(hint.options), hint.said
    others = {text: found for text, found in misfits.found.items() if text not in misfits.nulls}
    if misfits.nulls:
        options["null_values"] = misfits.nulls
        said += f"; usually null: {shown({text: misfits.found[text] for text in misfits.nulls}, False)}"
    if others:
        said += f"; not so: {shown(others, personal)}"
    if options:
        said += f"; add to the source: {write_options(options)}"
    if others and kind is not None:
        said += f"; to set aside the rows of those that are not: types={{{hint.column!r}: {kind!r}}}"
    return Hint(hint.column, hint.rows, said, options, hint.formats) if options or others else None


def write_options(options: Mapping[str, object]) -> str:
    """Return options as they are written in a call."""
    return ", ".join(f"{name}={list(value) if isinstance(value, tuple) else value!r}" for name, value in options.items())


def shown(found: Mapping[str, tuple[int, int]], personal: bool) -> str:
    """Return texts with how often each came and in which row first; of a personal column just how many."""
    if personal:
        return f"{sum(count for count, _ in found.values()):,}, the first in row {min(row for _, row in found.values()):,}"
    told = [f"{text[:_SHOWN_LETTERS]!r} ({count:,}, the first in row {row:,})" for text, (count, row) in list(found.items())[:_SHOWN]]
    return f"{', '.join(told)}{' and others' if len(found) > _SHOWN else ''}"
