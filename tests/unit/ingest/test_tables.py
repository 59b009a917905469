import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from headrace.core.errors import SystemFault
from headrace.core.pseudonyms import pseudonymise
from headrace.expressions import DType, col, lit
from headrace.expressions.errors import ExpressionTypeError, UnknownColumn
from headrace.ingest.errors import ColumnProblem, ContractBroken
from headrace.ingest.sources import open_source
from headrace.spec.expectations import between, check, fresh, matches, not_null, one_of, rows, unique
from headrace.spec.sources import Source
from headrace.spec.tables import Pseudonym

from .conftest import KEY, NOW


def counts(found):
    return found.rows_in, found.accepted.height, found.quarantined.height, found.duplicates


def results(found):
    return {each.rule: (each.failed, each.checked) for each in found.results}


def test_types_are_inferred_and_rows_numbered(ingest):
    found = ingest("a,b,c,d,e\n1,1.5,x,2013-01-01,true\n2,NA,,2013-01-02T03:04:05Z,false\n", null_values="NA")

    assert found.types == {
        "a": DType.INT, "b": DType.FLOAT, "c": DType.STRING, "d": DType.DATETIME, "e": DType.BOOL,
        "_arrival": DType.INT, "_ingested": DType.DATETIME,
    }  # fmt: skip
    assert found.accepted.rows() == [
        (1, 1.5, "x", datetime(2013, 1, 1, tzinfo=UTC), True, 0, NOW),
        (2, None, None, datetime(2013, 1, 2, 3, 4, 5, tzinfo=UTC), False, 1, NOW),
    ]
    assert counts(found) == (2, 2, 0, 0)
    assert found.source_types == {name: kind for name, kind in found.types.items() if not name.startswith("_")}
    assert [column.name for column in found.profile.columns] == ["a", "b", "c", "d", "e"]


def test_a_text_that_does_not_fit_the_pinned_type_is_set_aside_with_its_row(ingest):
    first = ingest("a,b\n1,2.5\n")
    found = ingest("a,b\n2,x\nsoon,never\n3,4\n", before=first)

    assert counts(found) == (3, 1, 2, 0)
    assert found.accepted["_arrival"].to_list() == [2]
    assert found.quarantined["_arrival"].to_list() == [0, 1]
    assert found.quarantined["_reason"].to_list() == [
        "column b is 'x', not a number",
        "column a is 'soon', not a whole number; column b is 'never', not a number",
    ]
    assert [json.loads(row) for row in found.quarantined["_row"]] == [{"a": 2, "b": "x"}, {"a": "soon", "b": "never"}]
    assert found.types["a"] is DType.INT
    assert results(found)["types"] == (2, 3)


def test_types_pinned_by_hand_go_before_those_of_the_version_before(ingest):
    first = ingest("a\n1\n")
    found = ingest("a\n1\n", before=first, types={"a": "string"})

    assert found.accepted["a"].to_list() == ["1"]


def test_a_column_without_a_value_is_not_pinned_until_it_has_one(ingest):
    first = ingest("a,b\n1,\n")
    second = ingest("a,b\n1,2\n", before=first)

    assert first.source_types == {"a": DType.INT, "b": DType.NULL}
    assert first.types["b"] is DType.STRING
    assert second.types["b"] is DType.INT


def test_a_header_alone_is_an_empty_table(ingest):
    found = ingest("a,at", id="a", time="at", expect=[not_null("a"), unique("a")])

    assert counts(found) == (0, 0, 0, 0)
    assert found.types["at"] is DType.DATETIME
    assert found.quarantined.columns == ["_arrival", "_ingested", "_reason", "_row"]


def test_a_pinned_column_that_is_gone_is_named_with_the_remedy(ingest):
    first = ingest("a,price\n1,2\n")

    with pytest.raises(ColumnProblem, match=r"no column 'price', which the contract pins as int") as caught:
        ingest("a,prize\n1,2\n", before=first)
    assert "Did you mean 'prize'?" in caught.value.remedy
    found = ingest("a\n1\n", before=first, columns={"price": lit(None).cast("int")})
    assert found.accepted["price"].to_list() == [None]


