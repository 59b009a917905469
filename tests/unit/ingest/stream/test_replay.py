"""A source played in the order in which its rows became known."""

import sqlite3
from datetime import timedelta

import polars as pl
import pytest
from tests.unit.ingest.stream.conftest import START, Listening

from headrace.expressions import col
from headrace.ingest.errors import SourceChanged
from headrace.ingest.stream.door import StreamDoor
from headrace.ingest.stream.messages import Position
from headrace.ingest.stream.replay import ReplayFollower
from headrace.spec.custom import Custom
from headrace.spec.folder import Folder
from headrace.spec.sources import File
from headrace.spec.sql import SQL
from headrace.spec.streams import Replay
from headrace.spec.tables import Entity, Events

KEY = b"k" * 32
ROWS = """id,at,seen,delay
a,2026-01-01 00:00:30,2026-01-01 00:10:00,5
b,2026-01-01 00:00:10,2026-01-01 00:20:00,6
c,2026-01-01 00:00:20,,7
d,never,2026-01-01 00:00:01,8
e,2026-01-01 00:00:10,2026-01-01 00:00:05,9
"""


def playing(surroundings, listener=None, source=None, batch_rows=10_000, **options):
    if source is None:
        (surroundings.root / "rows.csv").write_text(ROWS)
        source = Replay(File("rows.csv", timezone="UTC"))
    table = Events("rows", source=source, **({"time": "at", "types": {"at": "datetime"}} | options))
    return ReplayFollower(table, listener or Listening(), surroundings, batch_rows=batch_rows)


def all_of(follower, timeout=0.0):
    found = []
    while not follower.ended:
        found += follower.poll(timeout)
    return found


def ids(messages):
    return [name for each in messages for name in each.frame["id"]]


def test_rows_come_by_the_first_moment_at_which_anything_of_them_is_known(surroundings):
    assert ids(all_of(playing(surroundings))) == ["d", "b", "e", "c", "a"]
    # d has no time, but a moment at which its delay became known; e's is before its time.
    assert ids(all_of(playing(surroundings, known={"delay": "seen"}))) == ["d", "e", "b", "c", "a"]
    assert ids(all_of(playing(surroundings, known="seen"))) == ["c", "d", "e", "a", "b"]
    assert ids(all_of(playing(surroundings, known="ingested"))) == ["d", "b", "e", "c", "a"]


def test_the_order_may_be_made_by_the_tables_own_columns(surroundings):
    (surroundings.root / "days.csv").write_text("id,day,month\na,2,3\nb,1,3\nc,9,2\n")
    made = {"at": (col("month").cast("string") + "/" + col("day").cast("string") + "/2026").parse_datetime("%m/%d/%Y")}
    follower = playing(surroundings, source=Replay(File("days.csv")), columns=made, types={})
    assert ids(all_of(follower)) == ["c", "b", "a"]


def test_positions_are_numbers_in_that_order_and_a_later_start_gives_the_rest(surroundings):
    whole = all_of(playing(surroundings, batch_rows=2))
    assert [(each.first.offset, each.next.offset) for each in whole] == [(0, 2), (2, 4), (4, 5)]
    resumed = all_of(playing(surroundings, Listening(p0=whole[0].next), batch_rows=2))
    assert ids(resumed) == ids(whole)[2:]
    assert [each.arrivals.to_list() for each in resumed] == [each.arrivals.to_list() for each in whole[1:]]
    assert pl.concat([each.arrivals for each in whole]).is_sorted()


def test_a_position_in_other_rows_is_refused(surroundings):
    position = all_of(playing(surroundings))[0].next
    (surroundings.root / "rows.csv").write_text(ROWS + "f,2026-01-01,,1\n")
    follower = playing(surroundings, Listening(p0=position), source=Replay(File("rows.csv", timezone="UTC")))
    with pytest.raises(SourceChanged, match=r"the replay of rows\.csv .* row 5 of other rows was the next; now there are 6"):
        follower.poll(0)
    again = playing(surroundings, Listening(p0=Position(5)), source=Replay(File("rows.csv", timezone="UTC")))
    assert ids(all_of(again)) == ["a"]  # no fingerprint is known: the number alone counts
    with pytest.raises(SourceChanged):
        again.seek({0: Position(9)})
    other_order = playing(surroundings, Listening(p0=position), time="at", known="seen")
    with pytest.raises(SourceChanged):
        other_order.poll(0)


@pytest.mark.parametrize("speed", [1e-300, 1e18, 1e308])
def test_any_speed_is_one(surroundings, waiting, speed):
    (surroundings.root / "rows.csv").write_text(ROWS)
    follower = playing(surroundings, source=Replay(File("rows.csv", timezone="UTC"), speed=speed))
    come = ids(follower.poll(10.0))
    waiting.clock.moment += timedelta(seconds=100)
    come += ids(follower.poll(10.0))
    assert come == (["d", "b", "e"] if speed < 1 else ["d", "b", "e", "c", "a"])


