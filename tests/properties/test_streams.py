"""The law of streams: batch over the accepted rows = the state's answers, many at once and one at a time.

Rows come over several partitions in any order, micro-batches are cut anywhere, some rows come again and some too late, commits are
interrupted, and what no question at the horizon needs is dropped. `HEADRACE_EXAMPLES` multiplies the number of examples.
"""

import os
import tempfile
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headrace.expressions import DType, col
from headrace.features.batch import compute
from headrace.features.errors import AskedBeforeState
from headrace.features.plan import FeaturePlan
from headrace.features.stores.contract import Field
from headrace.features.stores.embedded import EmbeddedStore
from headrace.features.stores.errors import MarkMoved
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.admitting import Ids, PartitionState, Rules, sort_out
from headrace.features.stream.appending import Sizes
from headrace.features.stream.layout import group_layouts
from headrace.features.stream.live import LiveFeatures
from headrace.features.stream.positions import Position, position_mark, read_position, table_horizon, table_watermark
from headrace.features.stream.reading import answer
from headrace.features.stream.writing import StateWriter
from headrace.spec.features import Features
from headrace.spec.sources import File
from headrace.spec.streams import Replay
from headrace.spec.tables import Events

from .naive_features import (
    EPOCH,
    HOUR,
    POLARS,
    SPINE_TYPES,
    TYPES,
    declarations,
    declared,
    random_moment,
    random_questions,
    random_rows,
    same,
)  # fmt: skip

EXAMPLES = int(2000 * float(os.environ.get("HEADRACE_EXAMPLES", "1")))
SCHEMA = {name: POLARS[kind] for name, kind in {**TYPES, "id": DType.INT}.items()}
# A failure prints what was drawn; to shrink it takes minutes.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
MICROSECOND = timedelta(microseconds=1)
LIMITS = [0 * HOUR, MICROSECOND, 2 * HOUR, 10 * HOUR, 10_000 * HOUR]
ENDINGS = ["committed"] * 4 + ["killed before", "killed after", "refused", "swept", "swept and killed"]


def microseconds(moment):
    return None if moment is None else (moment - EPOCH) // MICROSECOND


class Worker:
    """Follows a table as `headrace stream` does; a partition is a list of messages, and its offset a place in it."""

    def __init__(self, table, plan, store, partitions, history, sizes):
        self.table, self.store, self.partitions, self.history, self.sizes = table, store, partitions, history // MICROSECOND, sizes
        self.rules, self.layouts, self.functions = Rules.of(table, table.source), group_layouts([plan]), plan.functions
        self.restart()

    def restart(self):
        """Begin with what the store says."""
        self.writer = StateWriter(self.layouts, self.functions, self.sizes)
        self.marks = self.store.read([], [position_mark("t", number) for number in range(len(self.partitions))])[1]
        self.positions = [Position() if mark is None else read_position(mark) for mark in self.marks]
        chunks = self.store.fields([("ids/t", bytes([number])) for number in range(len(self.partitions))])
        self.states = []
        for position, fields in zip(self.positions, chunks, strict=True):
            state = PartitionState(position.newest_us)
            for _, chunk in fields:
                state = state.remember(Ids.from_bytes(chunk), self.rules)
            self.states.append(state)

    @property
    def horizon(self):
        watermark = table_watermark(self.positions, 0)
        return None if watermark is None else watermark - self.history

    def step(self, number, rows, ending):
        """Take some messages of a partition, and end as told."""
        position, state = self.positions[number], self.states[number]
        messages = self.partitions[number][position.next_offset :][:rows]
        out = sort_out(pl.DataFrame(messages, schema=SCHEMA, orient="row"), state, self.rules)
        after = Position(
            next_offset=position.next_offset + len(messages),
            newest_us=out.state.newest_us,
            watermark_us=out.state.watermark_us(self.rules),
            horizon_us=self.horizon,
            accepted=position.accepted + out.accepted.height,
            late=position.late + out.late.height,
            duplicates=position.duplicates + out.duplicates.height,
        )
        mark = position_mark("t", number)
        chunk = Field("ids/t", bytes([number]), position.next_offset.to_bytes(4, "big"))
        commit = self.writer.changes(number, out.accepted, self.horizon, self.store)
        expect = {mark: self.marks[number]}
        accepted = Field("out/t", bytes([number]), position.next_offset.to_bytes(4, "big"))
        kept = [(chunk, out.ids.to_bytes()), (accepted, b"".join(each.to_bytes(8, "big") for each in out.accepted["_arrival"]))]
        commit = msgspec.structs.replace(
            commit, expect=expect, marks={mark: after.to_bytes()}, put=[*commit.put, *kept] if messages else commit.put
        )
        if ending == "refused":
            with pytest.raises(MarkMoved):
                self.store.commit(msgspec.structs.replace(commit, expect={mark: b"another"}))
            self.writer.forget()
            return
        if ending == "killed before":
            self.restart()
            return
        self.store.commit(commit)
        self.positions[number], self.states[number], self.marks[number] = after, out.state, after.to_bytes()
        if ending == "killed after":
            self.restart()
        if ending.startswith("swept"):
            self.sweep(number, ending)

    def sweep(self, number, ending):
        position = msgspec.structs.replace(self.positions[number], horizon_us=self.horizon)
        commit = self.writer.sweep(self.store, self.horizon, {number}, most=3)
        if commit is not None and ending == "swept":
            self.store.commit(msgspec.structs.replace(commit, marks={position_mark("t", number): position.to_bytes()}))
            self.positions[number], self.marks[number] = position, position.to_bytes()
        elif commit is not None:
            self.restart()

    def accepted(self):
        """The arrival numbers of the accepted rows."""
        found = self.store.fields([("out/t", bytes([number])) for number in range(len(self.partitions))])
        pieces = b"".join(value for fields in found for _, value in fields)
        return [int.from_bytes(pieces[start : start + 8], "big") for start in range(0, len(pieces), 8)]


