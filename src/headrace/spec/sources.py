"""Where raw data comes from."""

import codecs
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from headrace.core.errors import closest
from headrace.expressions.errors import ExpressionError
from headrace.expressions.formats import check_format
from headrace.spec.declaration import Declaration, as_mapping, as_names
from headrace.spec.errors import InvalidOption

FORMATS = ("csv", "jsonl", "parquet", "arrow", "excel", "avro")
_SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet",
    ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
    ".xlsx": "excel", ".xlsm": "excel", ".xlsb": "excel", ".xls": "excel", ".ods": "excel", ".avro": "avro",
}  # fmt: skip
_PACKED = (".gz", ".zip")
DECIMALS = (".", ",")
THOUSANDS = ("", ",", ".", " ", "'", "_")
REPEATED_TIMES = ("quarantine", "earliest", "latest", "null")
SKIPPED_TIMES = ("quarantine", "null")
EVERY_COLUMN = "*"


class Source(Declaration, frozen=True, kw_only=True):
    """A place that rows are read from."""

    def _check_one_of(self, option: str, value: object, choices: Sequence[str]) -> None:
        if value not in choices:
            expected = f"one of {', '.join(map(repr, choices))}"
            raise InvalidOption(f"the {option} of {self._title()}", value, expected, location=self.location)

    def _title(self) -> str:
        return type(self).__name__


class Zoned(Source, frozen=True, kw_only=True):
    """A source whose times may be written without a zone.

    Attributes:
        timezone: the zone whose clocks show them, as the time zone database calls it; None takes them for UTC and says so.
        ambiguous: what becomes of a time that those clocks show twice, when they are turned back: `quarantine` sets its row aside with the
            reason, `earliest` and `latest` choose, `null` forgets it.
        nonexistent: what becomes of a time that they skip, when they are turned forward: `quarantine` or `null`.
    """

    timezone: str | None = None
    ambiguous: str = "quarantine"
    nonexistent: str = "quarantine"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_one_of("ambiguous", self.ambiguous, REPEATED_TIMES)
        self._check_one_of("nonexistent", self.nonexistent, SKIPPED_TIMES)
        if self.timezone is not None:
            self._check_timezone(self.timezone)

    def _check_timezone(self, name: str) -> None:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder of zones is an OSError, a path out of it a ValueError
            near = closest(name, available_timezones())
            expected = f"a zone of the time zone database, such as {near or 'America/New_York'!r}"
            raise InvalidOption(f"the timezone of {self._title()}", name, expected, location=self.location) from error


class _AtPath(Zoned, frozen=True):
    path: str


class Written(_AtPath, frozen=True, kw_only=True):
    """Rows written in files, and how their texts are to be read.

    Attributes:
        format: `csv`, `jsonl`, `parquet`, `arrow`, `excel` or `avro`; taken from the name unless given.
        sheet: of an Excel workbook that has several.
        encoding: of a CSV or JSON file, as Python calls it: `utf-8` (with or without a byte order mark), `utf-16`, `cp1252`, `latin-1` ...
        separator: a CSV's delimiter; a tab for .tsv and a comma otherwise, unless given.
        null_values: the texts of a CSV that mean null, beside the empty one.
        decimal: the decimal mark of numbers in texts, `.` or `,`.
        thousands: the mark between thousands: nothing, `,` `.` `'` `_` or a space (of any kind). A number may do without it, but where it
            stands it must stand right: `1.234,5`, never `12.34,5`.
        dates: the format of dates and times that are not ISO 8601, with the directives of `parse_datetime`: one, several to be tried in
            their order, or such by column. A column named here is a datetime; others become one if all their texts are.
    """

    format: str = ""
    sheet: str | None = None
    encoding: str = "utf-8"
    separator: str = ""
    null_values: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""
    dates: str | Sequence[str] | Mapping[str, str | Sequence[str]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("path", os.fspath(self.path))
        self._set("null_values", as_names(self.null_values))
        stem = Path(self.path.lower())
        inner = Path(stem.stem) if stem.suffix in _PACKED else stem
        if not self.format:
            self._set("format", _SUFFIXES.get(inner.suffix, "csv" if stem.suffix == ".zip" else ""))
        if self.format not in FORMATS:
            expected = f"a name that ends in {', '.join(_SUFFIXES)}, or format= one of {', '.join(FORMATS)}"
            raise InvalidOption(f"the format of {self._title()}", self.format, expected, location=self.location)
        if not self.separator:
            self._set("separator", "\t" if inner.suffix == ".tsv" else ",")
        if len(self.separator.encode()) != 1:
            raise InvalidOption(f"the separator of {self._title()}", self.separator, "one ASCII character", location=self.location)
        if self.sheet is not None and self.format != "excel":
            expected = f"none for the format {self.format!r}: only an Excel workbook has sheets"
            raise InvalidOption(f"the sheet of {self._title()}", self.sheet, expected, location=self.location)
        self._settle_encoding()
        self._settle_dates()
        self._check_one_of("decimal", self.decimal, DECIMALS)
        self._check_one_of("thousands", self.thousands, tuple(mark for mark in THOUSANDS if mark != self.decimal))

    def _title(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def _settle_encoding(self) -> None:
        try:
            self._set("encoding", codecs.lookup(self.encoding).name)
            "".encode(self.encoding)  # a codec that is not for text, such as base64, is found all the same
        except LookupError as error:
            expected = "utf-8, utf-16, cp1252, latin-1 or another text encoding of Python"
            raise InvalidOption(f"the encoding of {self._title()}", self.encoding, expected, location=self.location) from error

    def _settle_dates(self) -> None:
        by_column = self.dates if isinstance(self.dates, Mapping) else {EVERY_COLUMN: self.dates} if self.dates else {}
        settled = {column: as_names(formats) for column, formats in by_column.items()}
        self._set("dates", as_mapping(settled))
        for each in (each for formats in settled.values() for each in formats):
            try:
                check_format(each)
            except ExpressionError as error:
                error.location = error.location or self.location
                raise

    def date_formats(self, column: str) -> tuple[str, ...]:
        """Return the formats in which a column's dates may be written beside ISO 8601."""
        assert isinstance(self.dates, Mapping)
        return as_names(self.dates.get(column, self.dates.get(EVERY_COLUMN)))

    @property
    def date_columns(self) -> tuple[str, ...]:
        """The columns that are said to be dates."""
        assert isinstance(self.dates, Mapping)
        return tuple(column for column in self.dates if column != EVERY_COLUMN)


class File(Written, frozen=True, kw_only=True):
    """A file of rows: CSV (plain, .gz or .zip), JSON lines (the same), Parquet, Arrow, Excel or Avro.

    `path` is relative to the folder of `project.py`. `format` is taken from the name unless given. `null_values` are the texts that
    mean null in a CSV, beside the empty one; `separator` is a CSV's delimiter (a tab for .tsv unless given). For the rest see
    `docs/how-to/messy-files.md`.

    >>> File("flights.csv.zip", null_values="NA").format
    'csv'
    >>> File("umsatz.csv", encoding="cp1252", separator=";", decimal=",", thousands=".", dates="%d.%m.%Y").encoding
    'cp1252'
    """
