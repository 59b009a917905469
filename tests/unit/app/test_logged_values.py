"""What was logged is read as it was served."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from headrace.app.logged_values import logged_frame, withheld
from headrace.app.prediction_frames import AnsweredFrame, log_rows
from headrace.expressions import DType
from headrace.serving.records import features_json

TYPES = {
    "yes": DType.BOOL, "count": DType.INT, "share": DType.FLOAT, "word": DType.STRING, "at": DType.DATETIME, "took": DType.DURATION,
}  # fmt: skip
AT = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
SERVED = pl.DataFrame(
    {
        "yes": [True, None, False, True],
        "count": [2**53 + 1, None, -1, 0],
        "share": [0.1, None, -math.inf, math.inf],
        "word": ['é"', None, "null", ""],
        "at": [AT, None, AT, AT],
        "took": [timedelta(days=-1, microseconds=1), None, timedelta(0), timedelta(hours=3)],
    },
    schema_overrides={"at": pl.Datetime("us", "UTC"), "took": pl.Duration("us")},
)


def by_columns(rows):
    moment = pl.Series([AT] * rows.height, dtype=pl.Datetime("us", "UTC"))
    answered = AnsweredFrame(["p"] * rows.height, "m", "1", moment, pl.DataFrame(height=rows.height), rows, np.zeros(rows.height), None)
    return log_rows(answered, "file", AT)["features"].to_list()


def by_rows(rows):
    return [features_json(row) for row in rows.iter_rows(named=True)]


@pytest.mark.parametrize("written", [by_columns, by_rows])
def test_values_of_every_type_come_back(written):
    assert logged_frame(written(SERVED), TYPES).equals(SERVED)
    no_number = SERVED.with_columns(share=pl.lit(math.nan))
    assert logged_frame(written(no_number), TYPES)["share"].null_count() == 4


def test_a_value_that_is_not_there_is_null_and_one_that_was_withheld_is_told():
    texts = ['{"count":null,"share":1.0,"_stale":{"count":7.5,"share":9.0}}', '{"share":2.0}']
    assert logged_frame(texts, {"count": DType.INT, "share": DType.FLOAT}).rows() == [(None, 1.0), (None, 2.0)]
    assert withheld(texts).to_list() == [["count"], []]
