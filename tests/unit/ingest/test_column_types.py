from datetime import UTC, datetime, timedelta
from math import inf

import polars as pl
import pytest

from headrace.expressions import DType
from headrace.ingest.column_types import POLARS_TYPES, convert

NAIVE = datetime(2013, 1, 1)  # noqa: DTZ001 - naive on purpose


@pytest.mark.parametrize(
    ("values", "kind", "converted"),
    [
        (
            pl.Series("x", [1.0, 1.5, None, float("nan"), 1e300, -(2.0**63), 2.0**63]),
            DType.INT,
            [1, None, None, None, None, -(2**63), None],
        ),
        (pl.Series("x", [2**64 - 1, 5], dtype=pl.UInt64), DType.INT, [None, 5]),
        (pl.Series("x", [1, None]), DType.FLOAT, [1.0, None]),
        (pl.Series("x", [1, None]), DType.BOOL, [None, None]),
        (pl.Series("x", [True, None]), DType.INT, [None, None]),
        (pl.Series("x", [True, None]), DType.STRING, ["true", None]),
        (pl.Series("x", [7, None]), DType.STRING, ["7", None]),
        (pl.Series("x", [7.0, 2.5, None, 1e20, -1e-7, inf]), DType.STRING, ["7", "2.5", None, "1" + "0" * 20, "-0.0000001", "inf"]),
        (pl.Series("x", ["7", "x", None]), DType.INT, [7, None, None]),
        (pl.Series("x", [NAIVE]), DType.STRING, ["2013-01-01T00:00:00Z"]),
        (pl.Series("x", [NAIVE]), DType.DATETIME, [datetime(2013, 1, 1, tzinfo=UTC)]),
        (pl.Series("x", [timedelta(1)]), DType.STRING, [None]),
        (pl.Series("x", [None, None]), DType.DATETIME, [None, None]),
    ],
)
def test_values_change_their_type_only_where_nothing_is_lost(values, kind, converted):
    found = convert(values, kind)

    assert found.to_list() == converted
    assert found.dtype == POLARS_TYPES[kind]
    assert found.name == "x"
