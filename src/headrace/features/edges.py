"""Where each question's rows begin and end in a table sorted by key and knowledge time.

All is done by sorting integers, which is far quicker than sorting rows: key and moment are folded into one. And no question is looked for
by itself: sorted questions are merged with the sorted rows, and how many rows come before a question is its place.
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
_EARLIEST = np.iinfo(np.int64).min
_WIDTHS = (np.dtype(np.int32), np.dtype(np.int64))
Order = Integers | None
"""Places in the order in which they are gone through; None where that is the order in which they lie, which saves going through them."""


def arrived(time: pl.Series, arrival: pl.Series) -> Order:
    """Return the order in which rows happened, unknown first, and those that happened at once arrived. Tables come in it, more or less."""
    moments, arrivals = time.fill_null(_EARLIEST).to_numpy(), arrival.to_numpy()
    if in_order(moments) and in_order(arrivals):
        return None
    return np.lexsort([arrivals, moments])


class Timeline:
    """A table's rows in the order in which they became known.

    Attributes:
        order: the rows' places in the table.
    """

    def __init__(self, known: pl.Series, order: Order, seen: Booleans | None = None) -> None:
        """Take the order in which rows stand that became known at once, and which of them are ever seen, if not all."""
        if seen is not None:
            order = np.flatnonzero(seen) if order is None else order[seen.take(order)]
        self._known, places = sort_stable(in_turn(known.fill_null(0).to_numpy(), order))
        self.order = order if places is None else _through(order, places)

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
        self._bits, folded = _folded_with_place(in_turn(keys, timeline.order), size)
        folded.sort()
        self._folded = folded[np.searchsorted(folded, 0) :]
        self.order = _through(timeline.order, _places(self._folded, self._bits))
        self._starts = np.append(np.searchsorted(self._folded, np.arange(size + 1) << self._bits), 0)

    def starts(self, keys: Integers) -> Integers:
        """Return where the rows of each key begin; 0 for the key -1, which is none."""
        return self._starts.take(keys)

    def ends(self, keys: Integers) -> Integers:
        """Return where the rows of each key end; 0 for the key -1."""
        return self._starts.take(keys + 1)

    def places(self, rows: Integers) -> Integers:
        """Return where rows lie in the table; anywhere for one that there is not, and 0 in a table without any."""
        return self.order.take(rows, mode="clip") if len(self.order) else np.zeros_like(rows)

    def first_from(self, questions: "Questions", ranks: Integers) -> Integers:
        """Return, for each question, the first row of its key from a rank in the timeline on; `ranks` are those of its moments."""
        width = self._folded.dtype
        wanted = np.left_shift(questions.keys, self._bits, dtype=width)
        wanted |= ranks.astype(width).take(questions.moments)
        found = np.empty(len(wanted), np.int64)
        found[questions.order] = places_before(self._folded, wanted)
        return found


class Moments:
    """The moments of questions, of which many are the same.

    Attributes:
        distinct: the moments in order, each once.
        order: the questions' places in order of their moments.
        places: the place among the distinct of each moment, in that order.
    """

    def __init__(self, moments: Integers) -> None:
        ordered, self.order = sort_stable(moments)
        new = np.ones(len(moments), np.bool_)
        np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
        self.distinct = ordered[new]
        self.places = np.cumsum(new, dtype=np.int64)
        self.places -= 1


class Questions:
    """Questions sorted by key, then by moment.

    Attributes:
        keys: the numbers of their keys.
        moments: the places of their moments.
        order: their places before.
    """

    def __init__(self, keys: Integers, moments: Moments) -> None:
        """Each integer that is sorted is another, and says which question it is: its place in the order of moments."""
        bits, folded = _folded_with_place(in_turn(keys, moments.order), int(keys.max(initial=-1)) + 1)
        folded.sort()
        places = _places(folded, bits)
        folded >>= bits
        self.keys, self.moments, self.order = folded, moments.places.take(places), _through(moments.order, places)


def _folded_with_place(keys: Integers, size: int) -> tuple[int, Integers]:
    """Return how many bits a place takes, and keys (below `size`) with the place of each as their last bits."""
    bits = len(keys).bit_length()
    width = _narrowest((size << bits) - 1)
    folded = np.left_shift(keys, bits, dtype=width)
    folded |= np.arange(len(keys), dtype=width)
    return bits, folded


def _places(folded: Integers, bits: int) -> Integers:
    """Return the places that are the last bits: 64 bits wide, of which NumPy would make a copy for everything that is taken by them."""
    return (folded & ((1 << bits) - 1)).astype(np.int64, copy=False)


def _narrowest(*numbers: int) -> "np.dtype[Any] | None":
    """Return the narrowest type that holds some numbers, None where none does: 32 bits are sorted and merged in half the time of 64."""
    return next((width for width in _WIDTHS if all(np.iinfo(width).min <= each <= np.iinfo(width).max for each in numbers)), None)


def places_before(rows: Integers, wanted: Integers) -> Integers:
    """Return how many of the rows are less than each of the wanted; both are in order.

    As `np.searchsorted`, in half the time: the stable sort finds two runs, and merges them.
    """
    width = _narrowest(*(2 * int(each[end]) + 1 for each in (rows, wanted) if len(each) for end in (0, -1)))
    if width is None:
        return np.searchsorted(rows, wanted)
    merged = np.empty(len(wanted) + len(rows), width)
    np.left_shift(wanted, 1, out=merged[: len(wanted)], dtype=width)
    np.left_shift(rows, 1, out=merged[len(wanted) :], dtype=width)
    merged[len(wanted) :] |= 1
    merged.sort(kind="stable")
    merged &= 1
    places = np.flatnonzero(merged == 0)
    places -= np.arange(len(wanted))
    return places


def sort_stable(values: Integers) -> tuple[Integers, Order]:
    """Return integers in order, and the places where they were; equal ones keep theirs.

    Those in order already, as tables mostly come, are left as they are. Where value and place fit into one integer, that is sorted,
    without a look at any other memory: three times as fast.
    """
    if in_order(values):
        return values, None
    first, bits = int(values.min()), len(values).bit_length()
    span, room = int(values.max()) - first, 1 << (63 - bits)
    folded = values - first
    noughts, unit = _common(folded, room) if room <= span < 1 << 63 else (0, 1)
    if (span >> noughts) // unit >= room:
        order = np.argsort(values, kind="stable")
        return values.take(order), order
    folded >>= noughts
    if unit > 1:
        folded //= unit
    folded <<= bits
    folded |= np.arange(len(values))
    folded.sort()
    order = _places(folded, bits)
    folded >>= bits
    if unit > 1:
        folded *= unit
    folded <<= noughts
    folded += first
    return folded, order


def _common(values: Integers, room: int) -> tuple[int, int]:
    """Return with how many binary noughts all integers end, and a divisor of what is left: moments are mostly whole seconds or minutes.

    Noughts alone mostly do, and are taken off in a tenth of the time of a division.
    """
    bits = int(np.bitwise_or.reduce(values))
    noughts = (bits & -bits).bit_length() - 1
    return noughts, 1 if bits >> noughts < room else int(np.gcd.reduce(values)) >> noughts


def in_turn(values: Integers, order: Order) -> Integers:
    """Return values in an order."""
    return values if order is None else values.take(order)


def _through(order: Order, places: Integers) -> Integers:
    """Return what lies at places in an order."""
    return places if order is None else order.take(places)


def in_order(values: Integers) -> bool:
    """Tell whether no integer is less than the one before it: a twentieth of what it takes to sort them."""
    return bool((values[1:] >= values[:-1]).all())


def left_edge(as_of: Integers, over_us: int, hop_us: int | None) -> Integers:
    """Return the first moment of windows, in microseconds: `as_of - over`, moved down to a multiple of the hop since 1970."""
    start = as_of - over_us
    return start if hop_us is None else start // hop_us * hop_us