def test_at_a_speed_rows_come_as_time_goes_by(surroundings, waiting):
    (surroundings.root / "paced.csv").write_text("id,at\n" + "".join(f"{n},2020-01-01T00:0{n}:00Z\n" for n in range(5)))
    follower = playing(surroundings, source=Replay(File("paced.csv"), speed=60))
    assert ids(follower.poll(10)) == ["0"]  # a minute of it is a second of ours
    assert ids(follower.poll(0.25)) == []
    assert ids(follower.poll(10)) == ["1"]
    assert waiting.waits == pytest.approx([0.25, 0.75])
    waiting.clock.moment += timedelta(seconds=2)
    assert ids(follower.poll(10)) == ["2", "3"]
    assert follower.lag() == {0: 1}
    assert not follower.ended
    assert ids(follower.poll(10)) == ["4"]
    assert follower.ended
    assert waiting.clock.moment == START + timedelta(seconds=4)


def test_a_clock_that_is_put_back_holds_no_row_back(surroundings, waiting, monkeypatch):
    (surroundings.root / "paced.csv").write_text("id,at\n" + "".join(f"{n},2020-01-01T00:0{n}:00Z\n" for n in range(3)))
    monkeypatch.setattr(waiting.clock, "ticks", lambda: sum(waiting.waits))
    follower = playing(surroundings, source=Replay(File("paced.csv"), speed=60))
    assert ids(follower.poll(10)) == ["0"]
    waiting.clock.moment -= timedelta(days=1)
    assert ids(follower.poll(10)) == ["1"]
    assert waiting.waits == [1]


def test_a_pause_holds_rows_back_and_they_do_not_come_in_one_go(surroundings, waiting):
    (surroundings.root / "paced.csv").write_text("id,at\n" + "".join(f"{n},2020-01-01T00:0{n}:00Z\n" for n in range(5)))
    follower = playing(surroundings, source=Replay(File("paced.csv"), speed=60))
    follower.poll(0)
    follower.pause([0])
    assert follower.poll(100) == []
    follower.resume([0])
    assert ids(follower.poll(0)) == ["1"]
    assert ids(follower.poll(0)) == []


def test_seeking_goes_on_elsewhere(surroundings):
    follower = playing(surroundings)
    (messages,) = all_of(follower)
    follower.seek({0: messages.first})
    assert ids(all_of(follower)) == ids([messages])


def test_who_keeps_positions_is_told(surroundings):
    listener = Listening()
    follower = playing(surroundings, listener)
    assert follower.lag() == {}
    follower.poll(0)
    follower.close()
    follower.close()
    assert listener.told == [("assigned", [0]), ("revoked", [0])]


def test_any_source_that_ends_can_be_played(surroundings):
    root = surroundings.root
    (root / "parts").mkdir()
    (root / "parts" / "1.csv").write_text("id,at\na,2026-01-02\n")
    (root / "parts" / "2.csv").write_text("id,at\nb,2026-01-01\n")
    with sqlite3.connect(root / "shop.db") as shop:
        shop.execute("CREATE TABLE orders AS SELECT 'a' AS id, '2026-01-02' AS at UNION SELECT 'b', '2026-01-01'")
    shop.close()

    def given():
        yield {"id": "a", "at": "2026-01-02"}
        yield {"id": "b", "at": "2026-01-01"}

    for source in (Folder("parts/*.csv"), SQL("sqlite:///shop.db", table="orders"), Custom(given)):
        assert ids(all_of(playing(surroundings, source=Replay(source)))) == ["b", "a"], source


def test_an_empty_source_ends_at_once_and_a_table_without_time_is_played_as_it_lies(surroundings):
    (surroundings.root / "empty.csv").write_text("id,at\n")
    assert all_of(playing(surroundings, source=Replay(File("empty.csv"), speed=1))) in ([], [])
    (surroundings.root / "planes.csv").write_text("id\nz\na\n")
    table = Entity("planes", source=Replay(File("planes.csv")), key="id")
    assert ids(all_of(ReplayFollower(table, Listening(), surroundings))) == ["z", "a"]


def test_what_is_played_is_taken_in_as_the_table_that_is_read_whole(surroundings, ingest):
    whole = ingest(ROWS, time="at", known={"delay": "seen"}, types={"at": "datetime"})
    follower = playing(surroundings, known={"delay": "seen"}, batch_rows=2)
    door = StreamDoor(follower._table, KEY)
    taken = [door.take(each, START) for each in all_of(follower)]
    streamed = pl.concat([each.accepted for each in taken])
    columns = [name for name in whole.accepted.columns if not name.startswith("_")]
    assert streamed.select(columns).sort("id").equals(whole.accepted.select(columns).sort("id"))
    refused = pl.concat([each.quarantined for each in taken]).sort("_row")
    assert refused["_reason"].to_list() == whole.quarantined.sort("_row")["_reason"].to_list()
    assert refused["_row"].to_list() == whole.quarantined.sort("_row")["_row"].to_list()
