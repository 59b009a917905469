"""The law of learning in a stream: batch over the accepted rows, row by row from the same version on, leaves the same learner to the byte.

Rows come over several partitions, in disorder and cut anywhere; some ask about a moment before theirs, of some the answer never comes; the
learner begins late, and waits at times, its commits are interrupted, others take its place, and rows leave the state and the outbox
meanwhile.
`HEADRACE_EXAMPLES` multiplies the number of examples.
"""

import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headrace.app.learning.asking import AtOnce
from headrace.app.learning.classroom import Classroom, Learnt
from headrace.app.learning.facts import TESTED_FROM, TRAINED_BEFORE, WHAT
from headrace.app.learning.keeping import drop_snapshot, pending_snapshots, read_files, read_pieces, whole_snapshot
from headrace.app.learning.progress import earliest_lesson, learning_mark, let_rows_go, read_progress
from headrace.app.learning.rows import SpineRows
from headrace.app.learning.snapshot import scores
from headrace.app.scoring.champion import Champion, positions_of
from headrace.app.streaming.flushing import flush_partition
from headrace.app.streaming.outbox import chunk_field, pack
from headrace.app.streaming.partitions import joined
from headrace.bundles.manifest import Manifest
from headrace.bundles.parts import Golden
from headrace.bundles.reading import Bundle
from headrace.core.clock import SystemClock
from headrace.expressions import DType, col
from headrace.expressions.aggregates import count
from headrace.features.batch import compute
from headrace.features.plan import FeaturePlan
from headrace.features.stores.contract import Commit
from headrace.features.stores.errors import MarkMoved
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.admitting import PartitionState, Rules, sort_out
from headrace.features.stream.layout import group_layouts
from headrace.features.stream.positions import Position, filled_mark, position_mark, table_watermark
from headrace.features.stream.writing import StateWriter
from headrace.ingest.stream.messages import arrival_of
from headrace.lake.frames import bytes_frame
from headrace.lake.lake import Lake
from headrace.ledger.models import CHAMPION, ModelVersion
from headrace.models.artifact import Artifact
from headrace.models.encoder import Encoder
from headrace.models.predictor import load_predictor
from headrace.spec import gate, split
from headrace.spec.candidates import OnlineLogistic
from headrace.spec.features import Features, latest, window
from headrace.spec.learning import Learning
from headrace.spec.model import Model
from headrace.spec.sources import File
from headrace.spec.streams import Replay
from headrace.spec.tables import Events
from headrace.training.columns import learn_columns
from headrace.training.dataset import EncodedRows
from headrace.training.moments import Moments
from headrace.training.online.logistic import LogisticLearner
from headrace.training.online.progressive import Lessons, learn_rows
from headrace.training.online.restoring import restored

