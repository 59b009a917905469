"""The law of change messages: whatever order they come in, the table tells at each moment what the database held then."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.expressions import DType, col
from headrace.features.batch import compute
from headrace.features.plan import FeaturePlan
from headrace.ingest.debezium import change_of
from headrace.ingest.requests import IngestRequest
from headrace.ingest.sources import open_source
from headrace.ingest.tables import ingest_table
from headrace.spec.expectations import between, not_null
from headrace.spec.features import Features, latest
from headrace.spec.sources import File
from headrace.spec.tables import Entity, Events

EXAMPLES = int(40 * float(os.environ.get("HEADRACE_EXAMPLES", "1")))
START = datetime(2024, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEYS = [1, 2, 3]
SHOPS = Entity(
    "shops", source=File("changes.jsonl"), key="id", time="_changed", deleted=col("_deleted"), types={"size": "int"},
    expect=[not_null("size"), between("size", 0, 9)],
)  # fmt: skip
FEATURES = Features(
    spine=Events("q", source=File("q.csv"), time="asked"), given=["shop", "asked"], as_of=col("asked"),
    values={"size": latest(SHOPS, "size", by={"shop": "id"})},
)  # fmt: skip
SPINE = {"shop": DType.INT, "asked": DType.DATETIME}


def milliseconds(moment):
    return int(moment.timestamp() * 1000)


@st.composite
def histories(draw):
    """What a database went through, a second a change: messages, and after each what the database holds."""
    held, messages, states = {}, [], []
    for number in range(draw(st.integers(1, 15))):
        key, size = draw(st.sampled_from(KEYS)), draw(st.integers(0, 9))
        before = held.get(key)
        if before is not None and draw(st.booleans()):
            del held[key]
            message = {"op": "d", "before": {"id": key, "size": None} if draw(st.booleans()) else None, "after": None}
        else:
            held[key] = size
            message = {"op": "c" if before is None else "u", "before": None, "after": {"id": key, "size": size}}
        made = START + number * SECOND
        message |= {"ts_ms": milliseconds(made) + 5, "source": {"ts_ms": milliseconds(made), "table": "shops"}}
        messages.append((json.dumps({"id": key}), json.dumps({"schema": {}, "payload": message} if draw(st.booleans()) else message)))
        if message["op"] == "d":
            messages.append((json.dumps({"id": key}), None))
        states.append(dict(held))
    again = [messages[place % len(messages)] for place in draw(st.lists(st.integers(0, 30), max_size=4))]
    return draw(st.permutations(messages + again)), states


@given(histories())
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_table_tells_what_the_database_held(history):
    messages, states = history
    changes = [change_of(None if value is None else value.encode(), key.encode()) for key, value in messages]
    assert all(change.reason == "" for change in changes)
    with TemporaryDirectory() as folder:
        (Path(folder) / "changes.jsonl").write_bytes(b"\n".join(change.row for change in changes if change.row is not None))
        raw = open_source(SHOPS.source, Path(folder))
        found = ingest_table(IngestRequest(table=SHOPS, raw=raw, now=START, pseudonym_key=b"k" * 32, scratch=Path(folder)))
        assert found.quarantined.height == 0
        rows = found.accepted.collect()
    plan = FeaturePlan.build(FEATURES, SPINE, {"shops": dict(found.types)})
    asked = [(key, START + number * SECOND + SECOND / 2) for number in range(len(states)) for key in KEYS]
    spine = pl.LazyFrame(asked, schema={"shop": pl.Int64, "asked": pl.Datetime("us", "UTC")}, orient="row")
    expected = [states[number].get(key) for number in range(len(states)) for key in KEYS]
    assert compute(plan, spine, {"shops": rows.lazy()})["size"].to_list() == expected
