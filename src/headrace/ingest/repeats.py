"""Rows that are the same as another one, or nearly: but for their ids, case, blanks, punctuation, or the last digits of a number."""

from collections.abc import Collection, Iterable

import polars as pl

from headrace.expressions import DType
from headrace.ingest.finding import Finding
from headrace.ingest.profile import TableProfile

_MOST_KEPT = 2_000_000
_DIGITS = 6
_SHOWN = 3
_BY_CHANCE = 10


class RepeatedRows:
    """Looks at rows a frame at a time: two hashes a row, one of its values and one of what they are nearly.

    At most two million rows are kept, 24 bytes each. Of more rows those are kept whose hash divides by 2, 4, 8 ...: rows that are alike
    share it, so that they are kept together, and counts are scaled up (distinct sampling: Gibbons, VLDB 2001).
    """

    def __init__(self, profile: TableProfile, identity: Collection[str]) -> None:
        rows = profile.rows
        compared = [
            each for each in profile.columns if each.name not in identity and not (each.type is DType.INT and each.distinct == rows)
        ]
        self._kinds = {column.name: column.type for column in compared}
        self._by_chance = _expected(rows, [max(column.distinct, 1) for column in compared])
        self._kept = pl.DataFrame(schema={"near": pl.UInt64, "same": pl.UInt64, "row": pl.Int64})
        self._waiting: list[pl.DataFrame] = []
        self._waiting_rows, self._every = 0, 1

    def see(self, frame: pl.DataFrame, rows: pl.Series) -> None:
        """Look at some more rows, whose numbers in the source, from 1, are `rows`."""
        if not self._kinds:
            return
        near = pl.DataFrame([_nearly(frame[name], self._kinds[name]) for name in self._kinds])
        hashed = pl.DataFrame({"near": near.hash_rows(), "same": frame.select(*self._kinds).hash_rows(), "row": rows.cast(pl.Int64)})
        self._waiting.append(hashed.filter(pl.col("near") % self._every == 0))
        self._waiting_rows += self._waiting[-1].height
        if self._waiting_rows > _MOST_KEPT:
            self._sift()

    def findings(self) -> list[Finding]:
        """Return what was found, unless so many repeats are to be expected of so few different values."""
        self._sift()
        groups = (
            self._kept.group_by("near")
            .agg(pl.len().alias("rows"), pl.col("same").n_unique().alias("forms"), pl.col("row").sort().head(2))
            .filter(pl.col("rows") > 1)
            .sort(pl.col("row").list.first())
        )
        alike, nearly = groups.filter(pl.col("forms") == 1), groups.filter(pl.col("forms") > 1)
        return [*self._finding("repeated rows", alike), *self._finding("near-duplicate rows", nearly)]

    def _finding(self, kind: str, groups: pl.DataFrame) -> list[Finding]:
        rows = int((groups["rows"].sum() - groups.height) * self._every)
        if rows <= _BY_CHANCE * self._by_chance:
            return []
        examples = tuple(f"rows {first:,} and {second:,}" for first, second in groups["row"].head(_SHOWN).to_list())
        advice = "look at them: an id= of what tells rows apart counts and leaves out those that come again"
        return [Finding(column="", kind=kind, rows=rows, examples=examples, advice=advice)]

    def _sift(self) -> None:
        self._kept = pl.concat([self._kept, *self._waiting])
        while self._kept.height > _MOST_KEPT:
            self._every *= 2
            self._kept = self._kept.filter(pl.col("near") % self._every == 0)
        self._waiting, self._waiting_rows = [], self._kept.height


def _expected(rows: int, distinct: Iterable[int]) -> float:
    """Return how many pairs of rows would be alike if values fell evenly and independently: the birthday problem."""
    possible = 1.0
    for each in distinct:
        possible = min(possible * each, 1e300)
    return rows * (rows - 1) / 2 / possible


def _nearly(values: pl.Series, kind: DType) -> pl.Series:
    if kind is DType.FLOAT:
        return values.round_sig_figs(_DIGITS)
    if kind is not DType.STRING:
        return values
    distinct = values.unique()
    plain = distinct.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", "")
    told = pl.DataFrame({"text": distinct, "plain": plain})
    found = values.alias("text").to_frame().join(told, on="text", how="left", maintain_order="left", nulls_equal=True)
    return found["plain"].alias(values.name)
