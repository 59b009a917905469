import math

import numpy as np
import polars as pl
import pytest

from headrace.models.artifact import ModelColumn
from headrace.models.encoder import UNKNOWN, Encoder

COLUMNS = (
    ModelColumn("size", "numeric"),
    ModelColumn("count", "numeric"),
    ModelColumn("flag", "boolean"),
    ModelColumn("colour", "categorical", ("red", "blue")),
)


def test_values_are_encoded_as_promised():
    row = {"flag": True, "colour": "blue", "size": 1.5, "count": 2**53 + 1, "unused": object()}
    assert Encoder(COLUMNS).encode_row(row) == [1.5, float(2**53 + 1), 1.0, 1.0]


def test_columns_may_be_called_anything():
    odd = ("class", 'it\'s "so"', "back\\slash", "new\nline", "{value}", "größe", "\u2028", "row", "nan", "")
    columns = [ModelColumn(name, kind, ("a", "b")) for name, kind in zip(odd, ["numeric", "categorical"] * 5, strict=True)]
    row = {column.name: 1.5 if column.kind == "numeric" else "b" for column in columns}
    assert Encoder(columns).encode_row(row) == [1.5, 1.0] * 5


def test_null_is_nan_and_an_unknown_level_has_its_code():
    vector = Encoder(COLUMNS).encode_row({"size": None, "count": None, "flag": None, "colour": "mauve"})
    assert np.isnan(vector[:3]).all()
    assert vector[3] == UNKNOWN


def test_rows_and_frames_are_encoded_alike():
    frame = pl.DataFrame(
        {
            "colour": ["red", None, "mauve", "blue", ""],
            "flag": [True, False, None, True, False],
            "count": [1, None, -(2**63), 2**63 - 1, 2**53 + 1],
            "size": [math.inf, -math.inf, math.nan, None, 5e-324],
        }
    )
    encoder = Encoder(COLUMNS)
    matrix = encoder.encode_frame(frame)
    assert matrix.flags.c_contiguous
    np.testing.assert_array_equal(matrix, np.array([encoder.encode_row(row) for row in frame.iter_rows(named=True)]))


def test_no_rows_and_all_nulls_are_encoded():
    encoder = Encoder(COLUMNS)
    frame = pl.DataFrame({"size": [None], "count": [None], "flag": [None], "colour": pl.Series([None], dtype=pl.String)})
    assert np.isnan(encoder.encode_frame(frame)).all()
    assert encoder.encode_frame(frame.clear()).shape == (0, 4)


def test_a_row_that_lacks_a_column_is_refused():
    with pytest.raises(KeyError, match="count"):
        Encoder(COLUMNS).encode_row({"size": 1.0})
