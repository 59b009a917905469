"""Where the parts of training are worked that can be shared out."""

from collections.abc import Callable
from dataclasses import dataclass

from headrace.engine.executor import Executor
from headrace.features.shared import Shared


@dataclass(frozen=True)
class Spread:
    """An executor, and what its tasks share."""

    executor: Executor
    shared: Shared
    heard: Callable[[], object]
