"""What the lake must do at every place. A test class inherits `LakeConformance` and gives the fixture `at`.

`at` is an empty place, a new one for each test: its URL, and the options that its store wants.
"""

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl
import pytest
from obstore.store import ObjectStore

from headrace.core.object_stores import FileLost
from headrace.core.storage import named_fault
from headrace.lake.errors import AppendMoved, SchemaConflict, UnknownBlob, UnknownTable
from headrace.lake.lake import Lake
from headrace.lake.place import place
from headrace.lake.presence import Presence
from headrace.lake.tables import NEVER, Once

WRITERS, APPENDS = 8, 5
SECONDS = 300
"""How long the writers of a test may take together, on a machine that has much to do."""
ROWS = pl.DataFrame(
    {"yes": [True, None], "count": [2**62, None], "share": [0.1 + 0.2, None], "word": ["é,\n'", None],
     "at": [datetime(2013, 1, 1, 0, 0, 0, 1, tzinfo=UTC), None]},
    schema_overrides={"at": pl.Datetime("us", "UTC")},
)  # fmt: skip

_PREPARE = """
import json, sys
import polars as pl

from headrace.lake.lake import Lake

url, options, number, times = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
lake = Lake(url, "shop", options)
print("ready", flush=True)
sys.stdin.readline()
"""
_APPENDS = f"""{_PREPARE}
for turn in range(times):
    lake.tables.write("log", pl.DataFrame({{"writer": [number], "turn": [turn]}}), "append")
"""
_OVERWRITES = f"""{_PREPARE}
for turn in range(times):
    lake.tables.write("state", pl.DataFrame({{"writer": [number] * 100, "turn": [turn] * 100}}))
"""
_ONCE = f"""{_PREPARE}
from headrace.lake.tables import Once

for turn in range(times):
    lake.tables.write("log", pl.DataFrame({{"turn": [turn]}}), "append", once=Once("all", turn))
    lake.tables.write("log", pl.DataFrame({{"turn": [-1 - number]}}), "append", once=Once(f"writer {{number}}", turn))
"""
_PUTS = f"""{_PREPARE}
for turn in range(times):
    lake.blobs.put(b"blob %d" % turn * 1000)
"""


