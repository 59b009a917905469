"""Whether a file has a time to split by, and where."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import polars as pl

from headrace.app.scaffolding.names import one_line
from headrace.app.scaffolding.order import come_after, find_first
from headrace.core.units import counted, format_duration
from headrace.expressions import DType
from headrace.ingest.profile import ColumnProfile, TableProfile

_LEAST_MOMENTS = 20
_LEAST_ROWS = 10
_LEAST_SHARE = 0.05
_MOST_NULLS = 0.01
_OF_A_PERSON = re.compile(r"birth|born|dob", re.IGNORECASE)


class TimeChoice(msgspec.Struct, frozen=True):
    """The time column, and how long the validation and the test last, as texts such as `45d`.

    Attributes:
        reasons: why this column, where there are others.
        later: the date columns that come after it.
    """

    column: str
    validation: str
    test: str
    reasons: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


def choose_time(frame: pl.DataFrame, profile: TableProfile, target: str) -> TimeChoice | None:
    """Return the datetime column to split by, with about a fifth of the rows each for validation and test; None if there is none.

    Usable is one with at most 1 % nulls, whose rows are set aside, with at least twenty different moments, that leaves rows with
    different targets in each of the three parts.
    Of several, the one that comes first row by row; if none does, the first in the file.
    """
    dates = [column for column in profile.columns if column.name != target and column.type is DType.DATETIME]
    unfit = {column.name: why for column in dates if (why := _why_no_time(column, frame.height))}
    cuts = {
        column.name: _cut(frame.select(time=pl.col(column.name), target=pl.col(target))) for column in dates if column.name not in unfit
    }
    usable = {name: cut for name, cut in cuts.items() if cut is not None}
    if not usable:
        return None
    first = find_first(frame, list(usable))
    column = first or next(iter(usable))
    others = [each.name for each in dates if each.name != column]
    unfit |= {name: "a part of the split would have too few rows, or one answer" for name in cuts if name not in usable}
    validation, test = (format_duration(part) for part in usable[column])
    reasons = (*_reasons(column, others, unfit, first is not None), *_without(frame[column].null_count()))
    return TimeChoice(column, validation, test, reasons, come_after(frame, column, others))


def _reasons(column: str, others: Sequence[str], unfit: Mapping[str, str], is_first: bool) -> tuple[str, ...]:
    rivals = ", ".join(one_line(name) for name in others if name not in unfit)
    left_out = ", ".join(f"{one_line(name)} ({why})" for name in others if (why := unfit.get(name)))
    said: list[str] = []
    if rivals and is_first:
        said.append(f"{one_line(column)} was chosen, for it is not later than {rivals} in at least 95 % of the rows.")
    elif rivals:
        said.append(f"{one_line(column)} was chosen as the first date column in the file, for no date column comes before all others.")
        said.append(f"Other candidates: {rivals}. If the question is asked at one of them, name it in time=, as_of= and given=.")
    if unfit:
        said.append(f"Not considered: {left_out}.")
    return tuple(said)


def _without(rows: int) -> tuple[str, ...]:
    return (f"Rows without one are set aside with the reason: {rows:,}.",) if rows else ()


def _why_no_time(column: ColumnProfile, rows: int) -> str:
    """Return why a date column cannot be split by, as far as that is seen without splitting; empty: it may."""
    if column.nulls > _MOST_NULLS * rows:
        return f"{column.nulls:,} of {counted(rows, 'row')} have none"
    if column.distinct < _LEAST_MOMENTS:
        return f"{counted(column.distinct, 'different moment')}, where a split wants {_LEAST_MOMENTS}"
    return "of a person's birth" if _OF_A_PERSON.search(column.name) else ""


def _cut(frame: pl.DataFrame) -> tuple[timedelta, timedelta] | None:
    labelled = frame.drop_nulls()
    moments = labelled["time"].sort().to_list()
    first, second, last = moments[len(moments) * 3 // 5], moments[len(moments) * 4 // 5], frame["time"].max()
    assert isinstance(last, datetime)
    test, validation = _round_up(last - second), _round_up(second - first)
    if not test or not validation:
        return None
    return (validation, test) if _all_parts_serve(labelled, last - test, validation) else None


def _round_up(duration: timedelta) -> timedelta:
    for unit in (timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)):
        if duration >= 2 * unit:
            return -(-duration // unit) * unit
    return duration


def _all_parts_serve(labelled: pl.DataFrame, test_from: datetime, validation: timedelta) -> bool:
    time = labelled["time"]
    for part in (time > test_from, (time <= test_from) & (time > test_from - validation), time <= test_from - validation):
        rows = labelled.filter(part)
        if rows.height < max(_LEAST_ROWS, _LEAST_SHARE * labelled.height) or rows["target"].n_unique() < 2:
            return False
    return True
