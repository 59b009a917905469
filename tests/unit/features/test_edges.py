"""Where questions' rows begin and end."""

import numpy as np
import polars as pl
import pytest

from headrace.features.edges import Edges, Moments, Questions, Timeline, arrived, left_edge, places_before, sort_stable


def ordered(known, time=None, seen=None):
    order = arrived(pl.Series(time or [0] * len(known), dtype=pl.Int64), pl.Series(range(len(known)), dtype=pl.Int64))
    return Timeline(pl.Series(known, dtype=pl.Int64), order, seen)


def places(order, values):
    return list(range(len(values))) if order is None else order.tolist()


def first_from(edges, timeline, keys, moments):
    moments = Moments(np.array(moments))
    return edges.first_from(Questions(np.array(keys), moments), timeline.ranks(moments.distinct)).tolist()


def test_edges_are_within_the_key():
    timeline = ordered([20, 10, 5, 20, 30, 20])
    edges = Edges(timeline, np.array([0, 0, 1, 2, 2, 0]), 3)
    assert edges.order.tolist() == [1, 0, 5, 2, 3, 4]
    keys = [0, 0, 0, 0, 1, 1, 2, -1]
    assert first_from(edges, timeline, keys, [5, 20, 21, 99, 5, 6, 21, 20]) == [0, 1, 3, 3, 3, 4, 5, 0]
    assert (edges.starts(np.array(keys)).tolist(), edges.ends(np.array(keys)).tolist()) == (
        [0, 0, 0, 0, 3, 3, 4, 0],
        [3, 3, 3, 3, 4, 4, 6, 0],
    )


@pytest.mark.parametrize("size", [1, 5, 1 << 18, (1 << 18) + 1, 1 << 20])
def test_places_are_counted_alike_in_32_bits_and_in_64(size):
    rng = np.random.default_rng(6)
    known, moments = rng.integers(0, 900, 5000), rng.integers(-9, 909, 5000)
    keys, asked = rng.integers(-1, size, 5000), rng.integers(-1, size, 5000)
    keys[:2500] = asked[:2500] = size - 1
    timeline = ordered(known.tolist())
    edges = Edges(timeline, keys, size)
    assert edges._folded.dtype == (np.int32 if size <= 1 << 18 else np.int64)  # a place takes 13 bits, and a sign one
    rows = np.where(keys < 0, size, keys)
    for key, moment, found in zip(asked, moments, first_from(edges, timeline, asked, moments), strict=True):
        assert found == np.count_nonzero((rows < key) | ((rows == key) & (known < moment)))


def test_rows_without_a_key_and_rows_never_seen_are_left_out():
    timeline = ordered([7, None, 3, 5], seen=np.array([True, False, True, True]))
    edges = Edges(timeline, np.array([0, 0, -1, 0]), 2)
    assert edges.order.tolist() == [3, 0]
    assert first_from(edges, timeline, [0, 0, 1, -1], [6, 9, 9, 9]) == [1, 2, 2, 0]


def test_ties_go_by_time_null_first_then_by_arrival():
    assert ordered([9, 9, 9, 9, 1], time=[5, None, 3, 3, 9]).order.tolist() == [4, 1, 2, 3, 0]


def test_no_rows_and_no_questions():
    timeline = ordered([])
    edges = Edges(timeline, np.array([], np.int64), 0)
    assert first_from(edges, timeline, [-1, -1], [0, 5]) == [0, 0]
    assert first_from(edges, timeline, np.array([], np.int64), np.array([], np.int64)) == []
    assert edges.ends(np.array([-1])).tolist() == [0]


@pytest.mark.parametrize("unit", [1, 60_000_000, 1 << 40, 3**28, 3**28 << 4])
@pytest.mark.parametrize("first", [0, -(10**15)])
def test_integers_are_sorted_as_a_stable_sort_does_however_wide_they_are(unit, first):
    values = np.random.default_rng(3).integers(0, 1000, 5000) * unit + first
    for some in (values, np.sort(values), np.append(values, first + 1)):  # with a last one that has nothing in common with the others
        found, order = sort_stable(some)
        assert places(order, some) == np.argsort(some, kind="stable").tolist()
        assert found.tolist() == np.sort(some).tolist()


@pytest.mark.parametrize("values", [[10, -(2**63)], [2**63 - 1, 0, -(2**63), 0], [-(2**63), 2**63 - 1, 2**62], [2**63 - 1] * 3])
def test_integers_further_apart_than_64_bits_tell_are_sorted_too(values):
    found, order = sort_stable(np.array(values))
    assert (found.tolist(), places(order, values)) == (sorted(values), np.argsort(values, kind="stable").tolist())
    moments = Moments(np.array(values))
    assert moments.distinct.tolist() == sorted(set(values))
    assert moments.distinct[moments.places].tolist() == np.array(values)[places(moments.order, values)].tolist()
    assert places_before(found, moments.distinct).tolist() == np.searchsorted(found, moments.distinct).tolist()


def test_places_are_those_of_a_binary_search():
    rng = np.random.default_rng(4)
    wide = ((9, 9, 1 << bits) for bits in (30, 31, 62, 63))
    for rows, wanted, most in ((0, 5, 99), (5, 0, 99), (50, 3, 99), (3, 50, 99), (500, 500, 99), *wide):
        there, asked = np.sort(rng.integers(-most, most, rows)), np.sort(rng.integers(-most, most, wanted))
        there[-1:], asked[:1] = most - 1, -most
        assert places_before(there, asked).tolist() == np.searchsorted(there, asked).tolist()


def test_a_hop_moves_the_left_edge_down_to_a_tile_also_before_1970():
    as_of = np.array([100, 104, 5, -3])
    assert left_edge(as_of, 7, None).tolist() == [93, 97, -2, -10]
    assert left_edge(as_of, 7, 10).tolist() == [90, 90, -10, -10]