class At(NamedTuple):
    """A place, and what its store wants to know."""

    url: str
    options: dict[str, str]

    def lake(self) -> Lake:
        """Open the lake afresh."""
        return Lake(self.url, "shop", self.options)

    def race(self, program: str) -> None:
        """Run a program in so many processes that begin at the same moment."""
        arguments = [self.url, json.dumps(self.options)]
        started = [
            subprocess.Popen(  # noqa: S603  programs of this module
                [sys.executable, "-c", program, *arguments, str(number), str(APPENDS)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for number in range(WRITERS)
        ]  # fmt: skip
        for each in started:
            assert each.stdout is not None
            each.stdout.readline()
        for each in started:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in started:
            _, said = each.communicate(timeout=SECONDS)
            assert each.returncode == 0, said


def _added(store: ObjectStore, version: int) -> str:
    """Return the file that a commit of a table added."""
    actions = map(json.loads, bytes(store.get(f"_delta_log/{version:020d}.json").bytes()).splitlines())
    (path,) = [action["add"]["path"] for action in actions if "add" in action]
    return str(path)


class LakeConformance:
    """The contract of `headrace.lake`: tables, blobs, and what is there, point by point."""

    @pytest.fixture
    def lake(self, at: At) -> Lake:
        """A lake at the place."""
        return at.lake()

    def test_values_come_back_as_they_went_in(self, lake: Lake) -> None:
        """Of every type, and null."""
        lake.tables.write("sales", ROWS)
        assert lake.tables.scan("sales").collect().equals(ROWS)

    def test_versions_count_up_and_old_ones_are_still_read(self, at: At, lake: Lake) -> None:
        """By whoever opens the lake next, too."""
        first = lake.tables.write("sales", pl.DataFrame({"a": [1, 2]}))
        second = lake.tables.write("sales", pl.DataFrame({"b": ["x"]}))
        third = lake.tables.write("sales", pl.DataFrame({"b": ["y"]}), "append")
        assert [(each.version, each.rows) for each in (first, second, third)] == [(0, 2), (1, 1), (2, 2)]
        other = at.lake()
        assert other.tables.version("sales") == 2
        assert other.tables.scan("sales", 0).collect().to_dict(as_series=False) == {"a": [1, 2]}
        assert sorted(other.tables.scan("sales").collect()["b"]) == ["x", "y"]
        assert [other.tables.exists("sales", version) for version in (-1, 0, 2, 3)] == [False, True, True, False]

    def test_a_table_of_many_rows_keeps_their_order(self, lake: Lake) -> None:
        """Over several groups of rows."""
        lake.tables.write("sales", pl.LazyFrame({"a": range(300_000)}))
        assert lake.tables.scan("sales").collect()["a"].to_list() == list(range(300_000))

    def test_what_is_not_there_is_said_so(self, lake: Lake) -> None:
        """And is no fault of the store."""
        assert lake.tables.version("sales") is None
        assert not lake.tables.exists("sales", 0)
        with pytest.raises(UnknownTable):
            lake.tables.scan("sales")
        lake.tables.write("sales", pl.DataFrame({"a": [1]}))
        with pytest.raises(UnknownTable, match="no version 7"):
            lake.tables.scan("sales", 7)
        assert not lake.blobs.exists("ab" * 32)
        with pytest.raises(UnknownBlob):
            lake.blobs.get("ab" * 32)

    def test_an_append_with_other_columns_is_refused(self, lake: Lake) -> None:
        """Nothing is written."""
        lake.tables.write("sales", pl.DataFrame({"a": [1]}))
        with pytest.raises(SchemaConflict):
            lake.tables.write("sales", pl.DataFrame({"b": [1]}), "append")
        assert lake.tables.version("sales") == 0

    def test_who_appends_again_meets_what_others_did_meanwhile(self, at: At, lake: Lake) -> None:
        """Their rows, their columns, and that they removed the table."""
        first, other = pl.DataFrame({"a": [1]}), at.lake()
        lake.tables.write("log", first, "append")
        other.tables.write("log", pl.DataFrame({"a": [2]}), "append")
        third = lake.tables.write("log", pl.DataFrame({"a": [3]}), "append")
        assert (third.version, third.rows, sorted(other.tables.scan("log").collect()["a"])) == (2, 3, [1, 2, 3])
        other.tables.write("log", pl.DataFrame({"b": [4]}))
        with pytest.raises(SchemaConflict):
            lake.tables.write("log", first, "append")
        other.tables.write("log", first)
        lake.tables.write("log", first, "append")
        store = place(at.url, at.options).child("lake", "shop", "log").store()
        store.delete([str(meta["path"]) for several in store.list() for meta in several])
        assert lake.tables.write("log", first, "append").version == 0
        assert lake.tables.scan("log").collect().rows() == [(1,)]

    def test_what_is_appended_once_is_not_appended_again(self, at: At, lake: Lake) -> None:
        """By the same lake or by one that is opened afresh; an app's numbers are its own, and no number lets older ones in."""
        assert lake.tables.appended("log", "one") is None
        first = lake.tables.write("log", pl.DataFrame({"a": [1]}), "append", once=Once("one", 10))
        assert at.lake().tables.write("log", pl.DataFrame({"a": [2]}), "append", once=Once("one", 10)) == first
        second = lake.tables.write("log", pl.DataFrame({"a": [3]}), "append", once=Once("two", 5))
        for number in (9, 10):
            assert lake.tables.write("log", pl.DataFrame({"a": [4]}), "append", once=Once("one", number)) == second
        lake.upkeep("log").compact(2)
        assert at.lake().tables.write("log", pl.DataFrame({"a": [5]}), "append", once=Once("one", 10)).rows == 2
        lake.tables.write("log", pl.DataFrame({"a": [6]}), "append", once=Once("one", 11))
        assert sorted(lake.tables.scan("log").collect()["a"]) == [1, 3, 6]
        assert [at.lake().tables.appended("log", app) for app in ("one", "two", "three")] == [11, 5, None]

    def test_what_is_appended_once_may_name_what_it_comes_after(self, at: At, lake: Lake) -> None:
        """So that of two who took the same rows for theirs one is refused, and nothing of it is left."""

        def append(value: int, number: int, after: int) -> int:
            return at.lake().tables.write("log", pl.DataFrame({"a": [value]}), "append", once=Once("one", number, after)).version

        with pytest.raises(AppendMoved, match="its last number is None"):
            append(0, 10, 5)
        assert (append(1, 10, NEVER), append(2, 15, 10), append(3, 15, 10)) == (0, 1, 1)
        for number, after in ((20, NEVER), (20, 10), (12, 10)):
            with pytest.raises(AppendMoved, match="its last number is 15"):
                append(4, number, after)
        assert sorted(lake.tables.scan("log").collect()["a"]) == [1, 2]
        store = place(at.url, at.options).child("lake", "shop", "log").store()
        assert sum(str(meta["path"]).endswith(".parquet") for several in store.list() for meta in several) == 2

    def test_no_rows_may_be_appended_once(self, lake: Lake) -> None:
        """The table then has the number, and nothing else."""
        none = pl.DataFrame(schema={"a": pl.Int64})
        assert lake.tables.write("log", none, "append", once=Once("one", 10, NEVER)).rows == 0
        assert lake.tables.write("log", none, "append", once=Once("one", 11, 10)).version == 1
        assert (lake.tables.appended("log", "one"), lake.tables.scan("log").collect().rows()) == (11, [])

    def test_processes_that_append_the_same_once_append_it_once(self, at: At, lake: Lake) -> None:
        """Whoever is first, and though each of them is disturbed by what the others append."""
        at.race(_ONCE)
        kept = sorted(lake.tables.scan("log").collect()["turn"])
        own = sorted(-1 - writer for writer in range(WRITERS) for _ in range(APPENDS))
        assert [turn for turn in kept if turn < 0] == own
        assert [turn for turn in kept if turn >= 0] == sorted(set(kept) - set(own))
        assert max(kept) == APPENDS - 1

    @pytest.mark.parametrize("data", [b"", b"abc", bytes(range(256)) * 40_000])
    def test_bytes_are_kept_under_their_hash(self, at: At, lake: Lake, data: bytes) -> None:
        """None, some and ten megabytes; putting them again changes nothing."""
        sha256 = hashlib.sha256(data).hexdigest()
        assert lake.blobs.put(data) == lake.blobs.put(data) == sha256
        assert at.lake().blobs.get(sha256) == data
        assert lake.blobs.exists(sha256)

    def test_presence_tells_what_is_kept(self, at: At, lake: Lake) -> None:
        """Before and after, for tables of one part and of two."""
        presence = Presence(at.url, "shop", at.options)
        sha256 = hashlib.sha256(b"abc").hexdigest()
        assert not presence.blob(sha256)
        assert not presence.table("sales", 0)
        lake.blobs.put(b"abc")
        lake.tables.write("sales", pl.DataFrame({"a": [1]}))
        lake.tables.write("sales/quarantine", pl.DataFrame({"a": [1]}))
        assert presence.blob(sha256)
        assert [presence.table("sales", version) for version in (0, 1)] == [True, False]
        assert presence.table("sales/quarantine", 0)

    def test_a_version_that_lost_a_file_or_a_part_of_one_is_not_kept(self, at: At, lake: Lake) -> None:
        """Others are, and what is written anew is."""
        presence, store = Presence(at.url, "shop", at.options), place(at.url, at.options).child("lake", "shop", "sales").store()
        for number in range(3):
            lake.tables.write("sales", pl.DataFrame({"a": [number]}))
        first, second, third = (_added(store, version) for version in range(3))
        store.delete(first)
        store.put(second, bytes(store.get(second).bytes())[:-1])
        assert [presence.table("sales", version) for version in range(3)] == [False, False, True]
        with pytest.raises(FileNotFoundError) as lost:
            lake.tables.scan("sales", 0).collect()
        assert third not in str(lost.value)
        fault = named_fault(lost.value)
        assert isinstance(fault, FileLost)
        assert f"the table at {at.url}/lake/shop/sales has lost its file {first}" in str(fault)

    @pytest.mark.parametrize("damage", [b"", b"\0" * 300, b'{"add":', b"\x80 no text"])
    def test_a_version_whose_commit_is_damaged_is_not_kept(self, at: At, lake: Lake, damage: bytes) -> None:
        """Whatever the disk made of it."""
        lake.tables.write("sales", pl.DataFrame({"a": [1]}))
        place(at.url, at.options).child("lake", "shop", "sales").store().put(f"_delta_log/{0:020d}.json", damage)
        assert not Presence(at.url, "shop", at.options).table("sales", 0)

    def test_projects_do_not_meet(self, at: At, lake: Lake) -> None:
        """But for blobs, which are the same bytes for everybody."""
        lake.tables.write("sales", pl.DataFrame({"a": [1]}))
        other = Lake(at.url, "other", at.options)
        assert other.tables.version("sales") is None
        assert other.blobs.exists(lake.blobs.put(b"abc"))

    def test_processes_that_append_at_once_lose_nothing(self, at: At, lake: Lake) -> None:
        """Not even when none of them finds the table there: each row of each writer is kept, once."""
        at.race(_APPENDS)
        kept = lake.tables.scan("log").collect().sort("writer", "turn")
        assert kept.rows() == [(writer, turn) for writer in range(WRITERS) for turn in range(APPENDS)]
        assert lake.tables.version("log") == WRITERS * APPENDS - 1

    def test_processes_that_overwrite_at_once_leave_whole_versions(self, at: At, lake: Lake) -> None:
        """Each version is what one of them wrote, and each of them is there."""
        at.race(_OVERWRITES)
        newest = lake.tables.version("state")
        assert newest == WRITERS * APPENDS - 1
        seen = [set(lake.tables.scan("state", version).collect().rows()) for version in range(newest + 1)]
        assert all(len(rows) == 1 for rows in seen)
        assert sorted(row for rows in seen for row in rows) == [(writer, turn) for writer in range(WRITERS) for turn in range(APPENDS)]
        assert lake.tables.scan("state").collect().height == 100

    def test_processes_that_put_the_same_bytes_at_once_keep_them_whole(self, at: At, lake: Lake) -> None:
        """Whoever is first."""
        at.race(_PUTS)
        for turn in range(APPENDS):
            data = b"blob %d" % turn * 1000
            assert lake.blobs.get(hashlib.sha256(data).hexdigest()) == data
