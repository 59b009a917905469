"""The servers of the tests, for benchmarks. Whoever starts one removes it; if he dies, it is stopped."""

import sys
from typing import Any

from benchmarks.environments import ROOT

if str(ROOT / "scripts") not in sys.path:
    sys.path.append(str(ROOT / "scripts"))


def kafka() -> Any:
    """Start a broker of Kafka's protocol."""
    from services.kafka import Kafka  # each benchmark needs the client of its own server alone

    return Kafka()


def redis() -> Any:
    """Start a Redis."""
    from services.redis import Redis  # the same

    return Redis()
