"""Order statistics and distinct counts of many slices against sorting and sets."""

import numpy as np
import pytest

from headrace.features import wavelet


def draw(size, codes, seed):
    generator = np.random.default_rng(seed)
    edges = np.sort(generator.integers(0, size + 1, (2, 200)), axis=0)
    return generator.integers(0, codes, size), edges[0], edges[1]


@pytest.mark.parametrize(("size", "codes"), [(1, 1), (2, 2), (40, 3), (257, 1000), (300, 1)])
def test_selects(size, codes):
    values, low, high = draw(size, codes, size)
    rank = np.maximum(high - low - 1, 0) // 2
    for code, start, end, place in zip(wavelet.slice_selects(values, low, high, rank), low, high, rank, strict=True):
        if start < end:
            assert code == np.sort(values[start:end])[place]


@pytest.mark.parametrize(("size", "codes"), [(0, 1), (1, 1), (2, 2), (40, 3), (257, 1000)])
def test_distincts(size, codes):
    values, low, high = draw(size, codes, size)
    found = wavelet.slice_distincts(values, low, high)
    assert found.tolist() == [len(set(values[start:end].tolist())) for start, end in zip(low, high, strict=True)]


def test_counts_below_a_bound_outside_the_codes():
    codes, low, high = np.array([0, 3, 1, 3]), np.array([0, 0, 1]), np.array([4, 4, 4])
    assert wavelet.slice_counts_below(codes, low, high, np.array([0, 99, 3])).tolist() == [0, 4, 1]