def naive_accepted(messages, rules):
    """Which rows of one partition are accepted, row by row."""
    newest, accepted, seen = None, [], {}
    for row in messages:
        moments = [microseconds(row[name]) for name in rules.moments if row[name] is not None]
        belongs = min(moments, default=None)
        watermark = None if newest is None else newest - rules.lateness_us
        newest = max((each for each in (newest, belongs) if each is not None), default=None)
        late = watermark is not None and belongs is not None and belongs < watermark
        if rules.id and row["id"] is not None:
            before = seen.get(row["id"], "never")
            if before != "never" and (watermark is None or (before is not None and before >= watermark - rules.remember_us)):
                continue
            if not late:
                seen[row["id"]] = newest if belongs is None else belongs
        if not late:
            accepted.append(row["_arrival"])
    return accepted


def random_partitions(random):
    """Rows over partitions, some of them again, in an order of their own."""
    rows = random_rows(random)
    if random.random() < 0.5:
        rows.sort(key=lambda row: row["time"] or EPOCH)
    for number, row in enumerate(rows):
        row["id"] = number if number % 7 else None
    for _ in range(random.choice([0, 0, 1, 4]) if rows else 0):
        rows.insert(random.randrange(60), dict(random.choice(rows)))
    count = random.randint(1, 3)
    partitions = [[] for _ in range(count)]
    for arrival, row in enumerate(rows):
        number = random.randrange(count)
        partitions[number].append(row | {"_arrival": arrival * 7 % 101 * 3 + number})
    return partitions


@given(declarations(most=4), st.integers(0, 2**64))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
def test_the_state_answers_as_batch_does_over_the_accepted_rows(declaration, seed):
    random = Random(seed)
    declared_as, wanted = declaration
    source = Replay(source=File("t.csv"), lateness=random.choice(LIMITS), remember=random.choice(LIMITS))
    table = declared_as.table(source, random.choice([[], ["id"]]))
    features = Features(
        spine=Events("q", source=File("q.csv"), time="asked"), given=list(SPINE_TYPES), as_of=col("asked"),
        values={name: declared(ask, table) for name, ask in wanted.items()},
    )  # fmt: skip
    plan = FeaturePlan.from_json(FeaturePlan.build(features, SPINE_TYPES, {"t": TYPES}).to_json())
    with opened(random.randrange(50) == 0) as store:
        follow(random, wanted, table, plan, store)


@contextmanager
def opened(embedded):
    """A store in memory, or, as it takes so much longer, now and then one in a folder."""
    if not embedded:
        yield MemoryStore()
        return
    with tempfile.TemporaryDirectory() as folder, closing(EmbeddedStore(Path(folder))) as store:
        yield store


def follow(random, wanted, table, plan, store):
    """Write a stream into a store, ask meanwhile and at the end, and compare."""
    partitions, questions = random_partitions(random), random_questions(random)
    sizes = Sizes(random.choice([1, 300, 8192]), random.choice([1, 1 << 16]), random.choice([0, 1 << 26]))
    worker = Worker(table, plan, store, partitions, random.choice(LIMITS), sizes)
    spine = pl.DataFrame(questions, schema={name: POLARS[kind] for name, kind in SPINE_TYPES.items()})
    found = []

    def ask(as_of):
        many = answer(plan, store, spine, as_of=as_of).to_dicts()
        live = LiveFeatures(plan, store, None, ["t"])
        found.append((as_of, many, [live.compute(question, as_of) for question in questions]))

    for _ in range(random.randint(0, 6)):
        worker.step(random.randrange(len(partitions)), random.randint(1, 9), random.choice(ENDINGS))
        if random.random() < 0.15 and (watermark := table_watermark(worker.positions, 0)) is not None:
            ask(EPOCH + max(watermark, table_horizon(worker.positions) or watermark) * MICROSECOND)
    for number, messages in enumerate(partitions):
        if worker.positions[number].next_offset < len(messages):
            worker.step(number, 100, "committed")
    worker.step(0, 0, "swept")

    rows = [row for partition in partitions for row in partition]
    assert sorted(worker.accepted()) == sorted(each for partition in partitions for each in naive_accepted(partition, worker.rules))
    accepted = {"t": pl.LazyFrame(rows, schema=SCHEMA).filter(pl.col("_arrival").is_in(worker.accepted()))}
    horizon = table_horizon(worker.positions)
    moment = random_moment(random)
    if horizon is not None:
        moment = max(moment, EPOCH + horizon * MICROSECOND)
        with pytest.raises(AskedBeforeState):
            ask(EPOCH + (horizon - 1) * MICROSECOND)
    ask(moment)
    for as_of, many, one in found:
        expected = compute(plan, spine.lazy(), accepted, as_of=as_of).to_dicts()
        for question, *answers in zip(questions, expected, many, one, strict=True):
            for name, each in wanted.items():
                right, *got = (answer[name] for answer in answers)
                assert all(same(each.kind, right, value) for value in got), (each, question, as_of, right, got)
