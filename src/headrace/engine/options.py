"""How a graph is to be run."""

import dataclasses
from datetime import timedelta

from headrace.engine.memo import Memo
from headrace.engine.observers import Observer
from headrace.engine.patience import Patience


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteOptions:
    """How to run a graph.

    `run_id` names the run; executing with the id of a run that was killed continues it, and the run must not be alive in another
    process. `store_url` is the URL of the Postgres that keeps a record of each step for the machines that share it; None where one machine
    works alone, for which the memo is record enough. `observers` are told in this order. `workers` is how many steps run at the same time.
    A step that raises a `SystemFault` which may pass is tried `attempts` times, about `retry_seconds` after the first, twice as long after
    each next; so are the memo and the observers. A step that takes longer than `step_timeout`, all its attempts together, has failed.
    `home` is the folder that steps mostly write to, to be named when a disk is full.
    """

    run_id: str
    memo: Memo
    store_url: str | None = None
    observers: tuple[Observer, ...] = ()
    workers: int = 2
    attempts: int = 3
    retry_seconds: float = 1.0
    step_timeout: timedelta | None = None
    home: str = ""

    @property
    def patience(self) -> Patience:
        """How faults that may pass are met."""
        return Patience(self.attempts, self.retry_seconds, self.home)
