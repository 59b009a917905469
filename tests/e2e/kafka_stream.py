"""A stream of orders over a real broker, with late ones, repeats and messages that are no orders; and what a naive reader makes of it."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from confluent_kafka import Consumer, TopicPartition

import headrace as hr
from headrace.app.store import lake_of
from headrace.app.streaming.opening import open_state
from headrace.app.workspace import Workspace
from headrace.features import batch
from headrace.features.parity import compare
from headrace.features.stores.contract import StateStore
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.layout import group_layouts
from headrace.features.stream.positions import Position, position_mark, read_position
from headrace.features.stream.reading import answer
from headrace.features.stream.writing import StateWriter
from headrace.ingest.stream.messages import arrival_of, place_of
from headrace.ledger import tables as ledger_tables

from .small_stream import planned

if TYPE_CHECKING:
    from services.kafka import Kafka

START = datetime(2024, 1, 1, tzinfo=UTC)
LATENESS, REMEMBER = timedelta(minutes=30), timedelta(days=1)
GROUP = "returns-orders"

PROJECT = '''"""Will an order be returned?"""

import headrace as hr
from headrace import col

orders = hr.Events(
    "orders",
    source=hr.Kafka(
        "{topic}",
        servers="{servers}",
        lateness="30m",
        remember="1d",
        history="500d",
        options={{
            "client.id": "${{MEMBER}}",
            "heartbeat.interval.ms": "300",
            "reconnect.backoff.max.ms": "300",
        }},
    ),
    types={{
        "order_id": "string", "shop": "string", "amount": "float", "email": "string", "placed": "datetime", "settled": "datetime",
        "returned": "bool", "number": "int",
    }},
    id="order_id",
    time="placed",
    known={{"returned": "settled"}},
    expect=[hr.between("amount", 0, 1000)],
    personal={{"email": hr.Pseudonym()}},
)

features = hr.Features(
    spine=orders,
    as_of=col("placed"),
    given=["shop", "amount", "email", "placed"],
    values={{
        "amount": col("amount"),
        "shop_orders_1d": hr.window(orders, hr.count(), by="shop", over="1d"),
        "shop_sum_3h": hr.window(orders, col("amount").sum(), by="shop", over="3h"),
        "last_amount": hr.latest(orders, "amount", by="email"),
        "buyer_returns_30d": hr.window(orders, col("returned").mean(), by="email", over="30d", hop="1h"),
    }},
)

returned = hr.Model(
    "returned",
    features=features,
    target=col("returned"),
    split=hr.split.by_time(validation="1d", test="1d", purge="1h"),
    candidates=[hr.Logistic(c=1.0)],
    metric="roc_auc",
)

project = hr.Project("returns", models=[returned], seed=7)
'''


def write_project(folder: Path, kafka: "Kafka", topic: str) -> Path:
    """Write a project that follows a topic; return its file."""
    folder.mkdir(parents=True)
    path = folder / "project.py"
    path.write_text(PROJECT.format(topic=topic, servers=kafka.servers), encoding="utf-8")
    return path


def messages(seed: int) -> Iterator[bytes]:
    """Yield messages without end: orders minutes apart, of which some are late, come again, cost less than nothing, or are no orders."""
    rng, number, sent = random.Random(seed), 0, list[bytes]()
    while True:
        kind = rng.random()
        if kind < 0.05 and sent:
            message = sent[-rng.randrange(1, min(len(sent), 30) + 1)]
        elif kind < 0.08:
            message = [b"{", _order(rng, number, amount="many"), b"no order %d" % number, b"[]"][rng.randrange(4)]
        else:
            message = _order(rng, number)
            sent = [*sent[-40:], message]
        number += 1
        yield message


def _order(rng: random.Random, number: int, amount: object = None) -> bytes:
    back = timedelta(minutes=rng.randrange(31, 600)) if rng.random() < 0.05 else timedelta(minutes=rng.randrange(20))
    placed = START + timedelta(minutes=2 * number) - back
    settled = placed + timedelta(hours=rng.randrange(1, 90))
    order = {
        "order_id": f"o{number}",
        "shop": f"s{rng.randrange(5)}",
        "amount": amount or (-1 if rng.random() < 0.02 else round(rng.uniform(5, 300), 2)),
        "email": f"b{rng.randrange(40)}@x.org",
        "placed": placed.isoformat(),
        "settled": settled.isoformat(),
        "returned": rng.random() < 0.4,
        "number": number,
    }
    return json.dumps(order).encode()


@dataclass
class Naive:
    """Of one partition: the arrivals that go each way, by one look at each message in its order."""

    accepted: set[int] = field(default_factory=set)
    late: set[int] = field(default_factory=set)
    quarantined: set[int] = field(default_factory=set)
    duplicates: int = 0
    _newest: datetime | None = None
    _seen: dict[str, datetime] = field(default_factory=dict)

    def take(self, arrival: int, message: bytes) -> None:
        """Sort one message out."""
        order = _read(message)
        if order is None:
            self.quarantined.add(arrival)
            return
        moment = datetime.fromisoformat(order["placed"])
        watermark = None if self._newest is None else self._newest - LATENESS
        before = self._seen.get(order["order_id"])
        if before is not None and watermark is not None and before >= watermark - REMEMBER:
            self.duplicates += 1
        elif watermark is not None and moment < watermark:
            self.late.add(arrival)
        else:
            self.accepted.add(arrival)
            self._seen[order["order_id"]] = moment
        self._newest = moment if self._newest is None else max(self._newest, moment)


def _read(message: bytes) -> dict[str, Any] | None:
    try:
        order = json.loads(message)
    except ValueError:
        return None
    return order if isinstance(order, dict) and order["amount"] != "many" and order["amount"] >= 0 else None


def log_of(kafka: "Kafka", topic: str, partitions: int) -> dict[int, list[tuple[int, bytes]]]:
    """Return what the broker holds: the offset and the value of each message, by partition."""
    consumer = Consumer({"bootstrap.servers": kafka.servers, "group.id": "reader", "log_level": 0})
    try:
        found: dict[int, list[tuple[int, bytes]]] = {}
        for partition in range(partitions):
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=20)
            consumer.assign([TopicPartition(topic, partition, 0)])
            found[partition] = []
            while len(found[partition]) < end:
                found[partition] += [(each.offset(), each.value()) for each in consumer.consume(10_000, 1) if each.error() is None]
        return found
    finally:
        consumer.close()


def positions(store: StateStore, partitions: int) -> dict[int, Position]:
    """Return how far the marks say that each partition is."""
    _, marks = store.read([], [position_mark("orders", partition) for partition in range(partitions)])
    return {partition: Position() if mark is None else read_position(mark) for partition, mark in enumerate(marks)}


@dataclass(frozen=True)
class Outcome:
    """What is wrong after all; `events` is how many messages the broker holds."""

    events: int
    lost: int
    doubled: int
    misplaced: int
    wrong: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether each message had its effect once."""
        return not (self.lost or self.doubled or self.misplaced or self.wrong)


