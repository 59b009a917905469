"""Events a second from a broker into the state of nine windows, three of each length, against Quix Streams.

One broker, one topic of one partition, the same JSON events. `headrace stream` decodes and checks them, commits state, position and rows
together, and brings the rows into the lake; Quix Streams updates windows in RocksDB and commits its position every second, at least once.
Quix is asked for sliding windows, which are what Headrace has, and for tumbling ones, which are cheaper. It is given fewer events, as it
takes longer.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import PEERS, PeerMissing, peer
from benchmarks.report import Line, machine, table, versions
from benchmarks.services import kafka

EVENTS, QUIX_EVENTS, KEYS, TURNS, BOUND = 300_000, {"tumbling": 20_000, "sliding": 5_000}, 1_000, 3, 5
_STEP_MS = 1_500
"""Between events: all of them in the last five days, for a broker forgets what is older than a week."""
_PROJECT = '''"""Nine windows over events that come from a broker."""

import headrace as hr
from headrace import col

events = hr.Events(
    "events",
    source=hr.Kafka("{topic}", servers="{servers}", timestamp="moment", history="1h"),
    types={{"key": "int", "amount": "float"}},
    time="moment",
)
windows = {{
    f"{{name}}_{{over}}": hr.window(events, aggregate, by="key", over=over)
    for over in ("1h", "1d", "7d")
    for name, aggregate in {{"count": hr.count(), "total": col("amount").sum(), "most": col("amount").max()}}.items()
}}
features = hr.Features(spine=events, given=["key", "moment"], as_of=col("moment"), values=windows)
split = hr.split.by_time(validation="1d", test="1d")
target = col("amount") > 50
large = hr.Model("large", features=features, target=target, split=split, candidates=[hr.Baseline()], metric="roc_auc")
project = hr.Project("speed", models=[large])
'''


@dataclass(frozen=True)
class Speed:
    """How many events a second were taken, and how many a second of CPU."""

    by_second: float
    by_cpu: float


def lines(folder: Path, events: int = EVENTS, turns: int = TURNS) -> list[Line]:
    """Return the measurements as lines of a table."""
    broker = kafka()
    try:
        topic = broker.topic()
        _fill(broker, topic, events)
        ours: list[Speed] = []
        theirs: dict[str, list[Speed]] = {kind: [] for kind in QUIX_EVENTS}
        for number in range(turns):
            ours.append(_headrace(folder / f"headrace-{number}", broker, topic, events))
            for kind, count in QUIX_EVENTS.items():
                theirs[kind].append(_quix(folder / f"quix-{kind}-{number}", broker, topic, kind, min(count, events)))
    except PeerMissing as reason:
        return [*_told("headrace", ours), Line("stream_speed", "Quix Streams: not measured", str(reason))]
    finally:
        broker.remove()
    found = _told(f"headrace, {events:,} events of {KEYS:,} keys", ours)
    for kind, speeds in theirs.items():
        found += _told(f"Quix Streams, {kind} windows", speeds)
        ratio = statistics.median(our.by_second / their.by_second for our, their in zip(ours, speeds, strict=True))
        of_cpu = statistics.median(our.by_cpu / their.by_cpu for our, their in zip(ours, speeds, strict=True))
        value = f"{ratio:.1f} x; of CPU {of_cpu:.1f} x"
        found.append(Line("stream_speed", f"headrace over Quix Streams, {kind}", value, f">= {BOUND} x", ratio >= BOUND))
    return found


def _told(who: str, speeds: list[Speed]) -> list[Line]:
    if not speeds:
        return []
    by_second, by_cpu = (statistics.median(getattr(each, name) for each in speeds) for name in ("by_second", "by_cpu"))
    return [Line("stream_speed", who, f"{by_second:,.0f} events/s; {by_cpu:,.0f} a second of CPU")]


def messages(count: int) -> Iterator[tuple[str, bytes, int]]:
    """Yield the key, the value and the moment of each event."""
    rng, start = random.Random(11), int(time.time() * 1000) - count * _STEP_MS
    for number in range(count):
        key = rng.randrange(KEYS)
        yield str(key), json.dumps({"key": key, "amount": round(rng.gammavariate(2, 30), 2)}).encode(), start + number * _STEP_MS


def _fill(broker: Any, topic: str, count: int) -> None:
    producer = broker.producer(linger_ms="50", queue_buffering_max_messages="1000000")
    for key, value, moment in messages(count):
        producer.produce(topic, value, key, partition=0, timestamp=moment)
        producer.poll(0)
    if left := producer.flush(120):
        raise RuntimeError(f"the broker did not take {left:,} of {count:,} events")


def _headrace(folder: Path, broker: Any, topic: str, count: int) -> Speed:
    folder.mkdir()
    (folder / "project.py").write_text(_PROJECT.format(topic=topic, servers=broker.servers), encoding="utf-8")
    environment = {**{name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}, "HEADRACE_USER": "ana"}
    log = folder / "said.txt"
    with log.open("wb") as said:
        command = [sys.executable, "-m", "headrace", "stream", "--once", "--json"]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(encoding="utf-8")
    if process.returncode:
        raise RuntimeError(f"headrace stream ended with {process.returncode}:\n{text[-3000:]}")
    report = json.loads(text[text.index("{") :])
    (streamed,) = report["tables"]
    if streamed["accepted"] != count:
        raise RuntimeError(f"headrace took {streamed['accepted']:,} of {count:,} events: {streamed}")
    return Speed(count / report["seconds"], count / (used.ru_utime + used.ru_stime))


def _quix(folder: Path, broker: Any, topic: str, kind: str, count: int) -> Speed:
    folder.mkdir()
    command = [peer("quix").python, "-W", "ignore", str(PEERS / "stream_quix.py"), broker.servers, topic, str(count), kind, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, cpu_seconds, seen = json.loads(done.stdout.strip().splitlines()[-1])
    return Speed(seen / seconds, seen / cpu_seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream_speed", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help=f"how many; default: {EVENTS:,}")
    parser.add_argument("--turns", type=int, default=TURNS)
    arguments = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        found = lines(Path(folder), arguments.events, arguments.turns)
    print(versions("headrace", "polars", "confluent-kafka", "noida-db"), machine(), table(found), sep="\n")
    print(f"{time.perf_counter() - started:.0f} s in all", file=sys.stderr)


if __name__ == "__main__":
    main()
