"""Rows as a blob."""

import polars as pl
import pytest

from headrace.lake.frames import bytes_frame, frame_bytes


@pytest.mark.parametrize("values", [[1, None, 3], [1.5, None, 2.5], ["a", None, "ccc"], [True, None, False]])
def test_equal_rows_have_equal_bytes_wherever_they_were_cut_from(values: list[object]) -> None:
    plain = pl.DataFrame({"v": values})
    cut = pl.concat([plain, plain, plain], rechunk=True).slice(3, 3)
    hidden = pl.DataFrame({"v": [values[0], values[2], values[2]], "keep": [True, False, True]}).select(
        pl.when("keep").then("v").alias("v")
    )
    assert cut.equals(plain)
    assert hidden.equals(plain)
    assert frame_bytes(plain) == frame_bytes(cut) == frame_bytes(hidden)
    assert bytes_frame(frame_bytes(hidden)).equals(plain)


@pytest.mark.parametrize("values", [[True, False, True], [True, None, False], [1, None, 3], ["a", None, "ccc"]])
@pytest.mark.parametrize("left_out", range(1, 6))
def test_rows_that_were_left_out_leave_no_bits(values: list[object], left_out: int) -> None:
    plain = pl.DataFrame({"v": values})
    longer = pl.DataFrame({"v": values + [values[0]] * left_out, "keep": [True] * 3 + [False] * left_out})
    for cut in (longer.filter("keep").select("v"), longer.select("v").head(3), longer.select("v").reverse().tail(3).reverse()):
        assert cut.equals(plain)
        assert frame_bytes(cut) == frame_bytes(plain)


@pytest.mark.parametrize("values", [[1, None, 3], ["a", None, "ccc"], [True, None, False]])
def test_nulls_that_were_left_out_leave_nothing(values: list[object]) -> None:
    plain = pl.DataFrame({"v": [values[0], values[2]]})
    cut = pl.DataFrame({"v": values, "keep": [True, False, True]}).filter("keep").select("v")
    assert frame_bytes(cut) == frame_bytes(plain)