def test_columns_are_added_and_replaced_in_order(ingest):
    found = ingest("a,b\n1,10\n2,20\n", columns={"a": col("a") * 2, "c": col("a") + col("b"), "d": col("c") > 20})

    assert found.accepted.select("a", "b", "c", "d").rows() == [(2, 10, 12, False), (4, 20, 24, True)]
    assert found.accepted.columns == ["a", "b", "c", "d", "_arrival", "_ingested"]
    assert found.source_types == {"a": DType.INT, "b": DType.INT}


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"columns": {"c": col("nope") + 1}}, UnknownColumn, "nope"),
        ({"columns": {"c": col("word") + 1}}, ExpressionTypeError, r"test_tables.py:\d+"),
        ({"columns": {"c": lit(None)}}, ColumnProblem, "null of no type"),
        ({"columns": {"_row": col("a")}}, ColumnProblem, "keeps for itself"),
        ({"columns": {"c": col("a")}, "types": {"c": "float"}}, ColumnProblem, r"pinned as float, but .* is int"),
        ({"id": "idd"}, ColumnProblem, r"id= of table 'rows' names 'idd'"),
        ({"time": "att"}, ColumnProblem, r"Did you mean 'at'\?"),
        ({"time": "word"}, ColumnProblem, "says when, but is string"),
        ({"time": "at", "known": "word"}, ColumnProblem, "says when, but is string"),
        ({"time": "at", "known": {"wordy": "at"}}, ColumnProblem, r"known= of table 'rows' names 'wordy'"),
        ({"personal": {"words": Pseudonym()}}, ColumnProblem, r"Did you mean 'word'\?"),
        ({"types": {"z": "int"}}, ColumnProblem, "no column 'z'"),
        ({"expect": [not_null("b")]}, ColumnProblem, r"not_null\(b\)"),
        ({"expect": [check("sum", col("a") + 1)]}, ColumnProblem, "is int, not a yes or no"),
        ({"expect": [fresh("1d")]}, ColumnProblem, "has no time"),
    ],
)
def test_a_declaration_that_does_not_fit_the_columns_is_refused_with_its_line(ingest, options, error, said):
    with pytest.raises(error, match=said) as caught:
        ingest("a,word,at\n1,x,2013-01-01\n", **options)
    assert caught.value.location is not None


def test_rows_that_break_a_rule_are_quarantined_with_every_reason(ingest):
    found = ingest(
        "a,b\n1,x\n-1,y\n,z\n-2,\n",
        expect=[
            between("a", 0, 10),
            not_null("b"),
            one_of("b", ["x", "y"]),
            matches("b", "[a-z]"),
            check("odd", col("a") < 0, severity="warn"),
        ],
    )

    assert counts(found) == (4, 1, 3, 0)
    assert found.quarantined["_reason"].to_list() == ["between(a, 0, 10)", "one_of(b, ['x', 'y'])", "between(a, 0, 10); not_null(b)"]
    assert results(found)["odd"] == (1, 4)  # a null passes
    assert not found.results[1].passed


def test_of_rows_with_one_id_the_first_good_one_stays(ingest):
    found = ingest("id,a\n1,-5\n1,10\n1,20\n2,30\n,40\n", id="id", expect=[between("a", 0, 100)])

    assert counts(found) == (5, 2, 2, 1)
    assert found.accepted.select("id", "a").rows() == [(1, 10), (2, 30)]
    assert found.quarantined["_reason"].to_list() == ["between(a, 0, 100)", "id of the id is null"]


def test_unique_keeps_the_first_and_lets_nulls_pass(ingest):
    text = "a,b\n1,x\n1,x\n,x\n,x\n2,x\n"
    found = ingest(text, expect=[unique(["a", "b"])])
    warned = ingest(text, expect=[unique(["a", "b"], severity="warn")])

    assert counts(found) == (5, 4, 1, 0)
    assert found.quarantined["_reason"].to_list() == ["unique(a, b)"]
    assert counts(warned) == (5, 5, 0, 0)
    assert results(warned)["unique(a, b)"] == (1, 5)


