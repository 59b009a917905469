"""Tables larger than memory: frames, buckets, and the values that a small table would have given."""

import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from headrace.expressions import DType, col, count
from headrace.features import bucketed
from headrace.features.answering import Prepared
from headrace.features.batch import compute, lookup_column
from headrace.features.bucketed import compute_frames, lookup_frames
from headrace.features.buckets import PLACE, Bucket, BucketWriter, bucket_rows
from headrace.features.errors import MissingTable
from headrace.features.frames import Bounds, framed, reframed
from headrace.features.grouped import alike
from headrace.features.plan import FeaturePlan
from headrace.spec.features import Features, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Entity, Events

START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = {"shop": DType.STRING, "amount": DType.FLOAT, "note": DType.STRING, "time": DType.DATETIME}
SALES = Events("sales", source=File("sales.csv"), time="time")
SHOPS = Entity("shops", source=File("shops.csv"), key="shop")


def sales(rows: int, shops: int) -> pl.LazyFrame:
    rng = random.Random(7)
    return pl.LazyFrame(
        {
            "shop": [
                rng.choice([f"s{rng.randrange(shops)}", None]) if rng.random() < 0.1 else f"s{rng.randrange(shops)}" for _ in range(rows)
            ],
            "amount": [rng.choice([None, rng.gauss(50, 10)]) if rng.random() < 0.1 else rng.gauss(50, 10) for _ in range(rows)],
            "note": [rng.choice(["ä", "b", "", None]) for _ in range(rows)],
            "time": [None if rng.random() < 0.02 else START + timedelta(minutes=rng.randrange(rows)) for _ in range(rows)],
            "_arrival": range(rows),
        },
        schema={"shop": pl.String, "amount": pl.Float64, "note": pl.String, "time": pl.Datetime("us", "UTC"), "_arrival": pl.Int64},
    )


def plan() -> FeaturePlan:
    values = {
        "orders": window(SALES, count(), by="shop", over="3h"),
        "mean": window(SALES, col("amount").mean(), by="shop", over="12h", hop="1h"),
        "notes": window(SALES, col("note").distinct(), by="shop", over="1d"),
        "note": latest(SALES, "note", by="shop", max_age="2h"),
        "twice": col("amount") * 2,
    }
    features = Features(spine=SALES, given=["shop", "time", "amount"], as_of=col("time"), values=values)
    return FeaturePlan.build(features, TYPES, {"sales": TYPES})


@pytest.mark.parametrize("shops", [1, 3, 500])
@pytest.mark.parametrize(("at_once", "frame"), [(300, 100), (1000, 2000), (7000, 999)])
def test_the_values_are_those_of_a_table_in_memory(tmp_path, shops, at_once, frame):
    rows = sales(3000, shops)
    frames = list(compute_frames(plan(), rows, {"sales": rows}, Bounds(tmp_path, at_once, frame)))
    assert [each.height for each in frames] == [frame] * (3000 // frame) + [3000 % frame] * (3000 % frame > 0)
    assert_frame_equal(pl.concat(frames), compute(plan(), rows, {"sales": rows}), rel_tol=1e-12)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("at_once", "together"), [(1000, [5, 1, 3, 1]), (3000, [8, 1, 1])])
def test_lookups_into_one_table_are_answered_together_unless_it_is_parted(tmp_path, monkeypatch, at_once, together):
    values = {f"mean {hours}": window(SALES, col("amount").mean(), by="shop", over=f"{hours}h") for hours in range(1, 6)}
    values |= {"size": latest(SHOPS, "size", by="shop")}
    values |= {f"notes {hours}": window(SALES, count(), by="note", over=f"{hours}h") for hours in range(1, 4)}
    values |= {"newest": latest(SALES, "note", by=["shop", "note"])}
    types = {"sales": TYPES, "shops": {"shop": DType.STRING, "size": DType.INT}}
    planned = FeaturePlan.build(Features(spine=SALES, given=list(TYPES), as_of=col("time"), values=values), TYPES, types)
    rows, shops = sales(2500, 20), pl.LazyFrame({"shop": ["s1"], "size": [3], "_arrival": [0]})
    asked = []
    monkeypatch.setattr(bucketed, "lookup_frames", lambda *each: asked.append(len(each[1])) or lookup_frames(*each))
    tables = {"sales": rows, "shops": shops}
    frames = pl.concat(compute_frames(planned, rows, tables, Bounds(tmp_path, at_once)))
    assert sorted(asked) == sorted(together)
    assert_frame_equal(frames, compute(planned, rows, tables), rel_tol=1e-12)


