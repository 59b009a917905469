"""What waits for a target: in order, counted, and bounded."""

import io

import polars as pl
import pytest

from headrace.app.scoring.outgoing import Outgoing, Parcel
from headrace.features.stores.contract import Commit
from headrace.features.stores.memory import MemoryStore
from headrace.spec.scoring import ToKafka

TARGET = ToKafka("scores", servers="localhost:9092")


def packed(value: int) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"prediction_id": [f"prd_{value}"]}).write_ipc_stream(buffer)
    return buffer.getvalue()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def filled(store: MemoryStore, most_bytes: int = 1 << 20) -> Outgoing:
    outgoing = Outgoing("late", TARGET, most_bytes)
    store.commit(Commit(put=[(outgoing.field(partition, number), packed(number)) for partition in (0, 1) for number in (1, 2, 3)]))
    outgoing.take_over(store, 0)
    outgoing.take_over(store, 1)
    return outgoing


def test_what_waits_is_found_again_in_order(store: MemoryStore) -> None:
    outgoing = filled(store)
    sent = []
    while parcels := outgoing.next():
        for parcel in parcels:
            rows = outgoing.rows(store, parcel)
            assert rows is not None
            sent.append((parcel.partition, parcel.number, rows["prediction_id"][0]))
            outgoing.done(store, parcel)
    assert sent == [(partition, number, f"prd_{number}") for number in (1, 2, 3) for partition in (0, 1)]
    outgoing.take_over(store, 0)
    assert outgoing.next() == []
    assert outgoing.rows(store, Parcel(0, 1, 0)) is None


def test_partitions_that_others_have_are_not_sent(store: MemoryStore) -> None:
    outgoing = filled(store)
    outgoing.let_go([0])
    outgoing.add(0, 4, 10)
    assert [each.partition for each in outgoing.next()] == [1]


def test_of_too_much_the_oldest_is_given_up(store: MemoryStore) -> None:
    size = len(packed(1))
    outgoing = filled(store, most_bytes=4 * size)
    assert [(each.partition, each.number) for each in outgoing.too_many()] == [(0, 1), (1, 1)]
    for parcel in outgoing.too_many():
        outgoing.done(store, parcel)
    assert outgoing.waiting_bytes == 4 * size
    assert outgoing.too_many() == []
