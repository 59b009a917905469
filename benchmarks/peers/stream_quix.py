"""Run in the peer's environment: `stream_quix.py SERVERS TOPIC COUNT KIND FOLDER`: three windows a key, state in RocksDB.

Every event updates the count, sum and greatest amount of its key's last hour, day and week, as `sliding` windows, which reach back from
each event, or as `tumbling` ones, which are cheaper and tell less. The answers are not sent anywhere. The clock runs from the first event
to the last; commits are every second, without a changelog topic: state lies on this disk alone, as on the other side.
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

from quixstreams import Application
from quixstreams.dataframe.windows import Count, Max, Sum

servers, topic, count, kind, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], Path(sys.argv[5])
OVERS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}

seen, first, cpu = 0, 0.0, 0.0


def processed(_topic: str, _partition: int, _offset: int) -> None:
    global seen, first, cpu
    if not seen:
        first, cpu = time.perf_counter(), time.process_time()
    seen += 1


app = Application(
    broker_address=servers,
    consumer_group=f"quix-{kind}-{time.time_ns()}",
    auto_offset_reset="earliest",
    state_dir=folder / f"state-{kind}",
    use_changelog_topics=False,
    commit_interval=1.0,
    on_message_processed=processed,
    loglevel="ERROR",
)
events = app.dataframe(app.topic(topic, value_deserializer="json"))
for name, over in OVERS.items():
    windowed = getattr(events, f"{kind}_window")(over, name=name, grace_ms=timedelta(minutes=1))
    windowed.agg(count=Count(), total=Sum("amount"), most=Max("amount")).current()
app.run(count=count * len(OVERS), timeout=120)  # it counts what comes out of each window
print(json.dumps([time.perf_counter() - first, time.process_time() - cpu, seen]))
