from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from headrace.core.object_stores import FileLost
from headrace.core.storage import named_fault
from headrace.lake.errors import InvalidTableName, LakeFault, SchemaConflict, UnknownTable
from headrace.lake.lake import Lake
from headrace.lake.place import Place

ALL_TYPES = pl.DataFrame(
    {
        "yes": [True, None],
        "count": [2**62, None],
        "share": [0.5, None],
        "word": ["é", None],
        "at": [datetime(2013, 1, 1, 0, 0, 0, 1, tzinfo=UTC), None],
        "took": [timedelta(days=-1, microseconds=1), None],
    },
    schema_overrides={"at": pl.Datetime("us", "UTC"), "took": pl.Duration("us")},
)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path, "shop")


def test_every_type_comes_back_as_it_went_in(lake):
    lake.tables.write("sales", ALL_TYPES)

    assert lake.tables.scan("sales").collect().equals(ALL_TYPES)


def test_a_table_is_widened_and_whoever_has_it_open_appends_to_the_new_columns(lake, tmp_path):
    narrow = pl.DataFrame({"id": ["a"]})
    lake.tables.widen("log/made", {"id": pl.String()})
    assert lake.tables.version("log/made") is None
    for _ in range(2):
        lake.tables.write("log/made", narrow, "append")
    for _ in range(2):  # the second time there is nothing to do
        Lake(tmp_path, "shop").tables.widen("log/made", {"id": pl.String(), "at": pl.Datetime("us", "UTC")})
    assert lake.tables.version("log/made") == 2
    with pytest.raises(SchemaConflict, match="'at' is missing"):
        lake.tables.write("log/made", narrow, "append")
    at = datetime(2024, 1, 1, tzinfo=UTC)
    lake.tables.write("log/made", narrow.with_columns(at=pl.lit(at)), "append")
    assert sorted(lake.tables.scan("log/made").collect()["at"].to_list(), key=str) == [at, None, None]
    assert lake.tables.scan("log/made", 1).collect().columns == ["id"]
    lake.upkeep("log/made").compact(2)
    assert lake.tables.scan("log/made").collect()["at"].null_count() == 2


def test_a_table_without_rows_keeps_its_columns(lake):
    version = lake.tables.write("sales", ALL_TYPES.clear())

    assert (version.version, version.rows) == (0, 0)
    assert lake.tables.scan("sales").collect().schema == ALL_TYPES.schema


def test_versions_count_up_and_old_ones_are_still_read(lake):
    first = lake.tables.write("sales", pl.DataFrame({"a": [1, 2]}))
    second = lake.tables.write("sales", pl.DataFrame({"b": ["x"]}))

    assert (first.version, first.rows, second.version, second.rows) == (0, 2, 1, 1)
    assert lake.tables.scan("sales", 0).collect().to_dict(as_series=False) == {"a": [1, 2]}
    assert lake.tables.scan("sales").collect().to_dict(as_series=False) == {"b": ["x"]}
    assert lake.tables.version("sales") == 1
    assert [lake.tables.exists("sales", version) for version in (-1, 0, 1, 2)] == [False, True, True, False]


def test_rows_come_back_in_order_from_a_frame_of_many_chunks(lake):
    chunks = pl.concat([pl.DataFrame({"a": range(start, start + 1000)}) for start in range(0, 50_000, 1000)], rechunk=False)

    lake.tables.write("sales", chunks)

    assert lake.tables.scan("sales").collect()["a"].to_list() == list(range(50_000))


def test_size_is_that_of_the_files_at_that_version(lake, tmp_path):
    lake.tables.write("sales", pl.DataFrame({"a": range(1000)}))
    version = lake.tables.write("sales", pl.DataFrame({"a": [1]}))

    (file,) = DeltaTable(lake.tables.location("sales")).file_uris()
    assert version.size_bytes == (tmp_path / "lake/shop/sales" / file.rpartition("/")[2]).stat().st_size


