"""Order statistics and distinct counts of many slices of one array at once, exactly.

Both walk a wavelet matrix (F. Claude, G. Navarro, A. Ordóñez, "The wavelet matrix", Information Systems 47, 2015) from the highest bit of
the codes down: at each level all slices are mapped together, so the work is a few array operations a bit and one level is in memory.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def slice_selects(codes: Integers, low: Integers, high: Integers, rank: Integers) -> Integers:
    """Return the code of the given rank (0 the least) of each slice, 0 for an empty one; codes are at least 0, ranks within the slice."""
    empty = high <= low
    low, high, rank = low.copy(), high.copy(), rank.copy()
    found = np.zeros(len(low), np.int64)
    for bit, zeros_before in _levels(codes):
        zeros_low, zeros_high = zeros_before[low], zeros_before[high]
        zeros = zeros_high - zeros_low
        one = rank >= zeros
        found |= one.astype(np.int64) << bit
        rank -= np.where(one, zeros, 0)
        low = np.where(one, zeros_before[-1] + low - zeros_low, zeros_low)
        high = np.where(one, zeros_before[-1] + high - zeros_high, zeros_high)
    return np.where(empty, 0, found)


def slice_counts_below(codes: Integers, low: Integers, high: Integers, bound: Integers) -> Integers:
    """Return how many codes of each slice are below its bound; codes are at least 0."""
    below = np.zeros(len(low), np.int64)
    top = int(codes.max(initial=0))
    everything = bound > top
    below[everything] = (high - low)[everything]
    low, high = low.copy(), high.copy()
    high[everything | (bound <= 0)] = 0
    low[everything | (bound <= 0)] = 0
    for bit, zeros_before in _levels(codes):
        zeros_low, zeros_high = zeros_before[low], zeros_before[high]
        one = (bound >> bit) & 1 == 1
        below += np.where(one, zeros_high - zeros_low, 0)
        low = np.where(one, zeros_before[-1] + low - zeros_low, zeros_low)
        high = np.where(one, zeros_before[-1] + high - zeros_high, zeros_high)
    return below


def slice_distincts(codes: Integers, low: Integers, high: Integers) -> Integers:
    """Return how many different codes each slice holds: those that stand for the first time in it."""
    return slice_counts_below(previous_places(codes), low, high, low + 1)


def previous_places(codes: Integers) -> Integers:
    """Return for each place one more than the place where the same code stood before, 0 where it never did.

    A code stands for the first time in a slice where that is no more than the slice's beginning.
    """
    order = np.argsort(codes, kind="stable")
    again = codes[order[1:]] == codes[order[:-1]]
    previous = np.zeros(len(codes), np.int64)
    previous[order[1:][again]] = order[:-1][again] + 1
    return previous


def _levels(codes: Integers) -> Iterator[tuple[int, Integers]]:
    """Give each bit, highest first, with the number of zeros of that bit before each place of the level's order, the total last."""
    level = codes
    for bit in range(int(codes.max(initial=0)).bit_length() - 1, -1, -1):
        zero = (level >> bit) & 1 == 0
        yield bit, np.concatenate([np.zeros(1, np.int64), np.cumsum(zero, dtype=np.int64)])
        level = np.concatenate([level[zero], level[~zero]])
