"""How a source writes numbers, dates and times, and how they are read as what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from headrace.expressions import DType, col
from headrace.expressions.formats import read_format
from headrace.expressions.polars_backend.compile import to_polars
from headrace.spec.declaration import as_names
from headrace.spec.sources import EVERY_COLUMN, Source, Written, Zoned

_SPACES = "\u0020\u00a0\u2009\u202f"
_MARKS = {" ": f"[{_SPACES}]", "'": "['\u2019]", ".": "[.]", ",": "[,]", "_": "[_]"}
_ISO = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?(\.\d{1,9})?(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?)?$"
_ISO_ZONELESS = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d{1,9})?"
_MINUTE_US = 60_000_000
_HOUR = pl.duration(hours=1)
_CLOCK_DIRECTIVES = frozenset("HI")
YEARS = (-62_135_596_800_000_000, 253_402_300_799_999_999)
"""Microseconds from 1970 to the beginning of the year 1 and the end of the year 9999."""


@dataclass(frozen=True)
class Dialect:
    """What a source's numbers, dates and times look like; the fields are those of `spec.sources.Written` and `Zoned`.

    `formats` are the formats of dates by column, under `*` those of all others. `digits_are_booleans` tells whether the texts 1 and 0 are
    booleans where a column is said to be of such.
    """

    decimal: str = "."
    thousands: str = ""
    timezone: str | None = None
    ambiguous: str = "quarantine"
    nonexistent: str = "quarantine"
    formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    digits_are_booleans: bool = True

    def formats_of(self, column: str) -> tuple[str, ...]:
        """Return the formats of a column's dates beside ISO 8601."""
        return self.formats.get(column, self.formats.get(EVERY_COLUMN, ()))


PLAIN = Dialect()


def dialect_of(source: Source | None) -> Dialect:
    """Return the dialect that a source declares."""
    if not isinstance(source, Zoned):
        return PLAIN
    zone = Dialect(timezone=source.timezone, ambiguous=source.ambiguous, nonexistent=source.nonexistent)
    if not isinstance(source, Written):
        return zone
    assert isinstance(source.dates, Mapping)
    formats = {column: as_names(each) for column, each in source.dates.items()}
    return replace(zone, decimal=source.decimal, thousands=source.thousands, formats=formats)


def plain_number(text: pl.Expr, dialect: Dialect) -> pl.Expr:
    """Return a number as it is written without marks between thousands and with a point; null where a mark stands wrong."""
    if dialect.thousands:
        mark, point = _MARKS[dialect.thousands], _MARKS[dialect.decimal]
        grouped = text.str.contains(rf"^[+-]?\d{{1,3}}(?:{mark}\d{{2,3}})*{mark}\d{{3}}(?:{point}\d+)?$")
        text = pl.when(grouped).then(text.str.replace_all(mark, "")).otherwise(text)
    if dialect.decimal == ".":
        return text
    return pl.when(~text.str.contains(".", literal=True)).then(text.str.replace(dialect.decimal, ".", literal=True))


def moments(texts: pl.Series, dialect: Dialect) -> pl.Series:
    """Return the moments that a column's texts say: ISO 8601, or the first of its formats that fits; null where none does."""
    iso = _read_iso(texts)
    read = [_placed(iso, dialect)]
    for each in dialect.formats_of(texts.name):
        left = texts.to_frame("text").select(pl.when(read[-1].is_null()).then("text")).to_series()
        read.append(_in_format(left, each, dialect))
    return pl.select(pl.coalesce(read).alias(texts.name)).to_series()


def parse_format(texts: pl.Series, format: str) -> pl.Series:
    """Return what texts say in a format, as if its clock were that of UTC; null where it does not fit wholly."""
    expression = to_polars(col("text").parse_datetime(format), {"text": DType.STRING})
    return texts.to_frame("text").select(expression.alias(texts.name)).to_series()