def outcome(project: Path, log: Mapping[int, list[tuple[int, bytes]]], environment: Mapping[str, str]) -> Outcome:
    """Compare what there is of a stream with what the broker holds."""
    expected = {partition: Naive() for partition in log}
    for partition, found in log.items():
        for offset, message in found:
            expected[partition].take(arrival_of(partition, offset), message)
    handle = hr.load(project, environment={"HEADRACE_USER": "ana", "MEMBER": "", **environment})
    try:
        store = open_state(handle.workspace)
        try:
            return _compared(handle.workspace, store, expected, sum(map(len, log.values())))
        finally:
            store.close()
    finally:
        handle.close()


def _compared(workspace: Workspace, store: StateStore, expected: Mapping[int, Naive], events: int) -> Outcome:
    there = {name: _arrivals(workspace, name) for name in ("orders", "orders/late", "orders/quarantine")}
    places = {
        "orders": {each for one in expected.values() for each in one.accepted},
        "orders/late": {each for one in expected.values() for each in one.late},
        "orders/quarantine": {each for one in expected.values() for each in one.quarantined},
    }
    everywhere = Counter[int]()
    for found in there.values():
        everywhere.update(found)
    wanted = {each for place in places.values() for each in place}
    misplaced = sum(len([each for each in set(there[name]) - places[name] if each in wanted]) for name in places)
    wrong = [
        *_wrong_marks(store, expected),
        *_wrong_record(workspace, expected, events),
        *_wrong_state(workspace, store),
        *(["rows from nowhere"] if set(everywhere) - wanted else []),
        *(["the outbox is not empty"] if any(fields for _, fields in store.walk("out/orders").records) else []),
    ]
    return Outcome(events, len(wanted - set(everywhere)), sum(count - 1 for count in everywhere.values()), misplaced, tuple(wrong))