def test_no_more_buckets_than_the_most_are_open_at_once(tmp_path, monkeypatch):
    """Each is a file, of which a process has some thousand; other steps look up at the same time."""
    opened, open_now = [], 0

    class Watched(BucketWriter):
        def __enter__(self):
            nonlocal open_now
            open_now += self._count
            opened.append(open_now)
            return super().__enter__()

        def __exit__(self, *error):
            nonlocal open_now
            super().__exit__(*error)
            open_now -= self._count

    for name, value in {"MOST": 8, "BucketWriter": Watched}.items():
        monkeypatch.setattr(f"headrace.features.bucketed.{name}", value)
    rows = sales(3000, 500)
    list(lookup_frames(plan(), plan().lookups[:1], rows, rows, Bounds(tmp_path, 1500, 1000)))
    assert opened == [8, 8, 8]


def test_few_questions_have_the_values_of_many(tmp_path):
    rows = sales(3000, 500)
    asked = rows.filter(pl.col("_arrival") % 300 == 7)
    for few in (0, 10):
        (frame,) = compute_frames(plan(), asked, {"sales": rows}, Bounds(tmp_path, 1000, 1000, few))
        assert_frame_equal(frame, compute(plan(), asked, {"sales": rows}), rel_tol=1e-12)


@pytest.mark.parametrize("shop", ["s1", None])
@pytest.mark.parametrize("moment", [None, START + timedelta(minutes=1500)])
def test_no_more_questions_than_rows_at_once_are_answered_together(tmp_path, monkeypatch, shop, moment):
    """All rows of one shop, or of none: a table without a time cannot be cut, nor can questions of one moment."""
    together = []

    class Watched(Prepared):
        def answer(self, questions, shared):
            together.append(questions.height)
            return super().answer(questions, shared)

    for module in ("bucketed", "pieces"):
        monkeypatch.setattr(f"headrace.features.{module}.Prepared", Watched)
    asked, table = sales(3000, 5).with_columns(shop=pl.lit(shop, pl.String)), {"sales": sales(1000, 5), "shops": sales(20, 20)}
    values = {"note": latest(SALES, "note", by="shop"), "amount": latest(SHOPS, "amount", by="shop")}
    features = Features(spine=SALES, given=["shop", "time"], as_of=col("time"), values=values)
    planned = FeaturePlan.build(features, TYPES, {"sales": TYPES, "shops": TYPES})
    found = pl.concat(compute_frames(planned, asked, table, Bounds(tmp_path, 300, 100), moment))
    assert_frame_equal(found, compute(planned, asked, table, moment))
    assert max(together) <= 300
    assert sum(together) == 2 * 3000
    assert not list(tmp_path.iterdir())


def test_a_lookup_comes_in_frames_whether_it_fits_or_not(tmp_path):
    rows, expected = sales(1000, 5), None
    for at_once in (100, 10_000):
        found = list(lookup_frames(plan(), plan().lookups[:1], rows, rows, Bounds(tmp_path, at_once, 300)))
        assert [len(each) for each in found] == [300, 300, 300, 100]
        expected = lookup_column(plan(), "lookup_0", rows, rows)
        assert_frame_equal(pl.concat(found), expected)