def localised(clock: pl.Expr, dialect: Dialect, dated: bool = False) -> pl.Expr:
    """Return the moments at which the dialect's zone shows these times (without a zone); null for one that it skips or shows twice.

    With `dated` they are midnights that stand for days, and a day begins, even where its midnight is skipped or comes twice.
    """
    zone = dialect.timezone or "UTC"
    if zone == "UTC":
        return clock.dt.replace_time_zone("UTC")
    if dated:
        first, next_ = (_zoned(each, zone, "earliest") for each in (clock, clock + _HOUR))
        return within_years(pl.coalesce(first, next_))
    choice = dialect.ambiguous if dialect.ambiguous in ("earliest", "latest") else "null"
    return within_years(_zoned(clock, zone, choice))


def count_zoneless(values: pl.Series, dialect: Dialect) -> int:
    """Return how many texts or typed values are dates with a time of day but without a zone, by the look of them."""
    if isinstance(values.dtype, pl.Datetime):
        return 0 if values.dtype.time_zone else len(values) - values.null_count()
    if values.dtype != pl.String:
        return 0
    read = [
        each
        for each in map(read_format, dialect.formats_of(values.name))
        if _CLOCK_DIRECTIVES & set(each.directives) and "z" not in each.directives
    ]
    patterns = "|".join([_ISO_ZONELESS, *(each.pattern for each in read)])
    return int(values.str.contains(rf"\A(?:{patterns})\z").sum())


def _read_iso(texts: pl.Series) -> pl.DataFrame:
    """Return what clocks show, whether it is but a day, whether a zone is said, and the microseconds that clocks there are ahead of UTC."""
    parts = texts.to_frame("text").select(pl.col("text").str.extract_groups(_ISO)).unnest("text")
    clock = pl.col("1") + "T" + pl.col("2").fill_null("00:00") + pl.col("3").fill_null(":00") + pl.col("4").fill_null("")
    return parts.select(
        clock.str.strptime(pl.Datetime("us"), "%Y-%m-%dT%H:%M:%S%.f", strict=False).alias("clock"),
        pl.col("2").is_null().alias("dated"),
        pl.col("5").is_not_null().alias("zoned"),
        _ahead(parts["5"]).alias("ahead"),
    )


def _ahead(offsets: pl.Series) -> pl.Expr:
    if offsets.drop_nulls().eq("Z").all():
        return pl.lit(0, pl.Int64)
    digits = pl.col("5").str.replace("Z", "+0000", literal=True).str.replace(":", "", literal=True)
    minutes = digits.str.slice(1, 2).cast(pl.Int64) * 60 + digits.str.slice(3, 2).cast(pl.Int64)
    return pl.when(digits.str.starts_with("-")).then(-minutes).otherwise(minutes).fill_null(0) * _MINUTE_US


def _placed(iso: pl.DataFrame, dialect: Dialect) -> pl.Series:
    clock = pl.col("clock")
    universal = within_years((clock.cast(pl.Int64) - pl.col("ahead")).cast(pl.Datetime("us", "UTC")))
    if (dialect.timezone or "UTC") == "UTC":
        return iso.select(universal.alias("moment")).to_series()
    local = localised(clock, dialect)
    if iso["dated"].any():
        local = pl.when("dated").then(localised(clock, dialect, dated=True)).otherwise(local)
    return iso.select(pl.when("zoned").then(universal).otherwise(local).alias("moment")).to_series()


def _in_format(texts: pl.Series, format: str, dialect: Dialect) -> pl.Series:
    directives, read = set(read_format(format).directives), parse_format(texts, format)
    if "z" in directives:
        return read
    clock = pl.col(read.name).dt.replace_time_zone(None)
    return read.to_frame().select(localised(clock, dialect, dated=not directives & _CLOCK_DIRECTIVES)).to_series()


def _zoned(clock: pl.Expr, zone: str, ambiguous: str) -> pl.Expr:
    choice: pl.Expr = pl.lit(ambiguous)
    return clock.dt.replace_time_zone(zone, ambiguous=choice, non_existent="null").dt.convert_time_zone("UTC")


def within_years(moments: pl.Expr) -> pl.Expr:
    """Moments of the years 1 to 9999; null for others, which files have for "never"."""
    return pl.when(moments.cast(pl.Int64).is_between(*YEARS)).then(moments)
