"""Ways in which a column of texts may be meant, and how well it fits each: the ground for saying which option to write."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from headrace.expressions import DType
from headrace.ingest.dialect import Dialect, parse_format
from headrace.ingest.texts import reads_as

NULL_TEXTS = (
    "NA", "N/A", "n/a", "na", "#N/A", "NULL", "Null", "null", "None", "none", "NaN", "nan", "NIL", "nil", "?", "-", "--", ".", "missing",
    "unknown", "\\N",
)  # fmt: skip
_DAYS = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y")
_NAMED_DAYS = ("%b %d %Y", "%b %d, %Y", "%B %d %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S")
_MARKS = ((",", ""), (",", "."), (".", ","), (".", " "), (",", " "), (".", "'"), (",", "'"))
_LOOKS_LIKE_A_DATE = r"^\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}(?: |$)"
_LOOKS_LIKE_A_NAMED_DATE = r"^(?:[A-Za-z]{3,9} \d{1,2},? \d{4}|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4})(?: |$)"
_LOOKS_LIKE_A_NUMBER = r"^[+-]?\d[\d.,'\u2019_\s\u00a0\u202f]*(?:[eE][+-]?\d+)?$|^[+-]?[.,]\d"
_SAMPLE = 1000
_LEAST_FIT = 0.9
_MOST_MISFITS = 20


@dataclass(frozen=True)
class Reading:
    """A way to read a column: as numbers with some marks, or as dates in some format."""

    kind: DType
    decimal: str = "."
    thousands: str = ""
    format: str = ""

    def fits(self, texts: pl.Series) -> pl.Series:
        """Tell of each text whether it can be read so."""
        if self.format:
            return parse_format(texts, self.format).is_not_null()
        return reads_as(texts, self.kind, Dialect(decimal=self.decimal, thousands=self.thousands))


@dataclass
class Misfits:
    """The texts that a reading does not fit, few of them: how often each came, and in which row first (from 1)."""

    fitting: int = 0
    found: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows have one."""
        return sum(count for count, _ in self.found.values())

    @property
    def nulls(self) -> tuple[str, ...]:
        """Those that usually mean null."""
        return tuple(text for text in self.found if text.strip() in NULL_TEXTS)

    def add(self, texts: pl.Series, fits: pl.Series, first_row: int) -> bool:
        """Count some more texts, null where there is none; tell whether the misfits are still few."""
        self.fitting += int((fits & texts.is_not_null()).sum())
        frame = pl.DataFrame({"text": texts, "row": pl.int_range(first_row + 1, first_row + 1 + len(texts), eager=True)})
        wrong = frame.filter(~fits & texts.is_not_null()).group_by("text", maintain_order=True).agg(pl.len(), pl.col("row").first())
        for text, count, row in wrong.head(_MOST_MISFITS + 1).iter_rows():
            before = self.found.get(text, (0, row))
            self.found[text] = before[0] + count, before[1]
        return len(self.found) <= _MOST_MISFITS


class ColumnSurvey:
    """How a column of texts, seen a chunk at a time, can be read. What fits less than nine tenths of the first thousand is given up.

    Where chunks are cut makes no difference.
    """

    def __init__(self, known: Dialect) -> None:
        self._known = known
        self._left: dict[Reading, Misfits] | None = None
        self._waiting: list[tuple[pl.Series, int]] = []
        self._present = 0

    def see(self, texts: pl.Series, first_row: int) -> None:
        """Look at some more texts; `first_row` counts the rows before them."""
        if self._left is not None:
            self._add(texts, first_row)
            return
        self._waiting.append((texts, first_row))
        self._present += len(texts) - texts.null_count()
        if self._present >= _SAMPLE:
            self._choose()

    def readings(self) -> dict[Reading, Misfits]:
        """Return the readings that fit all but a few texts, the usual ones first."""
        if self._left is None:
            self._choose()
        return {each: misfits for each, misfits in (self._left or {}).items() if misfits.fitting}

    def _choose(self) -> None:
        waiting, self._waiting = self._waiting, []
        sample = pl.concat([texts for texts, _ in waiting]).drop_nulls().head(_SAMPLE) if waiting else pl.Series([], dtype=pl.String)
        self._left = {each: Misfits() for each in _readings(self._known, sample) if _suits(each, sample)}
        for texts, first_row in waiting:
            self._add(texts, first_row)

    def _add(self, texts: pl.Series, first_row: int) -> None:
        assert self._left is not None
        for reading in list(self._left):
            if not self._left[reading].add(texts, _fits(reading, texts), first_row):
                del self._left[reading]


def _fits(reading: Reading, texts: pl.Series) -> pl.Series:
    distinct = texts.unique()
    told = pl.DataFrame({"text": distinct, "fits": reading.fits(distinct)})
    return (
        texts.alias("text").to_frame().join(told, on="text", how="left", maintain_order="left", nulls_equal=True)["fits"].fill_null(False)
    )


def _suits(reading: Reading, sample: pl.Series) -> bool:
    usual = sample.str.strip_chars().is_in(NULL_TEXTS)
    fits = reading.fits(sample) & ~usual
    return bool(fits.any()) and int((fits | usual).sum()) >= _LEAST_FIT * len(sample)


def _readings(known: Dialect, sample: pl.Series) -> Iterator[Reading]:
    """Give the readings that are worth a try, by the look of the texts."""
    if _share(sample, _LOOKS_LIKE_A_DATE) >= _LEAST_FIT:
        yield from (Reading(DType.DATETIME, format=day + clock) for day in _DAYS for clock in _CLOCKS)
    elif _share(sample, _LOOKS_LIKE_A_NAMED_DATE) >= _LEAST_FIT:
        yield from (Reading(DType.DATETIME, format=day + clock) for day in _NAMED_DAYS for clock in _CLOCKS)
    elif _share(sample, _LOOKS_LIKE_A_NUMBER) >= _LEAST_FIT:
        yield Reading(DType.FLOAT, known.decimal, known.thousands)
        yield from (Reading(DType.FLOAT, *marks) for marks in _MARKS if marks != (known.decimal, known.thousands))


def _share(sample: pl.Series, pattern: str) -> float:
    usual = sample.filter(~sample.str.strip_chars().is_in(NULL_TEXTS))
    share = usual.str.contains(pattern).mean()
    return share if isinstance(share, float) else 0.0
