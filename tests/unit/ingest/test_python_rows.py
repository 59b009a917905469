from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from ipaddress import ip_address
from uuid import UUID

import numpy as np
import polars as pl
import pytest

from headrace.expressions import DType
from headrace.ingest.column_types import convert
from headrace.ingest.errors import UnsupportedColumn
from headrace.ingest.python_rows import frame_of
from headrace.ingest.rest import rows

ID = UUID("12345678-1234-5678-1234-567812345678")
NAIVE, AWARE = datetime(2024, 1, 2, 3), datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))  # noqa: DTZ001


class Colour(Enum):
    RED = "red"


def column(*values: object) -> tuple[pl.DataType, list[object], tuple[str, ...]]:
    frame, notes = frame_of(["v"], [[value] for value in values])
    return frame.schema["v"], frame["v"].to_list(), notes


@pytest.mark.parametrize(
    ("values", "dtype", "read"),
    [
        ((1, None), pl.Int64(), [1, None]),
        ((2**63 - 1, -(2**63)), pl.Int64(), [2**63 - 1, -(2**63)]),
        ((1.5,), pl.Float64(), [1.5]),
        ((1, 1.5), pl.Float64(), [1.0, 1.5]),
        ((2**53 + 1, 1.5), pl.String(), [str(2**53 + 1), "1.5"]),
        ((True, False), pl.Boolean(), [True, False]),
        (("a", ""), pl.String(), ["a", ""]),
        ((None, None), pl.Null(), [None, None]),
        ((NAIVE,), pl.Datetime("us"), [NAIVE]),
        ((AWARE,), pl.Datetime("us", "UTC"), [AWARE.astimezone(UTC)]),
        ((NAIVE, AWARE), pl.String(), [NAIVE.isoformat(), AWARE.isoformat()]),
        ((date(2024, 1, 2), NAIVE), pl.Datetime("us"), [datetime(2024, 1, 2), NAIVE]),  # noqa: DTZ001
        ((date(2024, 1, 2),), pl.Date(), [date(2024, 1, 2)]),
        ((time(1, 2),), pl.Time(), [time(1, 2)]),
        ((timedelta(hours=1),), pl.Duration("us"), [timedelta(hours=1)]),
        ((ID,), pl.String(), [str(ID)]),
        ((ip_address("10.0.0.1"),), pl.String(), ["10.0.0.1"]),
        (({"b": 1, "a": "é"}, ["x"]), pl.String(), ['{"b": 1, "a": "é"}', '["x"]']),
        ((Colour.RED,), pl.String(), ["red"]),
        ((1, "x"), pl.String(), ["1", "x"]),
        ((np.int64(3), np.float64(1.5)), pl.Float64(), [3.0, 1.5]),
        ((np.bool_(True),), pl.Boolean(), [True]),
    ],
)
def test_each_kind_of_value(values: tuple[object, ...], dtype: pl.DataType, read: list[object]) -> None:
    found, got, _ = column(*values)
    assert (found, got) == (dtype, read)


def test_what_is_changed_is_said() -> None:
    assert column(Decimal("1.25"), None) == (pl.Float64(), [1.25, None], ("v: decimals as floats",))
    assert column(1, "x")[2] == ("v: int and str as texts",)
    assert column(1, 2)[2] == ()


@pytest.mark.parametrize("value", [b"\0", 2**63, object(), 1j])
def test_what_tables_do_not_hold_is_refused(value: object) -> None:
    with pytest.raises(UnsupportedColumn, match="'v' is"):
        column(value)


def test_no_rows_have_columns() -> None:
    assert frame_of(["a", "b"], [])[0].schema == {"a": pl.Null(), "b": pl.Null()}


def test_a_number_among_texts_is_written_as_it_is_where_the_page_has_only_numbers():
    values = [5.0, 2.5, 1e20, 1e-7]
    among, _ = frame_of(["v"], [["x"], *([value] for value in values)])
    alone, _ = frame_of(["v"], [[value] for value in values])
    assert among["v"].to_list()[1:] == convert(alone["v"], DType.STRING).to_list() == ["5", "2.5", "1" + "0" * 20, "0.0000001"]
    assert rows.frame_of([{"v": value} for value in ("x", *values)])[0]["v"].to_list() == among["v"].to_list()
