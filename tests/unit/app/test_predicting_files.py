"""Files of questions and answers, in pieces."""

import json
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from headrace.app.answer_file import AnswerFile, check_output
from headrace.app.asked_file import GIVEN, WRITTEN, Questions, asked_source, keep_questions
from headrace.app.prediction_frames import AnsweredFrame, frame_json, log_rows
from headrace.bundles.manifest import GivenField
from headrace.core.errors import UserError
from headrace.core.pseudonyms import pseudonymise
from headrace.expressions import DType
from headrace.features.buckets import PLACE, Bucket
from headrace.ingest.dialect import dialect_of
from headrace.ingest.raw import RawTable
from headrace.ingest.sources import open_source
from headrace.serving.records import PredictionRecord
from headrace.spec.errors import UnknownName
from headrace.spec.sources import File
from headrace.spec.sql import SQL
from headrace.spec.streams import Replay
from headrace.spec.tables import Events

TEXTS = frozenset({DType.BOOL, DType.INT, DType.FLOAT, DType.DATETIME})
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
KEY = b"k" * 32


def raw(*chunks, names=("shop", "amount", "email")):
    frames = [pl.DataFrame(dict(zip(names, columns, strict=True)), strict=False) for columns in chunks]
    return RawTable(names, TEXTS, lambda: iter(frames))


def asked(inferred=("shop", "amount", "email")):
    given = (GivenField("amount", DType.FLOAT, False), GivenField("email", DType.STRING, True))
    return Questions(given, {"amount": DType.FLOAT, "email": DType.STRING}, inferred, KEY)


def kept(folder, bucket):
    with Bucket(folder, bucket) as there:
        return pl.concat(list(there))


def test_a_type_is_the_whole_files_not_a_chunks(tmp_path):
    chunks = [(["1", "2"], ["1", "2"], ["7", None]), (["a", None], ["2.5", None], ["8", "9"])]
    assert keep_questions(raw(*chunks), asked(), tmp_path / "kept") == 4
    written = kept(tmp_path / "kept", WRITTEN)
    assert written.to_dict(as_series=False) == {"shop": ["1", "2", "a", None], "amount": [1.0, 2.0, 2.5, None], "email": [7, None, 8, 9]}
    given = kept(tmp_path / "kept", GIVEN)
    assert given["email"].to_list() == [pseudonymise(7, KEY), None, pseudonymise(8, KEY), pseudonymise(9, KEY)]
    assert given[PLACE].to_list() == [0, 1, 2, 3]


def test_texts_are_given_back_as_they_are_written(tmp_path):
    keep_questions(raw((["007"], ["1.50"], ["x"])), asked(inferred=("email",)), tmp_path / "kept")
    assert kept(tmp_path / "kept", WRITTEN).rows() == [("007", "1.50", "x")]
    assert kept(tmp_path / "kept", GIVEN)["amount"].to_list() == [1.5]


def test_a_value_of_another_type_is_told_by_its_row_of_the_file(tmp_path):
    with pytest.raises(UserError, match=r"row 5: 'amount' cannot be 'ten'\."):
        keep_questions(raw((["s"] * 3, ["1"] * 3, ["x"] * 3), (["s"] * 2, ["1", "ten"], ["x"] * 2)), asked(), tmp_path / "kept")


@pytest.mark.parametrize("played", [False, True])
def test_a_file_is_read_as_the_table_s_own_one(tmp_path, played):
    options = {"null_values": "NA", "decimal": ",", "timezone": "Europe/Berlin", "dates": "%d.%m.%Y %H:%M", "encoding": "cp1252"}
    own = File("umsatz.csv", separator=";", **options)
    (tmp_path / "ask.csv").write_text("shop|amount|placed\nKöln|1,5|01.07.2024 12:00\nNA|NA|NA\n", encoding="cp1252")
    source = asked_source(tmp_path / "ask.csv", Events("orders", source=Replay(own) if played else own))
    types = {"shop": DType.STRING, "amount": DType.FLOAT, "placed": DType.DATETIME}
    questions = Questions(tuple(GivenField(name, kind, False) for name, kind in types.items()), types, (), KEY, dialect_of(source))
    keep_questions(open_source(source, tmp_path), questions, tmp_path / "kept")
    placed = datetime(2024, 7, 1, 10, tzinfo=UTC)
    assert kept(tmp_path / "kept", GIVEN).drop(PLACE).rows() == [("Köln", 1.5, placed), (None, None, None)]
    assert kept(tmp_path / "kept", WRITTEN).rows() == [("Köln", "1,5", "01.07.2024 12:00"), (None, None, None)]


