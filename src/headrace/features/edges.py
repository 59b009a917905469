"""Where each question's rows begin and end in a table sorted by key and knowledge time.

All is done by sorting integers, which is far quicker than sorting rows: key and moment are folded into one. And no question is looked for
by itself: sorted questions are merged with the sorted rows, and how many rows come before a question is its place.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
_EARLIEST = np.iinfo(np.int64).min
_DOUBLED = 1 << 62
"""Integers below this can be doubled: all moments of the years 1 to 9999."""


def arrived(time: pl.Series, arrival: pl.Series) -> Integers:
    """Return the places of rows in the order in which they happened, unknown first, and of those that happened at once as they arrived.

    Tables come in this order, more or less, and then it takes next to no time.
    """
    moments, arrivals = time.fill_null(_EARLIEST).to_numpy(), arrival.to_numpy()
    if in_order(moments) and in_order(arrivals):
        return np.arange(len(moments))
    return np.lexsort([arrivals, moments])


class Timeline:
    """A table's rows in the order in which they became known.

    Attributes:
        order: the rows' places in the table.
    """

    def __init__(self, known: pl.Series, order: Integers, seen: Booleans | None = None) -> None:
        """Take the order in which rows stand that became known at once, and which of them are ever seen, if not all."""
        if seen is not None:
            order = order[seen[order]]
        known_then = known.fill_null(0).to_numpy()[order]
        if in_order(known_then):
            self._known, self.order = known_then, order
        else:
            self._known, places = sort_stable(known_then)
            self.order = order[places]

    def ranks(self, moments: Integers) -> Integers:
        """Return how many rows became known before each moment; the moments are in order."""
        return places_before(self._known, moments)


class Edges:
    """Finds places among rows that are sorted by key, then as in the timeline.

    Attributes:
        order: the rows' places in the table.
    """

    def __init__(self, timeline: Timeline, keys: Integers, size: int) -> None:
        """Take the number of each row's key, in the table's order: below `size`, or -1, which leaves the row out."""
        self._bits = len(timeline.order).bit_length()
        folded = keys[timeline.order]
        folded <<= self._bits
        folded |= np.arange(len(folded))
        folded.sort()
        self._folded = folded[np.searchsorted(folded, 0) :]
        self.order = timeline.order[self._folded & ((1 << self._bits) - 1)]
        self._starts = np.append(np.searchsorted(self._folded, np.arange(size + 1) << self._bits), 0)

    def starts(self, keys: Integers) -> Integers:
        """Return where the rows of each key begin; 0 for the key -1, which is none."""
        return self._starts[keys]

    def ends(self, keys: Integers) -> Integers:
        """Return where the rows of each key end; 0 for the key -1."""
        return self._starts[keys + 1]

    def places(self, rows: Integers) -> Integers:
        """Return where rows lie in the table; anywhere for one that there is not, and 0 in a table without any."""
        return self.order.take(rows, mode="clip") if len(self.order) else np.zeros_like(rows)

    def first_from(self, questions: "Questions", ranks: Integers) -> Integers:
        """Return, for each question, the first row of its key from a rank in the timeline on; `ranks` are those of its moments."""
        wanted = questions.keys << self._bits
        wanted |= ranks[questions.moments]
        found = np.empty_like(wanted)
        found[questions.order] = places_before(self._folded, wanted)
        return found


class Moments:
    """The moments of questions, of which many are the same.

    Attributes:
        distinct: the moments in order, each once.
        places: the place among them of each question's.
    """

    def __init__(self, moments: Integers) -> None:
        ordered, order = sort_stable(moments)
        new = np.ones(len(moments), np.bool_)
        np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
        self.distinct = ordered[new]
        places = np.cumsum(new, dtype=np.int64)
        places -= 1
        self.places = places
        if ordered is not moments:  # which those that were in order are
            self.places = np.empty_like(places)
            self.places[order] = places


class Questions:
    """Questions sorted by key, then by moment.

    Attributes:
        keys: the numbers of their keys.
        moments: the places of their moments.
        order: their places before.
    """

    def __init__(self, keys: Integers, moments: Moments) -> None:
        bits = len(moments.distinct).bit_length()
        folded = keys << bits
        folded |= moments.places
        folded, self.order = sort_stable(folded)
        self.keys, self.moments = folded >> bits, folded & ((1 << bits) - 1)


def places_before(rows: Integers, wanted: Integers) -> Integers:
    """Return how many of the rows are less than each of the wanted; both are in order.

    As `np.searchsorted`, in half the time: the stable sort finds two runs, and merges them.
    """
    if any(len(each) and not -_DOUBLED <= each[0] <= each[-1] < _DOUBLED for each in (rows, wanted)):
        return np.searchsorted(rows, wanted)
    merged = np.empty(len(wanted) + len(rows), np.int64)
    np.left_shift(wanted, 1, out=merged[: len(wanted)])
    np.left_shift(rows, 1, out=merged[len(wanted) :])
    merged[len(wanted) :] |= 1
    merged.sort(kind="stable")
    merged &= 1
    places = np.flatnonzero(merged == 0)
    places -= np.arange(len(wanted))
    return places


def sort_stable(values: Integers) -> tuple[Integers, Integers]:
    """Return integers in order, and their places before; equal ones keep theirs.

    Those in order already, as tables mostly come, are left as they are. Where value and place fit into one integer, that is sorted,
    without a look at any other memory: three times as fast.
    """
    if in_order(values):
        return values, np.arange(len(values))
    first, bits, unit = int(values.min()), len(values).bit_length(), 1
    span = int(values.max()) - first
    if 1 << (63 - bits) <= span < 1 << 63:
        unit = int(np.gcd.reduce(values - first))  # moments are mostly whole seconds or minutes
    if span // unit >= 1 << (63 - bits):
        order = np.argsort(values, kind="stable")
        return values[order], order
    folded = values - first
    if unit > 1:
        folded //= unit
    folded <<= bits
    folded |= np.arange(len(values))
    folded.sort()
    order = folded & ((1 << bits) - 1)
    folded >>= bits
    if unit > 1:
        folded *= unit
    folded += first
    return folded, order


def in_order(values: Integers) -> bool:
    """Tell whether no integer is less than the one before it: a twentieth of what it takes to sort them."""
    return bool((values[1:] >= values[:-1]).all())


def left_edge(as_of: Integers, over_us: int, hop_us: int | None) -> Integers:
    """Return the first moment of windows, in microseconds: `as_of - over`, moved down to a multiple of the hop since 1970."""
    start = as_of - over_us
    return start if hop_us is None else start // hop_us * hop_us
