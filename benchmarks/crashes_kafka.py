"""`python -m benchmarks.crashes_kafka [KILLS]`: kill -9 of workers that share a topic of a real broker (default 60 times), fifteen a home.

Orders flow in four partitions, with late ones, repeats and bad messages. Two or three workers of one group take them, with their state in
one Redis or in one folder. At random moments one is killed, told to stop, or frozen until others have its partitions; Redis is stopped or
killed, the broker is stopped, and both come back; workers join. At the end of each home what was made is compared with what a naive reader
makes of the broker's log: rows by their numbers in table, late table and quarantine; counts of each partition and in the ledger; the
state with one made from the lake at once, and with features in batch. Prints a line a home, and a table of all. Exit code 1 if anything
is wrong.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e import stream_chaos
from tests.e2e.kafka_stream import Outcome

from benchmarks import services

if TYPE_CHECKING:
    from services.kafka import Kafka
    from services.redis import Redis

_A_HOME, _PARTITIONS = 15, 4


def main(kills: int) -> int:
    """Kill until it is enough; return the exit code."""
    did, outcomes, number = Counter[str](), list[Outcome](), 0
    kafka, redis = services.kafka(), services.redis()
    try:
        while did["worker killed"] < kills:
            number += 1
            outcomes.append(_home(number, kafka, redis if number % 2 else None, min(_A_HOME, kills - did["worker killed"]), did))
    finally:
        kafka.remove()
        redis.remove()
    _table(did, outcomes)
    return 0 if all(each.is_right for each in outcomes) else 1


def _home(number: int, kafka: "Kafka", redis: "Redis | None", kills: int, did: Counter[str]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="headrace-crashes-") as folder:
        place = stream_chaos.place_in(Path(folder) / "home", kafka, redis, _PARTITIONS)
        with stream_chaos.Chaos(place, seed=number) as chaos:
            chaos.run(kills)
            outcome = chaos.finish()
        kind = "Redis" if redis else "a folder"
        faults = f"{outcome.lost} lost, {outcome.doubled} doubled, {outcome.misplaced} misplaced"
        print(f"home {number}, state in {kind}: {dict(chaos.did)}; {outcome.events:,} events, {faults}", flush=True)
        for each in outcome.wrong:
            print(f"  {each[:600]}", flush=True)
        slowest = max(did["slowest stop, seconds"], chaos.did["slowest stop, seconds"])
        did.update(chaos.did)
        did["slowest stop, seconds"] = slowest
        return outcome


def _table(did: Counter[str], outcomes: list[Outcome]) -> None:
    for what, times in sorted(did.items()):
        print(f"{what:<28}{times:>8,}")
    for name in ("events", "lost", "doubled", "misplaced"):
        print(f"{name:<28}{sum(getattr(each, name) for each in outcomes):>8,}")
    print(f"{'homes in which more is wrong':<28}{sum(bool(each.wrong) for each in outcomes):>8,}")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
