"""Walking a prediction back."""

import math

import pytest

from headrace.app.explaining import _revived
from headrace.expressions import DType


@pytest.mark.parametrize(
    ("kept", "kind", "was"),
    [
        ("-inf", DType.FLOAT, -math.inf),
        ("inf", DType.FLOAT, math.inf),
        ("inf", DType.STRING, "inf"),
        (0.1, DType.FLOAT, 0.1),
        (2**62, DType.INT, 2**62),
        (None, DType.FLOAT, None),
        (False, DType.BOOL, False),
    ],
)
def test_a_logged_value_is_read_as_what_it_was(kept, kind, was):
    assert _revived(kept, kind) == was
    assert type(_revived(kept, kind)) is type(was)
