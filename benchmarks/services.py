"""The servers of the tests, for benchmarks: a broker of Kafka's protocol and a Redis, each ended with the process that asked for it."""

import sys

from benchmarks.environments import ROOT

sys.path.append(str(ROOT / "scripts"))

from services.kafka import Kafka
from services.redis import Redis

__all__ = ["Kafka", "Redis"]
