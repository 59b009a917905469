"""Messages put together and cut off: no row is lost, none comes twice, and what does not belong together stays apart."""

import polars as pl

from headrace.app.streaming.gathering import beyond, gathered
from headrace.ingest.stream.messages import Messages, Position, arrivals_of, failures_of


def messages(partition: int, first: int, last: int, column: str = "x") -> Messages:
    """Return messages of the offsets from first to before last, one row each; every third offset could not be read."""
    offsets = [offset for offset in range(first, last) if offset % 3]
    others = pl.Series([offset for offset in range(first, last) if not offset % 3], dtype=pl.Int64)
    return Messages(
        "topic",
        partition,
        Position(first),
        Position(last),
        pl.DataFrame({column: offsets}, schema={column: pl.Int64}),
        arrivals_of(partition, pl.Series("_arrival", offsets, dtype=pl.Int64)),
        failures_of([(arrival, "no JSON", "?") for arrival in arrivals_of(partition, others)]),
    )


def test_messages_that_follow_one_another_become_one_partition_by_partition():
    several = [messages(0, 0, 4), messages(1, 7, 9), messages(0, 4, 9), messages(1, 9, 10)]
    found = gathered(several, 1000)
    assert [(each.partition, each.first.offset, each.next.offset) for each in found] == [(0, 0, 9), (1, 7, 10)]
    whole = messages(0, 0, 9)
    assert found[0].frame.equals(whole.frame)
    assert found[0].arrivals.equals(whole.arrivals)
    assert found[0].failures.equals(whole.failures)


def test_what_is_too_much_has_other_columns_or_goes_back_stays_apart():
    assert [each.next.offset for each in gathered([messages(0, 0, 90), messages(0, 90, 180), messages(0, 180, 200)], 80)] == [90, 200]
    assert len(gathered([messages(0, 0, 4), messages(0, 4, 9, column="y")], 1000)) == 2
    assert len(gathered([messages(0, 0, 9), messages(0, 4, 9)], 1000)) == 2


def test_messages_that_were_taken_already_are_cut_off():
    several = messages(2, 0, 12)
    assert beyond(several, 0) is several
    rest, whole = beyond(several, 5), messages(2, 5, 12)
    assert (rest.first, rest.next) == (whole.first, whole.next)
    assert rest.frame.equals(whole.frame)
    assert rest.arrivals.equals(whole.arrivals)
    assert rest.failures.equals(whole.failures)
