"""What freeing bytes must do at every place. A test class inherits `SweepingConformance` and gives the fixture `at`, as for the lake."""

from datetime import UTC, datetime, timedelta

import obstore
import polars as pl
import pytest

from headrace.lake.claims import Claims
from headrace.lake.lake import Lake
from headrace.lake.place import place
from headrace.lake.sweeping import Sweeper
from headrace.testing.lake import At

SOON = timedelta(minutes=5)


def rows(number: int) -> pl.DataFrame:
    """Return rows that tell which version they are of."""
    return pl.DataFrame({"version": [number] * 100})


def stored(at: At) -> dict[str, int]:
    """Return the size of every file at a place, its name by its path."""
    store = place(at.url, at.options).store()
    return {meta["path"]: meta["size"] for several in obstore.list(store) for meta in several}


class SweepingConformance:
    """The contract of `headrace.lake.sweeping.Sweeper` and of upkeep, point by point."""

    @pytest.fixture
    def lake(self, at: At) -> Lake:
        """A lake with five versions of a table."""
        lake = at.lake()
        for number in range(5):
            lake.tables.write("orders/quarantine", rows(number))
        return lake

    @pytest.fixture
    def sweeper(self, at: At) -> Sweeper:
        """Its sweeper."""
        return Sweeper(at.url, "shop", at.options)

    def test_needed_versions_stay_and_the_bytes_of_the_others_are_freed(self, at: At, lake: Lake, sweeper: Sweeper) -> None:
        before = stored(at)
        found = sweeper.files("orders/quarantine", [1, 4], datetime.now(UTC) - SOON)
        assert sweeper.tables() == ("orders/quarantine",)
        assert not found.stale
        assert not found.left
        sweeper.remove_files(found.name, found.free)
        after = stored(at)
        assert sum(before.values()) - sum(after.values()) == sum(kept.size_bytes for kept in found.free) > 0
        assert len(before) - len(after) == 3
        for number in (1, 4):
            assert lake.tables.scan("orders/quarantine", number).collect()["version"].to_list() == [number] * 100
        again = sweeper.files("orders/quarantine", [1, 4], datetime.now(UTC) - SOON)
        assert again.free == ()

    def test_a_head_that_is_not_needed_is_made_one_that_is(self, lake: Lake, sweeper: Sweeper) -> None:
        found = sweeper.files("orders/quarantine", [2], datetime.now(UTC) - SOON)
        assert found.stale
        sweeper.settle(found.name, [2])
        sweeper.remove_files(found.name, found.free)
        for version in (2, None):
            assert lake.tables.scan("orders/quarantine", version).collect()["version"].to_list() == [2] * 100
        assert not sweeper.files(found.name, [2], datetime.now(UTC)).stale
        assert lake.tables.write("orders/quarantine", rows(6)).version == 6, "no number is used twice"

    def test_a_table_that_nothing_needs_becomes_an_empty_one(self, at: At, lake: Lake, sweeper: Sweeper) -> None:
        found = sweeper.files("orders/quarantine", [], datetime.now(UTC) - SOON)
        sweeper.settle(found.name, [])
        sweeper.remove_files(found.name, found.free)
        assert lake.tables.scan("orders/quarantine").collect().height == 0
        assert not [path for path in stored(at) if path.endswith(".parquet")]
        again = sweeper.files(found.name, [], datetime.now(UTC))
        assert (again.stale, again.free) == (False, ())

    def test_files_that_no_log_names_are_left_alone_until_they_are_old(self, at: At, lake: Lake, sweeper: Sweeper) -> None:
        table = place(at.url, at.options).child("lake", "shop", "orders.quarantine").store()
        table.put("part-00000-written-now.parquet", b"not committed yet")
        versions = [*range(5)]
        assert sweeper.files("orders/quarantine", versions, datetime.now(UTC) - SOON).free == ()
        found = sweeper.files("orders/quarantine", versions, datetime.now(UTC) + SOON)
        assert [kept.path for kept in found.free] == ["part-00000-written-now.parquet"]
        assert found.left == found.free
        sweeper.remove_files(found.name, found.free)
        sweeper.remove_files(found.name, found.free)  # gone is as good
        assert lake.tables.scan("orders/quarantine").collect().height == 100

    def test_blobs_are_listed_with_their_sizes_and_removed(self, lake: Lake, sweeper: Sweeper) -> None:
        names = [lake.blobs.put(b"x" * size) for size in (10, 20)]
        found = sweeper.blobs()
        assert {name: kept.size_bytes for name, kept in found.items()} == {names[0]: 10, names[1]: 20}
        assert all(abs(kept.modified - datetime.now(UTC)) < timedelta(hours=1) for kept in found.values())
        sweeper.remove_blobs([found[names[0]]])
        assert not lake.blobs.exists(names[0])
        assert lake.blobs.get(names[1]) == b"x" * 20
        sweeper.remove_blobs([found[names[0]], found[names[1]]])
        assert not sweeper.blobs()

    def test_a_lake_that_is_empty_has_nothing_to_free(self, at: At) -> None:
        empty = Sweeper(at.url, "nobody", at.options)
        assert (empty.tables(), empty.blobs(), empty.staged(datetime.now(UTC))) == ((), {}, [])
        assert empty.newest("orders") is None

    def test_of_a_table_that_grows_the_newest_version_stays_beside_the_needed_ones(self, at: At, sweeper: Sweeper) -> None:
        """Whatever others have appended since those were put on record."""
        lake = at.lake()
        for number in range(3):
            lake.tables.write("orders", rows(number), "append")
        grown = sweeper.files("orders", [0], datetime.now(UTC) + SOON, growing=True)
        assert (len(grown.needed), grown.free, grown.stale) == (3, (), False)
        alone = sweeper.files("orders", [0], datetime.now(UTC) + SOON)
        assert (len(alone.needed), len(alone.free), alone.stale) == (1, 2, True)

    def test_many_small_files_become_one_and_no_row_is_lost(self, at: At, sweeper: Sweeper) -> None:
        lake = at.lake()
        for number in range(12):
            lake.tables.write("predictions/log", rows(number), "append")
        upkeep = lake.upkeep("predictions/log")
        assert upkeep.small_files() == 12
        assert upkeep.compact(13) is None
        assert upkeep.compact(12) == (12, 1)
        assert sorted(lake.tables.scan("predictions/log").collect()["version"]) == [n for n in range(12) for _ in range(100)]
        assert sweeper.files("predictions/log", (), datetime.now(UTC) - SOON, growing=True).free == (), "somebody may be reading them"
        found = sweeper.files("predictions/log", (), datetime.now(UTC) + SOON, growing=True)
        assert len(found.free) == 12
        assert not found.left
        sweeper.remove_files(found.name, found.free)
        count, size = upkeep.shorten_log(datetime.now(UTC) + SOON)
        assert (count, size > 0) == (12, True)
        assert upkeep.shorten_log(datetime.now(UTC) + SOON) == (0, 0)
        lake.tables.write("predictions/log", rows(12), "append")
        assert lake.tables.scan("predictions/log").collect().height == 1300

    def test_old_rows_are_deleted_and_the_others_stay(self, at: At) -> None:
        lake, start = at.lake(), datetime(2026, 1, 1, tzinfo=UTC)
        assert lake.upkeep("predictions/log").delete_before("moment", start) == 0
        moments = pl.Series("moment", [start + timedelta(microseconds=n) for n in range(10)], dtype=pl.Datetime("us", "UTC"))
        lake.tables.write("predictions/log", moments.to_frame(), "append")
        assert lake.upkeep("predictions/log").delete_before("moment", start + timedelta(microseconds=3)) == 3
        assert lake.tables.scan("predictions/log").collect()["moment"].sort().to_list() == moments[3:].to_list()

    def test_every_ledger_that_uses_a_lake_is_known(self, at: At) -> None:
        claims = Claims(at.url, at.options)
        assert claims.others("one") == frozenset()
        for ledger in ("one", "one", "two"):
            claims.add(ledger)
        assert claims.others("one") == {"two"}