def test_a_file_of_another_format_or_of_a_table_without_one_is_read_plainly(tmp_path):
    own = File("orders.csv", null_values="NA", decimal=",")
    assert asked_source(tmp_path / "ask.jsonl", Events("orders", source=own)).decimal == "."
    asked = SQL("sqlite:///shop.db", table="orders")
    assert asked_source(tmp_path / "ask.csv", Events("orders", source=asked)).null_values == ()


def test_a_file_without_rows_or_without_a_column(tmp_path):
    assert keep_questions(raw(), asked(), tmp_path / "kept") == 0
    assert kept(tmp_path / "kept", WRITTEN).columns == ["shop", "amount", "email"]
    with pytest.raises(UnknownName, match="amount"):
        keep_questions(raw(names=("shop", "amout", "email")), asked(), tmp_path / "other")


def test_a_file_that_cannot_be_made_is_told_by_the_name_that_was_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_all(tmp_path / "away" / "out.csv", [])
    assert caught.value.filename == str(tmp_path / "away" / "out.csv")


def write_all(output, frames):
    with AnswerFile(output) as file:
        for frame in frames:
            file.write(frame)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_answers_appear_whole_or_not_at_all(tmp_path, name):
    frames = [
        pl.DataFrame({"a": [1, None], "b": ["x", "ä,\n"]}),
        pl.DataFrame({"a": [3], "b": [None]}, schema={"a": pl.Int64, "b": pl.String}),
    ]
    write_all(tmp_path / name, frames)
    read = pl.read_csv if name.endswith("csv") else pl.read_parquet
    assert_frame_equal(read(tmp_path / name), pl.concat(frames))
    broken = [frames[0], pl.DataFrame({"a": [object()]})]
    with pytest.raises((pl.exceptions.PolarsError, ValueError)):
        write_all(tmp_path / name, broken)
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert_frame_equal(read(tmp_path / name), pl.concat(frames))


def test_only_files_that_can_be_written_are_named(tmp_path):
    with pytest.raises(UserError, match=r"out\.xlsx"):
        check_output(tmp_path / "out.xlsx", tmp_path / "rows.csv")


@pytest.mark.parametrize("scores", [np.array([0.25, 1e-7, 0.1 + 0.2]), np.array([[0.5, 0.5], [1.0, 0.0], [math.nan, math.inf]])])
def test_a_logged_row_says_what_a_record_says(scores):
    given = pl.DataFrame({"s": ['q"\n', None, "ä"], "t": [NOW, None, NOW.replace(microsecond=0)], "f": [math.nan, 1e16, -0.0]})
    features = pl.DataFrame(
        {"f": [math.inf, None, 0.1], "d": [timedelta(hours=1), None, timedelta(0)], "b": [True, None, False], "i": [2**60, 0, None]}
    )
    decisions = pl.Series([True, False, True]) if scores.ndim == 1 else pl.Series(["a", 'b"', "a"])
    asked_at = pl.Series([NOW, None, NOW])
    answered = AnsweredFrame(["p1", "p2", "p3"], "late", "3", asked_at, given, features, scores, decisions)
    rows = log_rows(answered, "file", NOW).to_dicts()
    for place, row in enumerate(rows):
        record = PredictionRecord(
            id=f"p{place + 1}",
            moment=NOW,
            as_of=asked_at[place] or NOW,
            model="late",
            version="3",
            inputs=given.row(place, named=True),
            features=features.row(place, named=True),
            scores=tuple(np.atleast_1d(scores[place]).tolist()),
            decision=decisions[place],
            seconds=0.0,
        )
        assert json.loads(row["inputs"]) == json.loads(record.inputs_json())
        assert json.loads(row["features"]) == json.loads(record.features_json())
        assert str(json.loads(row["scores"])) == str(list(record.scores))
        assert json.loads(row["decision"]) == record.decision
        assert (row["id"], row["moment"], row["as_of"], row["seconds"]) == (record.id, NOW, record.as_of, 0.0)


def test_a_regression_decides_nothing_and_no_columns_are_an_empty_object():
    none = pl.DataFrame({"f": [1.0]})
    answered = AnsweredFrame(["p1"], "m", "1", pl.Series([None], dtype=pl.Datetime("us", "UTC")), none, none, np.array([2.5]), None)
    row = log_rows(answered, "file", NOW).row(0, named=True)
    assert (row["decision"], row["scores"], row["as_of"]) == ("null", "[2.5]", NOW)
    assert frame_json(pl.DataFrame(height=2)).to_list() == ["{}", "{}"]


def test_answers_do_not_take_the_place_of_the_rows_that_they_answer(tmp_path):
    """By whatever name the file is called."""
    rows = tmp_path / "rows.csv"
    rows.write_text("a\n1\n")
    (tmp_path / "link.csv").symlink_to(rows)
    with pytest.raises(UserError, match="the file of rows itself"):
        check_output(tmp_path / "link.csv", rows)
