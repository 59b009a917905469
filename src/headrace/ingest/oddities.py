"""Odd values of one column: far from the others, standing for null, written in several ways."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from headrace.expressions import DType
from headrace.ingest.finding import Finding
from headrace.ingest.profile import QUANTILES, ColumnProfile
from headrace.ingest.readings import NULL_TEXTS

FAR_OUT = 3.0
"""How many interquartile ranges beyond the quartiles a value is far out (Tukey, Exploratory Data Analysis, 1977, 2D)."""
_MOST_OUTLIERS = 0.05
_MOST_TEXTS = 10_000
_SHOWN, _SHOWN_LETTERS = 3, 40
_STANDING_NUMBERS = tuple(sign * (10**digits - 1) for digits in (2, 3, 4, 5, 6) for sign in (-1, 1))
_DAYS = ((1, 1, 1), (1753, 1, 1), (1899, 12, 30), (1900, 1, 1), (1970, 1, 1), (2099, 12, 31), (9999, 12, 31))
_STANDING_MOMENTS = [datetime(*day, tzinfo=UTC) for day in _DAYS]
_STANDING_TEXTS = frozenset({*NULL_TEXTS, "0000-00-00", "0000-00-00 00:00:00", "1900-01-01", "9999-12-31"})


@dataclass
class _Seen:
    rows: int = 0
    examples: list[object] = field(default_factory=list)

    def add(self, values: pl.Series) -> None:
        self.rows += len(values)
        if len(self.examples) < _SHOWN:
            self.examples += [value for value in values.unique(maintain_order=True).head(_SHOWN) if value not in self.examples]


class ColumnOddities:
    """Looks at a column a chunk at a time; `profile` is that of all its rows."""

    def __init__(self, profile: ColumnProfile, rows: int) -> None:
        self._profile, self._rows = profile, rows
        self._checks = _checks(profile)
        self._seen: Mapping[str, _Seen] = {kind: _Seen() for kind in self._checks}
        self._texts: Counter[str] | None = Counter() if profile.type is DType.STRING and profile.distinct <= _MOST_TEXTS else None

    def see(self, values: pl.Series) -> None:
        """Look at some more values."""
        frame = values.to_frame()
        for kind, check in self._checks.items():
            self._seen[kind].add(frame.filter(check(pl.col(values.name))).to_series())
        if self._texts is not None:
            self._texts.update(dict(values.drop_nulls().value_counts().iter_rows()))

    def findings(self) -> list[Finding]:
        """Return what was found."""
        found = [*_constant(self._profile, self._rows), *(self._finding(kind, seen) for kind, seen in self._seen.items() if seen.rows)]
        found = [each for each in found if each.kind != "outliers" or each.rows <= _MOST_OUTLIERS * self._rows]
        return [*found, *(_spellings(self._profile.name, self._texts) if self._texts else ())]

    def _finding(self, kind: str, seen: _Seen) -> Finding:
        examples = tuple(_shown(value) for value in (_furthest(self._profile) if kind == "outliers" else seen.examples[:_SHOWN]))
        return Finding(
            column=self._profile.name, kind=kind, rows=seen.rows, examples=examples, advice=_advice(kind, self._profile, seen.examples)
        )


def fences(profile: ColumnProfile) -> tuple[float, float] | None:
    """Return the limits beyond which a number is far out; None where the middle half of the values are all the same, or too few are known.

    Quartiles are not moved by what lies outside them, as mean and deviation are: a quarter of the values may be wrong on either side.
    """
    if not profile.quantiles or profile.distinct < 3:
        return None
    low, high = (profile.quantiles[QUANTILES.index(share)] for share in (0.25, 0.75))
    span = FAR_OUT * (high - low)
    return (low - span, high + span) if span > 0 else None


def _furthest(profile: ColumnProfile) -> list[object]:
    low, high = fences(profile) or (0.0, 0.0)
    ends = (profile.min, profile.max)
    return [end for end in ends if isinstance(end, int | float) and not low <= end <= high]


def _checks(profile: ColumnProfile) -> dict[str, Callable[[pl.Expr], pl.Expr]]:
    if profile.type is DType.STRING:
        return {"placeholder": _stands_for_null, "blanks": lambda text: text != text.str.strip_chars()}
    if profile.type is DType.DATETIME:
        return {"placeholder": lambda moment: moment.is_in(_STANDING_MOMENTS)}
    limits = fences(profile) if profile.type in (DType.INT, DType.FLOAT) else None
    if limits is None:
        return {}
    low, high = limits
    ends = [profile.min, profile.max]
    standing = [end for end in ends if end in _STANDING_NUMBERS and isinstance(end, int | float) and not low <= end <= high]
    return {
        "placeholder": lambda number: pl.any_horizontal(pl.lit(False), *(number == end for end in standing)),
        "outliers": lambda number: pl.all_horizontal((number < low) | (number > high), *(number != end for end in standing)),
    }


def _stands_for_null(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars().is_in(sorted(_STANDING_TEXTS))


def _constant(profile: ColumnProfile, rows: int) -> list[Finding]:
    if profile.distinct > 1 or not rows or (profile.distinct == 1 and profile.nulls):
        return []
    examples = (_shown(profile.min),) if profile.distinct else ("null",)
    return [Finding(column=profile.name, kind="constant", rows=rows, examples=examples, advice="it tells nothing: make no feature of it")]


def _spellings(column: str, counts: Mapping[str, int]) -> list[Finding]:
    """Return the values that differ in nothing but case and blanks from a commoner one."""
    groups: dict[str, list[str]] = {}
    for text in counts:
        groups.setdefault(" ".join(text.split()).casefold(), []).append(text)
    several = [sorted(texts, key=lambda text: (-counts[text], text)) for texts in groups.values() if len(texts) > 1]
    if not several:
        return []
    rows = sum(counts[text] for texts in several for text in texts[1:])
    several.sort(key=lambda texts: -sum(counts[text] for text in texts[1:]))
    examples = tuple(" = ".join(_shown(text) for text in texts[:_SHOWN]) for texts in several[:_SHOWN])
    advice = f"columns={{{column!r}: col({column!r}).strip().lower()}} makes one of them"
    return [Finding(column=column, kind="spellings", rows=rows, examples=examples, advice=advice)]


def _advice(kind: str, profile: ColumnProfile, examples: Iterable[object]) -> str:
    column = profile.name
    if kind == "blanks":
        return f"columns={{{column!r}: col({column!r}).strip()}} takes them off"
    if kind == "outliers":
        limits = fences(profile)
        assert limits is not None
        low, high = limits
        return f"expect=[hr.between({column!r}, {low:.6g}, {high:.6g})] sets their rows aside"
    value = next(iter(examples))
    if isinstance(value, str):
        return f"null_values=[{value!r}] of the source reads it as null, in every column"
    other = f"hr.datetime_of{(value.year, value.month, value.day)}" if isinstance(value, datetime) else repr(value)
    return f"columns={{{column!r}: hr.when(col({column!r}) != {other}).then(col({column!r}))}} reads it as null"


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().removesuffix("+00:00").removesuffix("T00:00:00")
    return f"{value:.6g}" if isinstance(value, float) else f"{str(value)[:_SHOWN_LETTERS]!r}" if isinstance(value, str) else str(value)