def test_appends_of_several_writers_are_all_kept(lake):
    def append(number):
        return Lake(lake.tables.location("x").removesuffix("/lake/shop/x"), "shop").tables.write(
            "log", pl.DataFrame({"n": [number]}), "append"
        )

    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(append, range(24)))

    assert sorted(version.version for version in versions) == list(range(24))
    assert sorted(version.rows for version in versions) == list(range(1, 25))
    assert sorted(lake.tables.scan("log").collect()["n"]) == list(range(24))


def test_appended_columns_may_come_in_another_order(lake):
    lake.tables.write("sales", ALL_TYPES)
    lake.tables.write("sales", ALL_TYPES.lazy().select(reversed(ALL_TYPES.columns)), "append")

    assert lake.tables.scan("sales").collect().equals(pl.concat([ALL_TYPES, ALL_TYPES]))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.DataFrame({"a": [1]}), "column 'b' is missing"),
        (pl.DataFrame({"a": [1], "b": [1], "c": [1]}), "column 'c' is not one of the table's"),
        (pl.DataFrame({"a": [1.0], "b": [1]}), "column 'a' is Float64, the table's is Int64"),
    ],
)
def test_an_append_with_other_columns_is_refused(lake, frame, said):
    lake.tables.write("sales", pl.DataFrame({"a": [1], "b": [1]}))

    with pytest.raises(SchemaConflict, match=said):
        lake.tables.write("sales", frame, "append")
    assert lake.tables.version("sales") == 0


def test_a_type_that_the_lake_does_not_hold_is_refused(lake):
    with pytest.raises(SchemaConflict, match=r"column 'a' is List\(Int64\)"):
        lake.tables.write("sales", pl.DataFrame({"a": [[1]]}))
    assert lake.tables.version("sales") is None


def test_a_lazy_frame_that_fails_leaves_nothing_behind(lake, tmp_path):
    def fail(frame):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        lake.tables.write("sales", pl.LazyFrame({"a": [1]}).map_batches(fail))
    assert list(tmp_path.rglob("*")) == []


def test_a_table_of_two_parts_lies_beside_the_first_and_not_in_it(lake, tmp_path):
    lake.tables.write("sales", pl.DataFrame({"a": [1]}))
    lake.tables.write("sales/quarantine", pl.DataFrame({"a": [2]}))

    assert sorted(path.name for path in (tmp_path / "lake/shop").iterdir()) == ["sales", "sales.quarantine"]
    assert lake.tables.scan("sales/quarantine").collect()["a"].to_list() == [2]


@pytest.mark.parametrize("name", ["", "../other", "a/b/c", "/a", "a/", "a b", "a.b"])
def test_a_name_that_could_leave_the_lake_is_refused(lake, name):
    with pytest.raises(InvalidTableName, match="cannot be the name of a table"):
        lake.tables.version(name)


def test_what_is_not_there_is_said_so(lake):
    assert lake.tables.version("sales") is None
    assert not lake.tables.exists("sales", 0)
    with pytest.raises(UnknownTable, match="has no table 'sales'"):
        lake.tables.scan("sales")
    lake.tables.write("sales", pl.DataFrame({"a": [1]}))
    with pytest.raises(UnknownTable, match="has no version 7; its newest is 0"):
        lake.tables.scan("sales", 7)


def test_a_log_that_is_damaged_is_a_fault_and_not_a_missing_table(lake, tmp_path):
    lake.tables.write("sales", pl.DataFrame({"a": [1]}))
    (tmp_path / "lake/shop/sales/_delta_log/00000000000000000000.json").write_text("{")

    with pytest.raises(LakeFault, match="could not open the table"):
        lake.tables.scan("sales")


def test_a_place_that_cannot_be_written_is_a_fault(tmp_path):
    (tmp_path / "lake").write_text("a file where the folder should be")

    with pytest.raises(LakeFault, match="could not"):
        Lake(tmp_path, "shop").tables.write("sales", pl.DataFrame({"a": [1]}))