EXAMPLES = int(6 * float(os.environ.get("HEADRACE_EXAMPLES", "1")))
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
HOUR, EPOCH = timedelta(hours=1), datetime(2026, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOMENT = pl.Datetime("us", "UTC")
ORDERS = {
    "shop": DType.STRING,
    "amount": DType.INT,
    "asks": DType.DATETIME,
    "at": DType.DATETIME,
    "told": DType.DATETIME,
    "bad": DType.BOOL,
}
VISITS = {"shop": DType.STRING, "at": DType.DATETIME, "size": DType.INT}
POLARS = {DType.STRING: pl.String(), DType.INT: pl.Int64(), DType.DATETIME: MOMENT, DType.BOOL: pl.Boolean()}
LATENESS = 4


def microseconds(moment):
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND


class Killed(Exception):
    """The worker was killed."""


class Store(MemoryStore):
    """Kills the learner at some of its commits."""

    def __init__(self, random):
        super().__init__()
        self.random, self.deadly = random, False

    def commit(self, commit):
        fate = self.random.random() if self.deadly and any(name.startswith("learning/") for name in commit.marks) else 1.0
        if fate < 0.15:
            raise Killed
        super().commit(commit)
        if fate < 0.3:
            raise Killed


class World:
    """Two streamed tables, a model that learns from one of them, and what keeps their rows."""

    def __init__(self, random, folder):
        self.random, self.store, self.lake = random, Store(random), Lake(str(folder), "shop")
        source = Replay(source=File("t.csv"), lateness=LATENESS * HOUR, remember="0s")
        self.orders = Events("orders", source=source, time="at", known={"bad": "told"})
        self.visits = Events("visits", source=source, time="at")
        self.model = Model(
            "returned",
            features=Features(
                spine=self.orders, as_of=col("asks"), given=["shop", "amount", "asks"],
                values={
                    "amount": col("amount"),
                    "orders": window(self.orders, count(), by="shop", over="6h"),
                    "bad": window(self.orders, col("bad").sum(), by="shop", over="20h"),
                    "size": latest(self.visits, "size", by="shop"),
                },
            ),
            target=col("bad"), split=split.by_time(validation="1d", test="1d"), candidates=[OnlineLogistic()], metric="roc_auc",
            gates=[gate.slices("shop", "recall", max_gap=0.5)],
        )  # fmt: skip
        every, behind = random.choice(["3h", "7h", "1d", "30d"]), random.choice(["0s", "2h", "9h"])
        self.learning = Learning(self.model, every=every, behind=behind)
        types = {"orders": ORDERS, "visits": VISITS}
        self.plan = FeaturePlan.from_json(FeaturePlan.build(self.model.features, ORDERS, types).to_json())
        self.began = EPOCH + random.randint(-5, 20) * HOUR
        self.scored_from = self.began + random.randint(0, 10) * HOUR
        self.history = random.choice([0, 3, 1000]) * HOUR // MICROSECOND
        self.champion = self.parent()
        self.followed = [Followed(self, self.orders, ORDERS, random.randint(1, 3)), Followed(self, self.visits, VISITS, 1)]

    def parent(self):
        """A version that has learnt a few rows."""
        frame = pl.DataFrame({"amount": [1, 2, 3], "orders": [0, 1, 2], "bad": [0, None, 1], "size": [1, 2, None]})
        columns = learn_columns(frame.cast(pl.Int64))
        learner = LogisticLearner.new(columns, 1, {"learning_rate": 0.3, "l2": 1.0})
        for vector, target in zip(Encoder(columns).encode_frame(frame).tolist(), [0.0, 1.0, 1.0], strict=True):
            learner.learn(vector, target)
        artifact = Artifact(task="binary", family="linear", columns=columns, classes=("false", "true"), files=learner.files(), details={})
        manifest = Manifest(
            format=1, project="shop", model="returned", version="1", task="binary", classes=artifact.classes, threshold=0.5, given=(),
            features=(), fingerprints={}, requires={}, files={},
        )  # fmt: skip
        bundle = Bundle(
            manifest=manifest, plan=self.plan.to_json(), profile={}, artifact=artifact, encoder=Encoder(columns),
            predictor=load_predictor(artifact), golden=Golden([], np.empty(0)), card="", fingerprint="", key="",
        )  # fmt: skip
        version = ModelVersion(
            id="mod_1", number=1, state=CHAMPION, created=EPOCH, project="shop", model="returned", run_id="run_1", task="binary",
            candidate="online_logistic",
            details={TRAINED_BEFORE: self.began.isoformat(), TESTED_FROM: self.scored_from.isoformat(), WHAT: str(self.model.target)},
        )  # fmt: skip
        layouts = group_layouts([self.plan])
        spaces = {name: tuple(each.space for each in layouts if each.table == name) for name in ("orders", "visits")}
        return Champion(version, bundle, self.plan, {}, {}, spaces, dict.fromkeys(spaces, ()), SystemClock())

    @property
    def clock_us(self):
        """The moment before which all may be done."""
        marks = [table_watermark(positions_of(self.store, name), 0) for name in ("orders", "visits")]
        return None if None in marks else min(marks) - self.learning.behind_us

    def room(self):
        """A worker's learner."""
        rows = SpineRows(self.learning, self.plan, "binary", ORDERS, self.lake, self.store)
        return Classroom(self.champion, rows, Learnt(), AtOnce(self.random.choice([1, 5, 50_000]), self.random.choice([1, 7, 10_000])))

    def accepted(self):
        """All rows that were accepted, in order of arrival, by table."""
        return {each.table.name: pl.concat(each.accepted).sort("_arrival") for each in self.followed}


class Followed:
    """A table that is followed, as `headrace stream` follows one."""

    def __init__(self, world, table, types, partitions):
        self.world, self.table, self.rules = world, table, Rules.of(table, table.source)
        self.schema = {"_arrival": pl.Int64(), "_ingested": MOMENT, **{name: POLARS[kind] for name, kind in types.items()}}
        layouts = [each for each in group_layouts([world.plan]) if each.table == table.name]
        self.writer = StateWriter(layouts, world.plan.functions)
        self.messages = [self.rows(number, partitions) for number in range(partitions)]
        self.positions, self.states = [Position()] * partitions, [PartitionState()] * partitions
        self.accepted = [pl.DataFrame(schema=self.schema)]
        filled = {filled_mark(each.space, number): b"1" for each in layouts for number in range(partitions)}
        known = {position_mark(table.name, number): Position().to_bytes() for number in range(partitions)}
        world.store.commit(Commit(marks={**filled, **known}))

    def rows(self, number, partitions):
        """The messages of a partition: in disorder, but for a few not more than is allowed."""
        random, offset = self.world.random, 0
        hours = sorted(random.uniform(0, 72) for _ in range(random.randint(5, 60) // partitions))
        hours = [each - random.uniform(0, LATENESS * (2 if random.random() < 0.02 else 0.9)) for each in hours]
        rows = []
        for offset, hour in enumerate([*hours, 80.0]):
            at = EPOCH + timedelta(hours=round(hour))  # so that many have the same moment
            asks = random.choice([at, at, at - HOUR, at - 3 * HOUR, at + 2 * HOUR, None])
            told = random.choice([None, at - HOUR, *[(asks or at) + timedelta(hours=random.randint(0, 30)) for _ in range(6)]])
            row = {
                "at": at,
                "shop": random.choice("abc"),
                "amount": random.randint(0, 9),
                "size": random.choice([None, 1, 2]),
                "asks": asks,
            }
            row |= {"told": told, "bad": random.choice([True, False, None, row["amount"] > 4])}
            rows.append(row | {"_arrival": arrival_of(number, offset), "_ingested": at})
        return rows

    def take(self, number, most):
        """Take some messages of a partition."""
        world, position = self.world, self.positions[number]
        messages = self.messages[number][position.next_offset :][:most]
        frame = pl.DataFrame([{name: row[name] for name in self.schema} for row in messages], schema=self.schema)
        out = sort_out(frame, self.states[number], self.rules)
        end = position.next_offset + len(messages)
        after = msgspec.structs.replace(
            position, next_offset=end, newest_us=out.state.newest_us, watermark_us=out.state.watermark_us(self.rules),
            horizon_us=self.horizon(),
        )  # fmt: skip
        packed = pack(end, out.accepted, out.late, frame[:0])
        kept = Commit(
            marks={position_mark(self.table.name, number): after.to_bytes()},
            put=[(chunk_field(self.table.name, number, position.next_offset), packed)],
        )
        horizon = -(2**62) if after.horizon_us is None else after.horizon_us
        world.store.commit(joined(kept, self.writer.changes(number, out.accepted, horizon, world.store)))
        self.positions[number], self.states[number] = after, out.state
        self.accepted.append(out.accepted)

    def horizon(self):
        """The moment from which on questions find all rows in the state."""
        watermark = table_watermark(self.positions, 0)
        before = [each.horizon_us for each in self.positions if each.horizon_us is not None]
        if watermark is None:
            return max(before, default=None)
        lesson = earliest_lesson(self.world.store, ["returned"])
        reached = watermark - self.world.history
        return max([*before, reached if lesson is None else min(reached, lesson)])


def follow(world, *, whole):
    """Play the tables; the learner works meanwhile, or when all has come."""
    random, rooms, snapshots = world.random, [], {}
    world.store.deadly = not whole
    for each in world.followed:  # there is no version to go on from before the lake has rows of all tables
        each.take(0, 1)
        flush_partition(world.lake, world.store, each.table.name, 0)
    lanes = [(each, number) for each in world.followed for number in range(len(each.messages))]
    if random.random() < 0.7:
        random.shuffle(lanes)
    while lanes:
        each, number = random.choice(lanes[:2])
        each.take(number, random.choice([1, 3, 100]))
        if each.positions[number].next_offset == len(each.messages[number]):
            lanes.remove((each, number))
        if random.random() < 0.1 and each.positions[number].next_offset:
            flush_partition(world.lake, world.store, each.table.name, number)
        if not whole and random.random() < 0.5:
            attend(world, rooms, snapshots)
    world.store.deadly = False
    while not rooms or rooms[-1].desk.progress.clock_us < world.clock_us:
        attend(world, rooms, snapshots)
    record(world, snapshots)
    return snapshots


def record(world, snapshots):
    """Take snapshots out of the store."""
    for each in pending_snapshots(world.store, "returned"):
        made = whole_snapshot(world.store, "returned", each)
        assert snapshots.setdefault(made.id, made) == made
        world.store.commit(drop_snapshot(world.store, "returned", each.number))


def attend(world, rooms, snapshots):
    """Have a worker learn for a while: the one before, another in its place, or one that thinks it still is the one."""
    until, random = world.clock_us, world.random
    steps = iter(range(random.choice([1, 3, 1000])))
    if until is None:
        return
    with suppress(Killed, MarkMoved):
        if random.random() < 0.1:
            let_rows_go(world.store, "returned")
        if not rooms or random.random() < 0.3:
            rooms.append(world.room())
        room = random.choice([rooms[-1], rooms[-1], *rooms[-2:]])
        try:
            room.learn(until, lambda: next(steps, None) is not None)
        except (Killed, MarkMoved):
            rooms.clear()
            raise
    if random.random() < 0.5:
        record(world, snapshots)


def by_batch(world):
    """The learner's files, and what it said of each row before it learnt it, row by row over all rows that were accepted."""
    tables = {name: rows.lazy() for name, rows in world.accepted().items()}
    rows = world.accepted()["orders"]
    asked, known = (rows[name].to_physical() for name in ("asks", "told"))
    began, scored_from = microseconds(world.began), microseconds(world.scored_from)
    usable = (asked.is_not_null() & rows["bad"].is_not_null() & (known >= asked) & (known >= began)).fill_null(False)
    rows = rows.filter(usable & (known < world.clock_us).fill_null(False))
    features = compute(world.plan, rows.lazy(), tables)
    bundle = world.champion.bundle
    encoded = EncodedRows(bundle.encoder.encode_frame(features), rows["bad"].cast(pl.Float64).to_numpy())
    learner = restored("online_logistic", bundle.artifact)
    which, said = learn_rows(learner, encoded, Lessons(rows.height, Moments.of(rows["asks"], rows["told"])), lambda _: True)
    asked, belongs = rows["asks"].to_physical(), pl.Series(rows.select(pl.min_horizontal("at", "told")).to_series()).to_physical()
    in_time = ((asked >= belongs - world.learning.behind_us) & (asked >= scored_from)).to_numpy()
    arrivals = rows["_arrival"].to_numpy()
    return learner.files(), {int(arrivals[row]): score for row, score in zip(which, said, strict=True) if in_time[row]}


@given(st.integers(0, 2**64))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
def test_what_a_stream_learns_is_what_batch_learns_of_the_same_rows(seed):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Random(seed), Path(folder))
        snapshots = follow(world, whole=False)
        store, files, said = world.store, *by_batch(world)
        progress = read_progress(store.marks("learning/")[learning_mark("returned")])
        kept = read_files(store, "returned")
        assert (kept or world.champion.bundle.artifact.files) == files
        told = {}
        made = sorted(snapshots.values(), key=lambda each: each.clock)
        for each in made:
            questions = bytes_frame(each.questions)
            assert questions["_known"].is_sorted()
            assert bytes_frame(each.features).height == bytes_frame(each.given).height == questions.height
            told |= dict(zip(questions["_arrival"].to_list(), scores(questions).tolist(), strict=True))
        for rows in read_pieces(store, ("learner/returned", b"questions/" + (progress.snapshots + 1).to_bytes(8, "big"))).rows:
            told |= dict(zip(rows["_arrival"].to_list(), scores(rows).tolist(), strict=True))
        assert told == said
        assert sum(each.learned_since for each in made) + progress.learned_since == progress.learned
        assert all(before.clock == after.since and before.number < after.number for before, after in pairwise(made))
        again = World(Random(seed), Path(folder) / "again")
        for mine, theirs in zip(again.followed, world.followed, strict=True):
            mine.messages = theirs.messages
        assert follow(again, whole=True) == snapshots
