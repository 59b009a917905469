"""The bounded buffer between answers and the sink, and the thread that empties it.

No lock in the request path: the event loop alone writes `_taken`, the writer alone writes `_written`, and a deque's ends are atomic.
"""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass

from headrace.core.clock import Clock
from headrace.core.errors import HeadraceError
from headrace.core.ids import new_id
from headrace.core.storage import named_fault
from headrace.core.units import counted
from headrace.serving.errors import Overloaded, PredictionsLost
from headrace.serving.records import PredictionBatch, PredictionRecord, PredictionSink, UsageWindow

_LOG = logging.getLogger("headrace.serving")
_FIRST_RETRY_SECONDS = 0.05
_LAST_RETRY_SECONDS = 5.0
# A write of few predictions to a lake costs as much CPU as scoring a thousand, and more with every file there is: where predictions
# trickle in, the writer rests until the next write is at most this share of the time.
_WRITING_SHARE = 0.05
_LONGEST_REST_SECONDS = 5.0


@dataclass(frozen=True)
class LogStatus:
    """How the log stands. `error` is the last failure of the sink, None once a write has succeeded again."""

    waiting: int
    written: int
    failures: int
    error: str | None
    has_room: bool


@dataclass(frozen=True)
class LogOptions:
    """How the log is written: every `flush_seconds`, or when `batch_records` wait; `close_seconds` is the last chance at the stop.

    After a slow write the next one comes later, by five seconds at most: that much may be lost when the process is killed. A failure that
    lasts is told again every `retell_seconds`.
    """

    capacity: int = 20_000
    flush_seconds: float = 0.5
    batch_records: int = 10_000
    close_seconds: float = 30.0
    retry_after_seconds: int = 1
    retell_seconds: float = 60.0


class PredictionLog:
    """Takes records from the event loop, gives them to the sink in batches from one thread, and forgets none while the process lives."""

    def __init__(self, sink: PredictionSink, clock: Clock, options: LogOptions | None = None) -> None:
        self._sink = sink
        self._clock = clock
        self._options = options or LogOptions()
        self._records: deque[PredictionRecord] = deque()
        self._taken = 0
        self._written = 0
        self._failures = 0
        self._error: str | None = None
        self._told: dict[type[BaseException], float] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the writer; usage counts from here. There is one writer: doing it again changes nothing."""
        if self._thread is not None:
            return
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def reserve(self, count: int) -> None:
        """Take room for so many records before they are computed.

        Raises:
            Overloaded: if there is none; nothing is ever dropped to make some.
        """
        if self._taken - self._written + count > self._options.capacity:
            self._wake.set()
            raise Overloaded("predictions waiting to be logged", self._options.retry_after_seconds)
        self._taken += count

    def release(self, count: int) -> None:
        """Give room back that no record will fill."""
        self._taken -= count

    def append(self, record: PredictionRecord) -> None:
        """Hand over a record for which room was reserved."""
        self._records.append(record)
        if len(self._records) >= self._options.batch_records and not self._wake.is_set():
            self._wake.set()

    def status(self) -> LogStatus:
        """How the log stands now."""
        waiting = self._taken - self._written
        return LogStatus(waiting, self._written, self._failures, self._error, waiting < self._options.capacity)

    def close(self) -> None:
        """Write what waits and stop the writer. Doing it again only tells again what was lost.

        Raises:
            PredictionsLost: if the sink still failed when `close_seconds` had passed.
        """
        if self._thread is not None:
            self._deadline = time.perf_counter() + self._options.close_seconds
            self._stopping.set()
            self._wake.set()
            self._thread.join(self._options.close_seconds + _LAST_RETRY_SECONDS)
            self._thread = None
        if self._taken > self._written:
            raise PredictionsLost(self._taken - self._written, self._error or "the log did not answer in time")

    def _run(self) -> None:
        rest = self._options.flush_seconds
        while not self._stopping.is_set():
            self._wake.wait(rest)
            self._wake.clear()
            started = time.perf_counter()
            self._flush()
            took = time.perf_counter() - started
            rest = max(self._options.flush_seconds, min(took / _WRITING_SHARE, _LONGEST_REST_SECONDS))
        while self._flush():
            pass

    def _flush(self) -> bool:
        """Write what waits now, and return whether there was something and all of it could be written."""
        waiting = left = len(self._records)
        while left and time.perf_counter() < self._deadline:
            count = min(left, self._options.batch_records)
            records = tuple(self._records.popleft() for _ in range(count))
            if not self._write(PredictionBatch(new_id("bat", self._clock.now()), records, self._usage(count))):
                return False
            left -= count
        return waiting > left == 0

    def _usage(self, predictions: int) -> UsageWindow:
        cpu, wall = time.process_time(), time.perf_counter()
        window = UsageWindow(predictions, cpu - self._cpu, wall - self._wall)
        self._cpu, self._wall = cpu, wall
        return window

    def _write(self, batch: PredictionBatch) -> bool:
        pause = _FIRST_RETRY_SECONDS
        while not self._try(batch):
            left = self._deadline - time.perf_counter()
            if left <= 0:
                return False
            pause = self._rest(min(pause, left))
        return True

    def _try(self, batch: PredictionBatch) -> bool:
        try:
            self._sink.write(batch)
        except BaseException as error:  # noqa: BLE001 - whatever the sink raises, a panic too, the records must be kept and offered again
            self._failures += 1
            self._tell(named_fault(error) if isinstance(error, Exception) else error)
            return False
        self._error = None
        if self._told:
            self._told.clear()
            _LOG.warning("predictions are logged again; %s", counted(self._taken - self._written, "was waiting", "were waiting"))
        self._written += len(batch.records)
        return True

    def _rest(self, pause: float) -> float:
        """Wait before the next attempt, and return how long to wait after it. The stop ends a wait, and begins with short ones."""
        if self._stopping.is_set():
            time.sleep(pause)
        elif self._stopping.wait(pause):
            return _FIRST_RETRY_SECONDS
        return min(pause * 2, _LAST_RETRY_SECONDS)

    def _tell(self, fault: BaseException) -> None:
        """Tell of a failure, unless one of its kind was just told: the words may differ each time, by a file's name or a duration."""
        self._error = (fault.problem if isinstance(fault, HeadraceError) else f"{type(fault).__name__}: {fault}").rstrip(".")
        now = time.perf_counter()
        if now - self._told.get(type(fault), float("-inf")) >= self._options.retell_seconds:
            self._told[type(fault)] = now
            waiting = counted(self._taken - self._written, "prediction waits", "predictions wait")
            _LOG.warning("predictions cannot be logged, %s and will be tried again: %s", waiting, self._error)
