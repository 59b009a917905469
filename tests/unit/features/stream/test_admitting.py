"""Late rows and those that came before, told by a partition's own order."""

from datetime import UTC, datetime, timedelta

import polars as pl

from headrace.features.stream.admitting import Ids, PartitionState, Rules, sort_out
from headrace.spec.sources import File
from headrace.spec.streams import Replay
from headrace.spec.tables import Events

NOON = datetime(2013, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = pl.Datetime("us", "UTC")
SOURCE = Replay(File("t.csv"), lateness=2 * HOUR, remember=3 * HOUR)
RULES = Rules.of(Events("t", source=SOURCE, id="name", time="at", known={"y": "seen"}), SOURCE)


def rows(*given):
    """Rows of (name, hours of `at`, hours of `seen`)."""
    moments = [[None if hours is None else NOON + hours * HOUR for hours in each[1:]] for each in given]
    schema = {"name": pl.String, "at": MOMENT, "seen": MOMENT}
    return pl.DataFrame([(each[0], *both) for each, both in zip(given, moments, strict=True)], schema=schema, orient="row")


def names(found):
    return [frame["name"].to_list() for frame in (found.accepted, found.late, found.duplicates)]


def test_a_row_belongs_to_the_earliest_moment_and_is_late_before_the_watermark():
    given = rows(("a", 5, 9), ("on the edge", 3, 9), ("b", 2, 9), ("known early", None, 7), ("c", 4, 9), ("never", None, None))
    assert names(sort_out(given, PartitionState(), RULES)) == [["a", "on the edge", "known early", "never"], ["b", "c"], []]


def test_the_first_of_an_id_stays_as_long_as_it_is_remembered():
    given = rows(("a", 0, 0), ("a", 1, 1), ("b", 5, 5), ("a", 5, 5), ("c", 6, 6), ("a", 5, 5), ("a", 5, 5), (None, 5, 5), (None, 5, 5))
    found = sort_out(given, PartitionState(), RULES)
    assert names(found) == [["a", "b", "c", "a", None, None], [], ["a", "a", "a"]]


def test_a_late_row_that_was_accepted_before_is_a_duplicate_and_a_late_one_is_not_remembered():
    given = rows(("a", 3, 3), ("b", 6, 6), ("a", 3, 3), ("c", 1, 1), ("c", 5, 5))
    assert names(sort_out(given, PartitionState(), RULES)) == [["a", "b", "c"], ["c"], ["a"]]


def test_what_is_remembered_outlives_the_process_and_the_cut():
    given = rows(*[(f"n{number % 40}", number / 10, number / 10) for number in range(200)])
    whole = sort_out(given, PartitionState(), RULES)
    state, chunks, accepted = PartitionState(), [], []
    for start in range(0, 200, 7):
        found = sort_out(given[start : start + 7], state, RULES)
        accepted += found.accepted.rows()
        chunks.append(found.ids.to_bytes())
        state = PartitionState(found.state.newest_us)
        for chunk in chunks:
            state = state.remember(Ids.from_bytes(chunk), RULES)
    assert accepted == whole.accepted.rows()
    assert 40 < len(accepted) < 200


def test_ids_that_are_long_past_are_let_go():
    state = PartitionState()
    for day in range(60):
        state = sort_out(rows(*[(f"{day} {number}", 24 * day, 24 * day) for number in range(10)]), state, RULES).state
    assert sum(len(run.hashes) for run in state.ids) < 100


def test_a_run_of_ids_is_no_larger_than_a_commit_should_be(monkeypatch):
    monkeypatch.setattr("headrace.features.stream.admitting.MOST_IDS", 100)
    state = PartitionState()
    for minute in range(100):
        state = sort_out(rows(*[(f"{minute} {number}", minute / 60, minute / 60) for number in range(10)]), state, RULES).state
    assert max(len(run.hashes) for run in state.ids) <= 100
    assert sum(len(run.hashes) for run in state.ids) == 1000
    again = sort_out(rows(("7 3", 99 / 60, 99 / 60), ("new", 99 / 60, 99 / 60), ("99 9", 99 / 60, 99 / 60)), state, RULES)
    assert names(again) == [["new"], [], ["7 3", "99 9"]]
    assert len(sort_out(rows(("much later", 48, 48)), state, RULES).state.ids) == 1, "what is long past is let go, however large"


def test_a_watermark_is_a_moment_however_late_rows_may_be():
    rules = RULES._replace(lateness_us=timedelta(days=3_000_000) // timedelta(microseconds=1))
    found = sort_out(rows(("a", 0, 0), ("b", -9999, -9999)), PartitionState(), rules)
    assert names(found) == [["a", "b"], [], []]
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=found.state.watermark_us(rules)) == datetime.min.replace(tzinfo=UTC)


def test_ids_of_several_columns_and_types_are_told_apart():
    rules = RULES._replace(id=("name", "x"))
    given = rows(("a", 0, 0), ("a", 0, 0), ("a", 0, 0), ("a", 0, 0)).with_columns(x=pl.Series([0.0, -0.0, 1.0, None]))
    assert sort_out(given, PartitionState(), rules).duplicates["x"].to_list() == [-0.0]
