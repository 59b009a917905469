"""A table made ready for a lookup, which then answers questions, as many at a time as one likes.

Keys become numbers (`keys`), numbers and moments say which rows of the sorted table are a question's (`edges`), and those are aggregated
(`slices`).
"""

from collections.abc import Hashable
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.features.edges import Edges, Moments, Questions, Timeline, arrived, left_edge
from headrace.features.keys import ColumnNumbers, Keys
from headrace.features.lookups import PlannedLookup
from headrace.features.once import Once
from headrace.features.prepared import ARRIVAL, KNOWN, SEEN, TIME, VALUE, key_names
from headrace.features.slices import aggregate_slices, pick

AS_OF = "_as_of"
PICKED = ("first", "last")
"""Aggregates that are the value of one row, which is taken from the table as it lies; for the others values are sorted as the rows are."""
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
pl.Series(np.empty(0))  # Polars 2.1 takes NumPy in when it first meets an array, and fails where two threads are the first at once
_ROWS_AT_ONCE = 1 << 22
"""How many slices are aggregated at once: a quantile or a variance holds many numbers a slice."""


class Prepared:
    """A table made ready for one lookup. Safe to ask from many threads.

    Lookups that share a `Once` share what they have in common; by it the same table must always mean the same rows, and the same spine
    columns the same questions.
    """

    def __init__(self, lookup: PlannedLookup, rows: pl.DataFrame, shared: Once) -> None:
        """Take rows as `row_columns` gives them, or `visible_rows`."""
        self._lookup = lookup
        table, right = lookup.table, tuple(right for _, right in lookup.keys)
        columns = zip(right, key_names(lookup), strict=True)
        self._numbered: list[ColumnNumbers] = shared("numbered", list)
        self._columns = [shared(("column", table, name), partial(self._number, rows[column])) for name, column in columns]
        self._keys = shared(("keys", table, right), lambda: Keys(self._columns))
        seen = rows[SEEN].to_numpy() if SEEN in rows.columns and not rows[SEEN].all() else None
        self._seen = (table, lookup.known, lookup.time, None if seen is None else np.packbits(seen).tobytes())
        order = shared(("arrived", table, lookup.time), lambda: arrived(rows[TIME], rows[ARRIVAL]))
        self._timeline = shared(("timeline", self._seen), lambda: Timeline(rows[KNOWN], order, seen))
        self._edges = shared(("edges", self._seen, right), lambda: Edges(self._timeline, self._keys.rows, self._keys.size))
        self._time = rows[TIME]
        self._values = rows[VALUE].rechunk() if VALUE in rows.columns else None  # whole, it is gathered from in half the time
        if self._values is not None and lookup.aggregate_kind not in PICKED:
            self._values = self._values.gather(pl.Series(self._edges.order))

    @property
    def slot(self) -> str:
        """The lookup's."""
        return self._lookup.slot

    @property
    def span(self) -> Hashable:
        """What the slices of rows depend on that questions are answered from."""
        return "slices", self._seen, self._lookup.keys, self._lookup.over_us, self._lookup.hop_us

    def answer(self, questions: pl.DataFrame, shared: Once) -> pl.Series:
        """Return the value for each question, in their order; `questions` are the keys and `_as_of` (Int64, microseconds since 1970)."""
        lookup = self._lookup
        low, high = shared(self.span, lambda: self._slices(questions, shared))
        found = self._picked(questions, low, high, shared) if lookup.aggregate_kind in PICKED else self._aggregated(low, high)
        found = found.set(questions[AS_OF].is_null(), None) if questions[AS_OF].null_count() else found
        return found.cast(POLARS_TYPES[lookup.dtype])

    def _number(self, column: pl.Series) -> ColumnNumbers:
        numbers = ColumnNumbers(column)
        self._numbered.append(numbers)
        return numbers

    def _slices(self, questions: pl.DataFrame, shared: Once) -> tuple[Integers, Integers]:
        lookup = self._lookup
        keys = shared(("keys found", lookup.table, lookup.keys), lambda: self._keys.find(self._found(questions, shared)))
        if not lookup.known:
            return self._edges.starts(keys), self._edges.ends(keys)
        over, hop = lookup.over_us, lookup.hop_us
        moments = shared("moments", lambda: Moments(_moments(questions)))
        asked = shared(("questions", lookup.table, lookup.keys), lambda: Questions(keys, moments))
        upper = shared(("ranks", self._seen), lambda: self._timeline.ranks(moments.distinct))
        high = shared(("high", self._seen, lookup.keys), lambda: self._edges.first_from(asked, upper))
        if over is None:
            return self._edges.starts(keys), high
        left = left_edge(moments.distinct, over, hop)
        lower = shared(("ranks", self._seen, over, hop), lambda: self._timeline.ranks(left))
        return self._edges.first_from(asked, lower), high

    def _found(self, questions: pl.DataFrame, shared: Once) -> list[Integers]:
        def found(pair: tuple[str, str], numbers: ColumnNumbers, asked: pl.Series) -> Integers:
            # Tables that are asked about are often among those that are looked into, whose columns have numbers already.
            same = shared(("same", pair[0]), lambda: next((each for each in self._numbered if each.are_of(asked)), None))
            return shared(("found", self._lookup.table, pair), lambda: numbers.find(asked, same))

        columns = (questions[name] for name in key_names(self._lookup))
        return [found(*each) for each in zip(self._lookup.keys, self._columns, columns, strict=True)]

    def _aggregated(self, low: Integers, high: Integers) -> pl.Series:
        lookup, starts = self._lookup, range(0, max(len(low), 1), _ROWS_AT_ONCE)
        pieces = [(low[start : start + _ROWS_AT_ONCE], high[start : start + _ROWS_AT_ONCE]) for start in starts]
        return pl.concat([aggregate_slices(lookup.aggregate_kind, lookup.probability, self._values, *piece) for piece in pieces])

    def _picked(self, questions: pl.DataFrame, low: Integers, high: Integers, shared: Once) -> pl.Series:
        """Return the value of each slice's first or last row, null where there is none or it happened too long before the question."""
        kind, max_age_us, span = self._lookup.aggregate_kind, self._lookup.max_age_us, self.span
        places = shared((kind, span), lambda: self._edges.places(low if kind == "first" else high - 1))
        there = high > low
        if max_age_us is not None:
            there = shared(("young", span, max_age_us), lambda: there & self._young(questions, places, max_age_us))
        assert self._values is not None
        return pick(self._values, places, there)

    def _young(self, questions: pl.DataFrame, places: Integers, max_age_us: int) -> Booleans:
        """Tell which rows happened no longer than that before their questions; not those of which nobody knows when."""
        if not len(self._time):
            return np.zeros(len(places), np.bool_)
        ages = self._time.fill_null(0).to_numpy().take(places)
        young: Booleans = np.subtract(_moments(questions), ages, out=ages) <= max_age_us
        if self._time.null_count():
            young &= self._time.is_not_null().to_numpy().take(places)
        return young


def _moments(questions: pl.DataFrame) -> Integers:
    return questions[AS_OF].fill_null(0).to_numpy()