def _arrivals(workspace: Workspace, name: str) -> list[int]:
    tables = lake_of(workspace).tables
    return [] if tables.version(name) is None else tables.scan(name).select("_arrival").collect()["_arrival"].to_list()


def _wrong_marks(store: StateStore, expected: Mapping[int, Naive]) -> Iterator[str]:
    for partition, found in positions(store, len(expected)).items():
        naive = expected[partition]
        counts = (found.accepted, found.late, found.duplicates, found.quarantined)
        right = (len(naive.accepted), len(naive.late), naive.duplicates, len(naive.quarantined))
        if counts != right:
            yield f"partition {partition} counts {counts}, not {right}"


def _wrong_record(workspace: Workspace, expected: Mapping[int, Naive], events: int) -> Iterator[str]:
    with workspace.ledger.read() as session:
        last = ledger_tables.latest(session, workspace.project.name, "orders")
    if last is None:
        yield "no version is on record"
        return
    late, duplicates = sum(len(each.late) for each in expected.values()), sum(each.duplicates for each in expected.values())
    accepted, quarantined = (sum(len(getattr(each, name)) for each in expected.values()) for name in ("accepted", "quarantined"))
    found = (last.rows_in, last.accepted, last.profile["stream"]["late"], last.duplicates, last.quarantined)
    right = (events - late, accepted, late, duplicates, quarantined)
    if found != right:
        yield f"the ledger has {found}, not {right}"


def _wrong_state(workspace: Workspace, store: StateStore) -> Iterator[str]:
    """Ask at the moments of all orders, and hours later, of the state, of one made from the lake at once, and in batch."""
    plan = planned(workspace)
    rows = lake_of(workspace).tables.scan("orders").sort("_arrival").collect()
    later = pl.col("placed") + timedelta(hours=7)
    questions = pl.concat([rows, rows.with_columns(later)])
    scratch = MemoryStore()
    for partition in sorted(rows.select(place_of(pl.col("_arrival"))[0].alias("_")).to_series().unique()):
        mine = rows.filter(place_of(pl.col("_arrival"))[0] == partition)
        scratch.commit(StateWriter(group_layouts((plan,)), {}).changes(partition, mine, None, scratch))
    found = answer(plan, store, questions)
    made = {
        "one made from the lake": answer(plan, scratch, questions),
        "batch": batch.compute(plan, questions.lazy(), {"orders": rows.lazy()}),
    }
    for name, right in made.items():
        for each in compare(plan, questions, right, found):
            if each.mismatches:
                yield f"{each.feature} differs from {name} for {each.mismatches} of {each.rows} questions: {each.examples[:1]}"
    for layout in group_layouts((plan,)):
        if len(store.marks(f"filled/{layout.space}/")) != len(set(store.marks("position/orders/"))):
            yield f"{layout.space} does not count as filled"
