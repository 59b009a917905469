"""Moments and durations in Polars. Results outside the years 1 to 9999 become null."""

from datetime import UTC, datetime
from functools import lru_cache, partial

import polars as pl

from headrace.core.moments import microseconds
from headrace.expressions.formats import read_format
from headrace.expressions.polars_backend.columns import POLARS_TYPES, over_distinct
from headrace.expressions.polars_backend.numbers import Build, Plain
from headrace.expressions.primitives import Typed
from headrace.expressions.python_backend.moment_functions import WEEK_US, parser
from headrace.expressions.types import INT_MAX, INT_MIN, DType

_FIRST = microseconds(datetime.min.replace(tzinfo=UTC))
_LAST = microseconds(datetime.max.replace(tzinfo=UTC))
_MONDAY_US = 4 * 86_400_000_000
_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_BLOCK = 1 << 13
"""Of how many hours a zone is asked at once: not quite a year. Where there are not twice as many moments, they are asked about alone."""
_MOMENT = POLARS_TYPES[DType.DATETIME]
_DURATION = POLARS_TYPES[DType.DURATION]


def _within(count: pl.Expr) -> pl.Expr:
    """Return a count of microseconds, null outside the years 1 to 9999."""
    return pl.when(count.is_between(_FIRST, _LAST)).then(count)


def _us(value: pl.Expr) -> pl.Expr:
    return value.cast(pl.Int64)


