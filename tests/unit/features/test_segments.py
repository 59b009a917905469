"""Folding many slices at once against exact fractions."""

import math
import sys
from fractions import Fraction

import numpy as np
import pytest

from headrace.features import segments
from headrace.features.slice_values import float_sum, variance_of


def slices(size, seed, number=300):
    generator = np.random.default_rng(seed)
    edges = np.sort(generator.integers(0, size + 1, (2, number)), axis=0)
    return edges[0], edges[1]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 31, 300])
def test_sums_are_right_to_the_last_digits(size):
    generator = np.random.default_rng(size)
    values = generator.normal(size=size) * 10.0 ** generator.integers(-9, 12, size)
    low, high = slices(size, size)
    found = segments.slice_sums(values, low, high)
    for total, start, end in zip(found.tolist(), low, high, strict=True):
        assert total == pytest.approx(math.fsum(values[start:end]), rel=1e-13, abs=0)


def test_cancellation_leaves_the_rest():
    values = np.array([1e16, 1.0, -1e16, 0.25])
    assert segments.slice_sums(values, np.array([0]), np.array([4])).tolist() == [1.25]


def test_a_nan_or_infinity_outside_the_slice_changes_nothing():
    values = np.array([math.nan, 1.0, 2.0, math.inf, 3.0])
    low, high = np.array([1, 0, 3, 4, 0]), np.array([3, 2, 5, 5, 5])
    assert np.array_equal(segments.slice_sums(values, low, high), [3.0, math.nan, math.inf, 3.0, math.nan], equal_nan=True)
    assert np.array_equal(segments.slice_variances(values, low, high), [0.5, math.nan, math.nan, math.nan, math.nan], equal_nan=True)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e9, -1e14])
def test_variances_keep_their_digits_far_from_zero(offset):
    values = np.random.default_rng(3).normal(size=200) + offset
    low, high = slices(200, 4)
    for variance, start, end in zip(segments.slice_variances(values, low, high).tolist(), low, high, strict=True):
        exact = [Fraction(value) for value in values[start:end].tolist()]
        if len(exact) < 2:
            assert math.isnan(variance)
            continue
        mean = sum(exact) / len(exact)
        assert variance == pytest.approx(float(sum((value - mean) ** 2 for value in exact) / (len(exact) - 1)), rel=1e-12)


def test_the_variance_of_equal_values_is_zero():
    low, high = np.array([0, 1, 2]), np.array([7, 6, 4])
    assert segments.slice_variances(np.full(7, 0.1), low, high).tolist() == [0.0, 0.0, 0.0]


def test_the_variance_of_integers_past_the_digits_of_a_double():
    values = np.array([2**60, 2**60 + 1, 2**60 + 2])
    assert segments.slice_variances(values, np.array([0]), np.array([3])).tolist() == [1.0]


@pytest.mark.parametrize("seed", range(3))
def test_a_sum_is_infinite_only_where_the_whole_passes_the_largest_double(seed):
    generator = np.random.default_rng(seed)
    values = generator.choice([1e308, -1e308, 1.7e308, -1.7e308, 1.0] + [math.inf, -math.inf, math.nan] * (seed == 2), 200)
    low, high = slices(200, seed)
    found = segments.slice_sums(values, low, high)
    for total, start, end in zip(found.tolist(), low, high, strict=True):
        some = values[start:end].tolist()
        assert float_sum(values[start:end]) == pytest.approx(total, rel=1e-13, nan_ok=True)
        if all(map(math.isfinite, some)):
            exact = sum(map(Fraction, some))
            beyond = math.inf if exact > 0 else -math.inf
            assert total == (pytest.approx(float(exact), rel=1e-13) if abs(exact) <= sys.float_info.max else beyond)
    assert np.isfinite(found).any()
    assert not np.isfinite(found).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_variance_that_passes_the_largest_double_is_infinite_of_one_slice_as_of_many(seed):
    generator = np.random.default_rng(seed)
    values = generator.choice([1e308, -1e308, 1.7e308, 1.0, 0.0] + [math.inf, math.nan] * (seed == 2), 200)
    low, high = slices(200, seed)
    found = segments.slice_variances(values, low, high)
    alone = [variance_of(values[start:end]) for start, end in zip(low, high, strict=True)]
    assert found == pytest.approx([math.nan if each is None else each for each in alone], nan_ok=True)
    assert np.isinf(found).any()
    finite = np.array([bool(np.isfinite(values[start:end]).all()) and end - start > 1 for start, end in zip(low, high, strict=True)])
    assert np.array_equal(np.isnan(found), ~finite)


def test_integer_sums_wrap_and_means_do_not():
    values = np.array([2**62, 2**62, 2**62, -5])
    low, high = np.array([0, 0, 3]), np.array([3, 2, 4])
    assert segments.slice_integer_sums(values, low, high).tolist() == [-(2**62), -(2**63), -5]
    assert segments.slice_integer_means(values, low, high).tolist() == [2.0**62, 2.0**62, -5.0]


def test_extremes_pass_over_nan():
    values = np.array([math.nan, 2.0, -1.0, math.nan])
    low, high = np.array([0, 0, 3]), np.array([4, 2, 4])
    assert np.array_equal(segments.slice_minima(values, low, high), [-1.0, 2.0, math.nan], equal_nan=True)
    assert np.array_equal(segments.slice_maxima(values, low, high), [2.0, 2.0, math.nan], equal_nan=True)


def test_block_sums_hold_whole_blocks_only():
    whole, rest = segments.block_sums(np.array([1e16, 1.0, -1e16, 1.0, 5.0]), 4)
    assert whole.tolist() == [2.0]
    assert rest.tolist() == [0.0]
