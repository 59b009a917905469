"""The link to a store of online state that is written meanwhile: whether it answers, and how far its tables are known.

Who finds that it does not answer, or lacks rows, says so, and everybody who asks is refused at once; one thread looks until it is back.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from headrace.core.errors import SystemFault
from headrace.serving.errors import StateAway

_LOG = logging.getLogger("headrace.serving")
_LOOK_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True)
class LinkStatus:
    """How the link stands. `watermarks` are those of the last look that found any; `fault` is why questions are refused."""

    fault: str | None
    watermarks: Mapping[str, datetime | None]


class StateLink:
    """Shared by all models that read one store. Thread safe."""

    def __init__(self, newest: Callable[[], Mapping[str, datetime | None]], retry_after_seconds: int = 1) -> None:
        """Take a function that reads how far tables are known, and raises a SystemFault where that cannot be said."""
        self._newest, self._retry_after_seconds = newest, retry_after_seconds
        self._watermarks: Mapping[str, datetime | None] = {}
        self._fault: SystemFault | None = None
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start to look, now and every second."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="state-link", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def status(self) -> LinkStatus:
        """How the link stands now."""
        fault = self._fault
        return LinkStatus(None if fault is None else fault.problem.rstrip("."), self._watermarks)

    def check(self) -> None:
        """Check that the store answered when it was last asked.

        Raises:
            StateAway: if it did not.
        """
        fault = self._fault
        if fault is not None:
            raise StateAway(fault.problem, self._retry_after_seconds)

    def lost(self, fault: SystemFault) -> StateAway:
        """Take note that the store failed a question, and return what to say to whoever asked."""
        self._tell(fault)
        self._wake.set()
        return StateAway(fault.problem, self._retry_after_seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._look()
            self._wake.wait(_LOOK_SECONDS if self._fault is None else _LOOK_AGAIN_SECONDS)
            self._wake.clear()

    def _look(self) -> None:
        try:
            self._watermarks = self._newest()
        except SystemFault as fault:
            self._tell(fault)
        else:
            if self._fault is not None:
                self._fault = None
                _LOG.warning("the online state answers again")

    def _tell(self, fault: SystemFault) -> None:
        known, self._fault = self._fault, fault
        if type(known) is not type(fault):
            _LOG.warning("questions cannot be answered until the online state can be read again: %s", fault.problem)