def _truncate(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    every = node.options["every_us"]
    count = _us(arguments[0])
    past = (count - _MONDAY_US if every % WEEK_US == 0 else count) % every
    return _within(count - past).cast(_MOMENT)


def _local(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    return arguments[0].map_batches(partial(_clock, node.options["tz"]), pl.Datetime("us"), is_elementwise=True)


def _clock(tz: str, moments: pl.Series) -> pl.Series:
    """Return what a zone's clocks show at moments."""
    counts = _clock_counts(tz, moments.to_physical())
    within = counts.is_between(_FIRST, _LAST)
    return (counts if within.all() else counts.set(~within, None)).cast(pl.Datetime("us"))


def _clock_counts(tz: str, counts: pl.Series) -> pl.Series:
    """Return what a zone's clocks show at moments, both in microseconds.

    Where many moments fall into few hours, the zone is asked about the hours: a tenth of the work. A moment of an hour within which the
    clocks were changed is asked about by itself.
    """
    hours = counts // _HOUR_US
    first, last = hours.min(), hours.max()
    if not isinstance(first, int) or not isinstance(last, int):
        return _exact_clock(tz, counts)
    blocks = range(first // _BLOCK, last // _BLOCK + 1)
    if len(blocks) * _BLOCK * 2 > len(counts):
        return _exact_clock(tz, counts)
    hours -= blocks.start * _BLOCK
    found = counts + pl.concat([_offsets(tz, block) for block in blocks]).gather(hours)
    if found.null_count() == counts.null_count():
        return found
    alone = found.is_null().arg_true()
    return found.scatter(alone, _exact_clock(tz, counts.gather(alone)))


@lru_cache(maxsize=64)
def _offsets(tz: str, block: int) -> pl.Series:
    """Return by how much a zone's clocks are ahead in each hour of a block, null where they were changed within it.

    No zone changed its clocks twice within an hour. Blocks are remembered: Polars asks about pieces of a column, one after the other.
    """
    starts = pl.int_range(block * _BLOCK, (block + 1) * _BLOCK, eager=True) * _HOUR_US
    offsets, at_the_end = (_exact_clock(tz, each) - each for each in (starts, starts + (_HOUR_US - 1)))
    return offsets.set(offsets != at_the_end, None)


def _exact_clock(tz: str, counts: pl.Series) -> pl.Series:
    return counts.cast(_MOMENT).dt.convert_time_zone(tz).dt.replace_time_zone(None).to_physical()


def _to_utc(clock: pl.Expr, tz: str) -> pl.Expr:
    """Return the moments at which a zone's clocks show these; the earlier of two, null for none."""
    if tz == "UTC":
        return clock.dt.replace_time_zone("UTC")
    zoned = clock.dt.replace_time_zone(tz, ambiguous="earliest", non_existent="null")
    return _within(_us(zoned.dt.convert_time_zone("UTC"))).cast(_MOMENT)


def _days_since_epoch(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Days from civil (H. Hinnant, Chrono-compatible low-level date algorithms): years begin in March, the leap day is the last."""
    shifted = pl.when(month <= 2).then(year - 1).otherwise(year)
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _datetime_of(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    year, month, day, hour, minute = arguments
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    length = pl.when(month == 2).then(28 + leap.cast(pl.Int64)).when(month.is_in([4, 6, 9, 11])).then(30).otherwise(31)
    valid = (
        year.is_between(1, 9999) & month.is_between(1, 12) & day.is_between(1, length) & hour.is_between(0, 23) & minute.is_between(0, 59)
    )
    count = _days_since_epoch(year, month, day) * _DAY_US + hour * 3_600_000_000 + minute * 60_000_000
    return _to_utc(pl.when(valid).then(count).cast(pl.Datetime("us")), node.options["tz"])


def _parse(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    format, tz = node.options["format"], node.options["tz"]
    read = read_format(format)
    if not read.separated:
        return over_distinct(arguments[0], parser(format, tz), DType.DATETIME)
    fits = arguments[0].str.contains(rf"\A{read.pattern}\z")
    clock = pl.when(fits).then(arguments[0]).str.to_datetime(format, time_unit="us", strict=False)
    return _to_utc(_within(_us(clock)).cast(pl.Datetime("us")), tz)


def _duration_of_int(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    unit = node.options["unit_us"]
    number = arguments[0]
    return pl.when(number.is_between(-(-INT_MIN // unit), INT_MAX // unit)).then(number * unit).cast(_DURATION)


def _duration_of_float(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    return (arguments[0] * float(node.options["unit_us"])).round().cast(pl.Int64, strict=False).cast(_DURATION)


def _span(count: pl.Expr) -> pl.Expr:
    return count.cast(_DURATION)


def _part(name: str) -> Plain:
    return lambda moment: getattr(moment.dt, name)().cast(pl.Int64)


PLAIN_MOMENTS: dict[str, Plain] = {
    "shift": lambda moment, duration: _within(_us(moment) + _us(duration)).cast(_MOMENT),
    "shift_back": lambda moment, duration: _within(_us(moment) - _us(duration)).cast(_MOMENT),
    "gap": lambda end, start: _span(_us(end) - _us(start)),
    "add_duration": lambda left, right: _span(_us(left) + _us(right)),
    "sub_duration": lambda left, right: _span(_us(left) - _us(right)),
    "mul_duration": lambda duration, factor: _span(_us(duration) * factor),
    "neg_duration": lambda duration: _span(-_us(duration)),
    "abs_duration": lambda duration: _span(_us(duration).abs()),
    "microseconds": lambda duration: _us(duration).cast(pl.Float64),
    "day_of_year": _part("ordinal_day"),
    **{part: _part(part) for part in ("year", "month", "day")},
    "weekday": lambda moment: (_us(moment) - _MONDAY_US) // _DAY_US % 7 + 1,
    "hour": lambda moment: _us(moment) % _DAY_US // 3_600_000_000,
    "minute": lambda moment: _us(moment) % 3_600_000_000 // 60_000_000,
    "second": lambda moment: _us(moment) % 60_000_000 // 1_000_000,
}
MOMENTS: dict[str, Build] = {
    "truncate": _truncate,
    "local": _local,
    "datetime_of": _datetime_of,
    "parse_datetime": _parse,
    "duration_of_int": _duration_of_int,
    "duration_of_float": _duration_of_float,
}
