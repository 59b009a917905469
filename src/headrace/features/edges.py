"""Where each question's rows begin and end in a table sorted by group and knowledge time."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class Edges:
    """Finds places in rows sorted by group, then by known.

    Both are folded into one integer a row, group * (number of distinct moments + 1) + rank of the moment, so that one binary search for
    all questions finds the place.
    """

    def __init__(self, group: Integers, known: Integers) -> None:
        moments = np.sort(known)  # np.unique hashes, which takes four times as long here
        self._moments = moments[np.diff(moments, prepend=moments[:1] - 1) > 0]
        self._width = len(self._moments) + 1
        self._place = group * self._width + np.searchsorted(self._moments, known)

    def first_at_or_after(self, group: Integers, moment: Integers) -> Integers:
        """Return, for each question, the first row of its group that became known at `moment` or later, else the group's end.

        0 for a group below zero: that is none.
        """
        found = np.searchsorted(self._place, group * self._width + np.searchsorted(self._moments, moment))
        return np.where(group < 0, 0, found).astype(np.int64)


def left_edge(as_of: Integers, over_us: int, hop_us: int | None) -> Integers:
    """Return the first moment of windows, in microseconds: `as_of - over`, moved down to a multiple of the hop since 1970."""
    start = as_of - over_us
    return start if hop_us is None else start // hop_us * hop_us