def test_time_must_be_there_and_nothing_is_known_before_it(ingest):
    found = ingest(
        "at,seen,settled\n2013-01-02,2013-01-02,2013-01-03\n,2013-01-02,\n2013-01-02,2013-01-01,\n2013-01-02,,2013-01-01\n2013-01-02,,\n",
        time="at",
        known={"*": "seen", "paid": "settled"},
        columns={"paid": lit(1)},
    )

    assert found.accepted["_arrival"].to_list() == [0, 4]  # a null there means never
    assert found.quarantined["_reason"].to_list() == [
        "time at is null",
        "known before time (seen < at)",
        "known before time (settled < at)",
    ]


def test_stop_writes_nothing_and_shows_counts_and_rows(ingest):
    with pytest.raises(ContractBroken, match=r"between\(a, 0, 10\): 2 of 3 rows") as caught:
        ingest("a,who\n1,ann\n-1,bob\n-2,cy\n", expect=[between("a", 0, 10, severity="stop")], personal={"who": Pseudonym()})
    assert '"a":-1' in str(caught.value)
    assert "bob" not in str(caught.value)
    assert caught.value.rules == ("between(a, 0, 10)",)
    with pytest.raises(ContractBroken, match=r"rows\(5, None\): 1 row\."):
        ingest("a\n1\n", expect=[rows(5)])


def test_row_counts_and_freshness_are_of_accepted_rows(ingest):
    text = "at,a\n2025-12-31,1\n2025-12-30,-1\n"
    found = ingest(text, time="at", expect=[rows(1, 1), fresh("2d"), fresh("1h"), between("a", 0, 9)])

    told = {each.rule: (each.passed, each.detail) for each in found.results}
    assert told["rows(1, 1)"] == (True, "1 row")
    assert told["fresh(2d)"] == (True, "the newest row is 1d old")
    assert told["fresh(1h)"] == (False, "the newest row is 1d old")
    empty = ingest("at,a\n", time="at", expect=[fresh("2d")])
    assert empty.results[-1].detail == "no rows"
    with pytest.raises(ContractBroken):
        ingest(text, time="at", expect=[fresh("1h", severity="stop")])


def test_personal_columns_leave_only_as_pseudonyms(ingest):
    found = ingest(
        "who,a\nann,1\nbob,-1\nann,2\n,3\n",
        personal={"who": Pseudonym()},
        expect=[between("a", 0, 10), matches("who", "[a-z]{3}", severity="stop")],
    )

    ann = pseudonymise("ann", KEY)
    assert found.accepted["who"].to_list() == [ann, ann, None]
    assert json.loads(found.quarantined["_row"][0]) == {"who": pseudonymise("bob", KEY), "a": -1}
    assert found.profile.column("who").top[0].value == ann


def test_a_personal_value_of_the_wrong_type_is_not_told(ingest):
    found = ingest(
        "ssn,a\n123,1\nsecret,2\n",
        personal={"number": Pseudonym(), "ssn": Pseudonym()},
        types={"ssn": "int"},
        columns={"number": col("ssn")},
    )

    assert found.quarantined["_reason"].to_list() == [f"column ssn is '{pseudonymise('secret', KEY)}', not a whole number"]
    assert "secret" not in found.quarantined["_row"][0]
    assert found.accepted["number"].to_list() == [pseudonymise("123", KEY)]
    assert found.types["ssn"] is DType.STRING
    assert found.source_types["ssn"] is DType.INT


def test_a_column_that_a_personal_one_is_made_from_does_not_leak_into_the_quarantine(ingest):
    found = ingest("mail,a\nann@x,1\nbob@y,z\n", types={"a": "int"}, personal={"who": Pseudonym()}, columns={"who": col("mail")})

    assert "bob@y" not in found.quarantined["_row"][0]


def test_rows_read_again_keep_their_first_moment(ingest):
    later = NOW + timedelta(days=1)
    options = {"id": "id", "time": "at", "known": "ingested"}
    first = ingest("id,at,a\n1,2025-01-01,5\n2,2025-01-01,6\n", **options)
    again = ingest("id,at,a\n2,2025-01-01,7\n1,2025-01-01,5\n3,2025-01-01,\n", before=first, now=later, **options)

    assert dict(again.accepted.select("id", "_ingested").rows()) == {1: NOW, 2: later, 3: later}
    assert dict(again.accepted.select("id", "_arrival").rows()) == {2: 0, 1: 1, 3: 2}


