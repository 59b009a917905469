"""The value of one lookup from the rows of one record."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.core.moments import MICROSECOND, moment_of
from headrace.expressions import DType
from headrace.features.lookups import PlannedLookup
from headrace.features.slice_values import slice_value
from headrace.features.stream.layout import FLAGS, TIME, GroupLayout, Place
from headrace.features.stream.pruning import TIME_IS_NULL, earlier_edge, newest_place, oldest_place
from headrace.features.stream.segments import join

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Reader = Callable[["RecordRows", int], object]
_LENGTH = (1 << 32) - 1


class RecordRows:
    """The rows of one record. What several lookups need of them is worked out once. Not to be shared by threads.

    Attributes:
        words: a row of words each.
        columns: the same, a column each.
    """

    def __init__(self, width: int, texts: Sequence[int], segments: list[bytes]) -> None:
        """Take the width and the text words of the group's layout."""
        rows, _ = join(segments, width, texts)
        self.words = rows.words
        self.columns = np.ascontiguousarray(rows.words.T)
        self._heap = rows.heap
        self._seen: dict[tuple[int, int | None], Booleans] = {}

    def seen(self, place: Place, before_us: int) -> Booleans:
        """Tell which rows are visible before a moment, which is the same for all lookups."""
        found = self._seen.get((place.seen, place.known))
        if found is None:
            found = (self.columns[FLAGS] & place.seen) != 0
            if place.known is not None:
                found &= self.columns[place.known] < before_us
            self._seen[place.seen, place.known] = found
        return found

    def text(self, span: int) -> str:
        """Return the text at a place of the heap."""
        start = span >> 32
        return self._heap[start : start + (span & _LENGTH)].tobytes().decode()


def lookup_reader(layout: GroupLayout, lookup: PlannedLookup) -> Reader:
    """Return a function of a record's rows and the moment of the question that gives the lookup's value."""
    place = layout.place(lookup)
    return _latest(lookup, place) if lookup.over_us is None else _window(lookup, place)


def _latest(lookup: PlannedLookup, place: Place) -> Reader:
    max_age_us, value = lookup.max_age_us, _picked(lookup, place)

    def read(rows: RecordRows, as_of_us: int) -> object:
        places = rows.seen(place, as_of_us).nonzero()[0]
        if not len(places):
            return None
        newest = newest_place(rows.words, places, None if place.known is None else rows.columns[place.known])
        if max_age_us is not None:
            row = rows.words[newest]
            if row[FLAGS] & TIME_IS_NULL or as_of_us - int(row[TIME]) > max_age_us:
                return None
        return value(rows, newest)

    return read


def _window(lookup: PlannedLookup, place: Place) -> Reader:
    over_us, hop_us, known = lookup.over_us, lookup.hop_us, place.known
    assert over_us is not None
    assert known is not None, "a window is over a table with a time"
    value = _aggregated(lookup, place)

    def read(rows: RecordRows, as_of_us: int) -> object:
        left = earlier_edge(as_of_us, over_us, hop_us)
        return value(rows, rows.seen(place, as_of_us) & (rows.columns[known] >= left))

    return read


def _aggregated(lookup: PlannedLookup, place: Place) -> Callable[[RecordRows, Booleans], object]:
    kind, word, known = lookup.aggregate_kind, place.value, place.known
    if kind == "count" or word is None:
        return lambda _, chosen: int(np.count_nonzero(chosen))
    if kind in ("first", "last"):
        picked, find = _picked(lookup, place), oldest_place if kind == "first" else newest_place

        def pick(rows: RecordRows, chosen: Booleans) -> object:
            places = chosen.nonzero()[0]
            return picked(rows, find(rows.words, places, rows.columns[known])) if len(places) else None

        return pick
    if place.dtype == DType.STRING:
        return _texts(kind, word)
    back, floats, aggregate = _BACK[lookup.dtype], place.dtype == DType.FLOAT, slice_value(kind, lookup.probability)

    def value(rows: RecordRows, chosen: Booleans) -> object:
        numbers = rows.columns[word]
        found = aggregate((numbers.view(np.float64) if floats else numbers)[chosen])
        return None if found is None else back(found)

    return value


def _texts(kind: str, word: int) -> Callable[[RecordRows, Booleans], object]:
    """The least, the greatest or the number of different texts."""
    choose: Callable[[set[str]], object] = {"min": min, "max": max, "distinct": len}[kind]  # type: ignore[assignment]  # texts can be compared

    def value(rows: RecordRows, chosen: Booleans) -> object:
        texts = {rows.text(span) for span in rows.columns[word][chosen].tolist()}
        return choose(texts) if texts or kind == "distinct" else None

    return value


def _picked(lookup: PlannedLookup, place: Place) -> Callable[[RecordRows, int], object]:
    """The value in one row."""
    word, null = place.value, place.null
    assert word is not None, "a value is picked, so there is one"

    def value(rows: RecordRows, row: int) -> object:
        if rows.columns[FLAGS][row] & null:
            return None
        if lookup.dtype == DType.STRING:
            return rows.text(int(rows.columns[word][row]))
        if lookup.dtype == DType.FLOAT:
            return float(rows.columns[word].view(np.float64)[row])
        return _BACK[lookup.dtype](int(rows.columns[word][row]))

    return value


_BACK: dict[DType, Callable[[Any], object]] = {
    DType.BOOL: bool, DType.INT: int, DType.FLOAT: float, DType.DATETIME: moment_of,
    DType.DURATION: lambda number: number * MICROSECOND,
}  # fmt: skip