def test_old_versions_are_not_forgotten_after_a_month(lake):
    lake.tables.write("sales", pl.DataFrame({"a": [1]}))

    kept = DeltaTable(lake.tables.location("sales")).metadata().configuration
    assert kept["delta.logRetentionDuration"] == "interval 36500 days"


def test_overwrites_that_collide_are_made_again(lake):
    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(lambda number: lake.tables.write("state", pl.DataFrame({"n": [number]})), range(12)))

    assert sorted(version.version for version in versions) == list(range(12))
    newest = max(versions, key=lambda version: version.version)
    assert lake.tables.scan("state").collect()["n"].to_list() == lake.tables.scan("state", newest.version).collect()["n"].to_list()
    assert lake.tables.scan("state").collect().height == 1


def test_frames_are_written_one_after_the_other_and_read_in_their_order(lake, monkeypatch):
    monkeypatch.setattr("headrace.lake.parts._PART_BYTES", 1000)  # a bound made small
    frames = [
        pl.DataFrame({"n": range(start, start + 100), "took": pl.Series([timedelta(seconds=1)] * 100)}) for start in range(0, 2000, 100)
    ]

    written = lake.tables.write("sales", iter(frames))
    assert (written.version, written.rows) == (0, 2000)
    assert len(DeltaTable(lake.tables.location("sales")).file_uris()) > 9
    assert lake.tables.scan("sales").collect().equals(pl.concat(frames))
    assert lake.tables.scan("sales").collect(engine="streaming")["n"].to_list() == list(range(2000))
    assert lake.tables.write("sales", (frame.clear() for frame in frames[:1])).rows == 0
    assert lake.tables.scan("sales").collect().schema == frames[0].schema


def test_frames_that_fail_leave_no_file_behind(lake, tmp_path, monkeypatch):
    monkeypatch.setattr("headrace.lake.parts._PART_BYTES", 1000)  # a bound made small

    def frames():
        for number in range(10):
            yield pl.DataFrame({"n": range(number, number + 200)})
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        lake.tables.write("sales", frames())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert lake.tables.version("sales") is None


def test_a_table_that_delta_itself_wrote_is_read_and_overwritten(lake):
    location = lake.tables.location("sales")
    first = pl.DataFrame({"n": [3, 1, 2], "at": [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)], "s": ["a", None, "c"]})
    write_deltalake(location, first)
    assert lake.tables.scan("sales").collect().equals(first)
    assert lake.tables.write("sales", first, "append").rows == 6
    assert lake.tables.write("sales", pl.DataFrame({"other": [1.5]})).version == 2
    assert lake.tables.scan("sales").collect().to_dict(as_series=False) == {"other": [1.5]}
    assert lake.tables.scan("sales", 0).collect().equals(first)
    assert pl.read_delta(location).to_dict(as_series=False) == {"other": [1.5]}


def test_a_fault_after_the_commit_is_seen_through(tmp_path, monkeypatch):
    tables = Lake(tmp_path, "p").tables
    tables.write("t", pl.DataFrame({"a": [1]}))
    settle = Place.settle

    def fails_on_the_log(self, path):
        settle(self, path)
        if "_delta_log" in path:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(Place, "settle", fails_on_the_log)  # a disk that fails in this very moment cannot be had
    assert tables.write("t", pl.DataFrame({"a": [2]}), mode="append").version == 1
    monkeypatch.undo()
    assert sorted(tables.scan("t").collect()["a"]) == [1, 2]


@pytest.mark.parametrize("name", ["plain", "with a space", "with (brackets)", "mit Umläuten"])
def test_a_lost_file_is_told_whatever_the_folder_is_called(tmp_path, name):
    tables = Lake(tmp_path / name, "shop").tables
    tables.write("t", pl.DataFrame({"a": [1]}))
    rows = tables.scan("t")
    (part,) = (tmp_path / name).rglob("*.parquet")
    part.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        rows.collect()
    fault = named_fault(caught.value)
    assert isinstance(fault, FileLost), caught.value
    assert f"{name}/lake/shop/t has lost its file {part.name}" in str(fault)