def test_rows_without_id_are_known_again_by_all_they_hold(ingest):
    later = NOW + timedelta(days=1)
    first = ingest("a,b\n1,\n1,\n2,x\n", personal={"b": Pseudonym()})
    again = ingest("a,b\n1,\n2,y\n2,x\n", before=first, now=later, personal={"b": Pseudonym()}, columns={"c": col("a") + 1})

    assert again.accepted["_ingested"].to_list() == [NOW, later, NOW]


def test_a_changed_id_makes_rows_new(ingest):
    first = ingest("a\n1\n")
    again = ingest("a,b\n1,2\n", before=first, now=NOW + timedelta(days=1), id="b")

    assert again.accepted["_ingested"].to_list() == [NOW + timedelta(days=1)]


def test_future_rows_are_known_before_their_time_when_known_is_the_ingestion(ingest):
    found = ingest("at\n2025-01-01\n2027-01-01\n", time="at", known="ingested")

    assert found.quarantined["_reason"].to_list() == ["known before time (_ingested < at)"]


@pytest.mark.parametrize(
    ("dtype", "odd", "told"),
    [
        (pl.Datetime("us", "UTC"), 253_402_300_800_000_000, "+10000-01-01 00:00:00.000000+00:00"),
        (pl.Datetime("us", "UTC"), 2**63 - 1, str(2**63 - 1)),
        (pl.Datetime("us"), -62_135_596_800_000_001, "0000-12-31 23:59:59.999999"),
        (pl.Datetime("ms", "Asia/Tokyo"), 2**63 - 1, str(2**63 - 1)),
        (pl.Date, 2**31 - 1, str(2**31 - 1)),
    ],
)
def test_a_moment_of_no_year_is_set_aside_as_one_that_stands_for_never(ingest, tmp_path, dtype, odd, told):
    pl.DataFrame({"at": pl.Series([0, odd]).cast(dtype), "x": [1, 2]}).write_parquet(tmp_path / "x.parquet")
    found = ingest((tmp_path / "x.parquet").read_bytes(), name="y.parquet", time="at")
    assert (found.accepted["x"].to_list(), found.quarantined["_reason"].to_list()) == ([1], [f"column at is '{told}', not a datetime"])
    assert json.loads(found.quarantined["_row"][0]) == {"at": told, "x": 2}


def test_quarantined_rows_are_json_whatever_they_hold(ingest, tmp_path):
    frame = pl.DataFrame({"a": [float("nan")], "t": [timedelta(seconds=5)], "s": ['"é\n']})
    frame.write_parquet(tmp_path / "x.parquet")
    found = ingest((tmp_path / "x.parquet").read_bytes(), name="y.parquet", expect=[check("never", lit(False))])

    assert json.loads(found.quarantined["_row"][0])["s"] == '"é\n'


def test_a_count_that_does_not_add_up_is_a_fault(ingest):
    found = ingest("a\n1\n")

    with pytest.raises(SystemFault, match="2 rows came in, but 1 accepted, 0 quarantined and 0 duplicates make 1"):
        replace(found.outcome, rows_in=2)


def test_a_source_that_nothing_reads_is_a_fault(tmp_path):
    with pytest.raises(SystemFault, match="no reader is built for the source Source"):
        open_source(Source(), tmp_path)


def test_a_clock_that_went_back_makes_no_row_known_earlier_than_it_came(ingest):
    options = {"id": "a", "time": "t", "known": "ingested"}
    first = ingest("a,t\n1,2020-01-01T00:00:00Z\n", **options)
    earlier = NOW - timedelta(days=1)
    second = ingest("a,t\n1,2020-01-01T00:00:00Z\n2,2020-01-01T00:00:00Z\n", before=first, now=earlier, **options)
    assert second.accepted["_ingested"].to_list() == [NOW, earlier]
