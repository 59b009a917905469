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
