"""Lookups in tasks give what they give at once: the same bytes."""

import pytest

from headrace.engine.executor import Here
from headrace.expressions import col, udf
from headrace.features.bucketed import lookup_frames
from headrace.features.frames import Bounds
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.features.plan import FeaturePlan
from headrace.features.scattered import Scattered, Told, scattered_lookups
from headrace.features.scattered_rows import Assembly, scattered_assembly
from headrace.features.shared import Rows, Shared
from headrace.lake.frames import bytes_frame, frame_bytes
from headrace.lake.reference import LakeReference
from headrace.spec.features import Features, latest, window

from .test_bucketed import SALES, TYPES, plan, sales

LIMITS = [(100_000, 300, 0), (300, 100, 0), (300, 100, 100_000), (200, 50, 0), (250, 125, 0)]


def doubled(amount: float | None) -> float | None:
    return None if amount is None else amount * 2


@pytest.fixture
def shared(tmp_path):
    return Shared(LakeReference(str(tmp_path), "shop"), "scratch")


def in_tasks(planned, shared, rows, limits, heard=lambda done, total: None):
    at_once, frame, few = limits
    lake = shared.lake.lake()
    table = Rows("sales", lake.tables.write("sales", rows).version)
    bounds, slots = {"rows_at_once": at_once, "frame_rows": frame, "few_rows": few}, tuple(lookup.slot for lookup in planned.lookups)
    what, kept = Scattered(plan=planned, slots=slots, spine=table, table=table, shared=shared, **bounds), {}
    for some in scattered_lookups(Here(), what, heard):
        for slot, each in some.items():
            kept.setdefault(slot, []).append(each)
    return kept


def local(planned, rows, bounds):
    """The frames of each lookup's values, as one process gives them."""
    found = {}
    for frame in lookup_frames(planned, planned.lookups, rows, rows, bounds):
        for values in frame:
            found.setdefault(values.name, []).append(values)
    return found


@pytest.mark.parametrize("shops", [1, 500])
@pytest.mark.parametrize("limits", LIMITS)
def test_the_blobs_are_those_of_the_local_way(tmp_path, shared, shops, limits):
    rows, planned, blobs = sales(600, shops), plan(), shared.lake.lake().blobs
    kept, here = in_tasks(planned, shared, rows, limits), local(planned, rows, Bounds(tmp_path, *limits))
    assert set(kept) == set(here) == {lookup.slot for lookup in planned.lookups}
    for slot, frames in here.items():
        assert [frame_bytes(values.alias("value").to_frame()) for values in frames] == [blobs.get(each.name) for each in kept[slot]]
        assert [(len(values), values.null_count()) for values in frames] == [(each.rows, each.missing) for each in kept[slot]]


@pytest.mark.parametrize("limits", [(100_000, 300, 0), (5, 300, 0)])
def test_no_rows_give_one_empty_frame(shared, limits):
    kept = in_tasks(plan(), shared, sales(10, 1).clear(), limits)
    assert [[each.rows for each in frames] for frames in kept.values()] == [[0]] * len(plan().lookups)


@pytest.mark.parametrize("limits", LIMITS[:2])
def test_a_function_of_the_users_own_is_called_here_alone(tmp_path, shared, limits):
    values = {
        "sum": window(SALES, udf(doubled, "float", col("amount")).sum(), by="shop", over="3h"),
        "note": latest(SALES, udf(doubled, "float", col("amount")), by="shop"),
    }
    planned = FeaturePlan.build(Features(spine=SALES, given=["shop", "time"], as_of=col("time"), values=values), TYPES, {"sales": TYPES})
    rows, blobs = sales(600, 3), shared.lake.lake().blobs
    kept = in_tasks(planned, shared, rows, limits)
    for slot, frames in local(planned, rows, Bounds(tmp_path, *limits)).items():
        assert [series.to_list() for series in frames] == [bytes_frame(blobs.get(each.name))["value"].to_list() for each in kept[slot]]


def test_tasks_assemble_what_the_frames_give(tmp_path, shared):
    rows, planned = sales(600, 3), plan()
    kept = in_tasks(planned, shared, rows, LIMITS[3])
    columns = {slot: [each.name for each in frames] for slot, frames in kept.items()}
    what = Assembly(plan=planned, spine=Rows("sales", 0), rows=600, shared=shared, columns=columns, table="features/m", frame_rows=50)
    told = []
    written = scattered_assembly(Here(), what, lambda done, total: told.append((done, total)))
    assert (written.rows, written.version, told[-1]) == (600, 0, (2, 3))
    found = shared.lake.lake().tables.scan("features/m", 0).collect()
    assert found[ARRIVAL_COLUMN].to_list() == list(range(600))
    for feature, slot in {"orders": "lookup_0", "note": "lookup_3"}.items():
        assert found[feature].to_list() == [v for n in columns[slot] for v in bytes_frame(shared.lake.lake().blobs.get(n))["value"]]
    assert scattered_assembly(Here(), what, lambda done, total: None).version == 1


def test_progress_counts_every_task(shared):
    told = []
    in_tasks(plan(), shared, sales(600, 3), (300, 100, 0), lambda done, total: told.append((done, total)))
    assert max(done for done, _ in told) == max(total for _, total in told) - 1


def test_what_hears_may_stop_the_work(shared):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Told(stop).each(Here(), doubled, [1.0]))


def test_the_words_of_a_lake_hold_no_secret(tmp_path):
    lake = LakeReference(str(tmp_path), "shop", (("secret_access_key", "hush-hush"),), ("hush-hush",))
    assert "hush" not in repr(Shared(lake, "x"))
    with pytest.raises(ValueError, match=r"the key \*\*\*"), Shared(lake, "x").opened():
        raise ValueError("the key hush-hush")
