import math

import numpy as np
import pytest
from scipy import special

from headrace.models.links import expit, probabilities, softmax


@pytest.mark.parametrize("raw", [-1e300, -745.0, -1.0, 0.0, 1e-20, 3.0, 745.0, 1e300])
def test_the_logistic_function_is_scipys(raw):
    assert expit(raw) == pytest.approx(special.expit(raw), rel=1e-14)


def test_softmax_is_scipys_and_does_not_overflow():
    for raw in ((0.0, 1.0, 2.0), (1e300, 0.0, -1e300), (-1e6, -1e6, -1e6)):
        np.testing.assert_allclose(softmax(raw), special.softmax(raw), rtol=1e-14)
        assert math.isclose(sum(softmax(raw)), 1.0)


def test_arrays_give_the_bits_of_their_values():
    raw = np.linspace(-30, 30, 301)
    assert probabilities(raw).tolist() == [expit(value) for value in raw.tolist()]
    rows = raw[:300].reshape(100, 3)
    assert probabilities(rows).tolist() == [list(softmax(row)) for row in rows.tolist()]