@pytest.mark.parametrize("shops", [1, 500])
def test_lookups_that_see_the_same_rows_have_the_values_of_each_alone_to_the_last_bit(tmp_path, shops):
    amount = col("amount")
    values = {
        "var_3h": window(SALES, amount.var(), by="shop", over="3h"),
        "orders": window(SALES, count(), by="shop", over="1d"),
        "var_1d": window(SALES, amount.std(), by="shop", over="1d"),
        "noted": window(SALES, amount.sum(), by="shop", over="1d", where=col("note") == "b"),
        "sum": window(SALES, amount.sum(), by="shop", over="2d"),
        "note": latest(SALES, "note", by="shop"),
        "of_note": latest(SALES, "amount", by="note"),
    }
    planned = FeaturePlan.build(
        Features(spine=SALES, given=["shop", "note", "time"], as_of=col("time"), values=values), TYPES, {"sales": TYPES}
    )
    rows, bounds = sales(3000, shops), Bounds(tmp_path, 400, 300)
    groups = list(alike(planned.lookups))
    assert [[int(each.slot[-1]) for each in group] for group in groups] == [[0, 2, 4], [1, 5], [3], [6]]
    for group in groups:
        together = pl.concat(lookup_frames(planned, group, rows, rows, bounds))
        for lookup in group:
            assert_frame_equal(
                together.select(lookup.slot), pl.concat(lookup_frames(planned, [lookup], rows, rows, bounds)), check_exact=True
            )


@pytest.mark.parametrize("at_once", [1, 100])
def test_no_question_gives_one_empty_frame(tmp_path, at_once):
    rows = sales(50, 5)
    (frame,) = compute_frames(plan(), rows.head(0), {"sales": rows}, Bounds(tmp_path, at_once))
    assert (frame.height, frame.columns) == (0, ["orders", "mean", "notes", "note", "twice"])


def test_a_table_that_is_not_there_is_told_and_nothing_is_left(tmp_path):
    with pytest.raises(MissingTable):
        list(compute_frames(plan(), sales(10, 1), {}, Bounds(tmp_path)))
    assert not list(tmp_path.iterdir())


def test_rows_come_in_frames_of_one_height():
    assert [each.height for each in framed(sales(1001, 3), 250)] == [250, 250, 250, 250, 1]
    assert [each.height for each in framed(sales(0, 3), 250)] == [0]
    pieces = [pl.DataFrame({"a": list(range(start, start + 3))}) for start in (0, 3, 6)]
    assert [each["a"].to_list() for each in reframed(pieces, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]


def test_a_bucket_has_all_rows_of_its_keys_and_says_where_they_were(tmp_path):
    frames = list(framed(sales(500, 20).select("shop", "amount"), 200))
    with BucketWriter(tmp_path / "there", 4) as writer:
        for frame in frames:
            writer.add(frame, ["shop"])
    seen = set()
    for number in range(4):
        with Bucket(tmp_path / "there", number) as bucket:
            assert bucket.frames == 3
            for place, part in enumerate(bucket):
                assert_frame_equal(part.drop(PLACE), frames[place][part[PLACE].to_numpy()])
            shops = {shop for part in bucket for shop in part["shop"].to_list()}
        assert not shops & seen
        seen |= shops
    assert len(seen) == 21  # twenty and none


def test_frames_of_a_bucket_come_together_up_to_a_bound(tmp_path):
    frames = [sales(500, 3).collect()[first:end] for first, end in ((0, 30), (30, 100), (100, 100), (100, 400), (400, 500))]
    with BucketWriter(tmp_path / "there", 1) as writer:
        for frame in frames:
            writer.write(0, frame)
    with Bucket(tmp_path / "there", 0) as bucket:
        several = list(bucket.several(100))
    assert [edges for _, edges in several] == [[0, 30, 100, 100], [0, 300], [0, 100]]
    assert_frame_equal(pl.concat(rows for rows, _ in several), pl.concat(frames))


def test_a_bucket_is_read_lazily_too(tmp_path):
    frames = list(framed(sales(500, 20).select("shop", "amount"), 200))
    with BucketWriter(tmp_path / "there", 1) as writer:
        for frame in frames:
            writer.write(0, frame)
    rows, whole = bucket_rows(tmp_path / "there", 0), pl.concat(frames)
    assert_frame_equal(rows.collect(), whole)
    assert_frame_equal(rows.filter(pl.col("amount") > 50).select("shop").collect(), whole.filter(pl.col("amount") > 50).select("shop"))
    assert_frame_equal(rows.head(250).collect(), whole.head(250))
    assert rows.select(pl.len()).collect().item() == 500
