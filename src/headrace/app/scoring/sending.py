"""Sending answers to a target outside, in a thread of its own: it may be slow or away, and nothing else waits for it."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Protocol

import polars as pl

from headrace.app.scoring.errors import NotTaken, TargetNeedsExtra
from headrace.app.scoring.outgoing import Outgoing, Parcel
from headrace.app.scoring.webhook import WebhookCourier
from headrace.app.workspace import Workspace
from headrace.core.errors import SystemFault
from headrace.core.units import counted
from headrace.features.stores.contract import StateStore
from headrace.spec.scoring import Target, ToKafka, Webhook

_IDLE_SECONDS = 0.5
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.5, 60.0
_LAST_CHANCE_SECONDS = 30.0
_LONGEST_SEND_SECONDS = 40.0
_MOMENT_SECONDS = 1.0
_LONGEST_ASKED_SECONDS = 600.0
"""A target that asks for more is asked again all the same: it may be wrong."""


class Courier(Protocol):
    """Brings predictions to one target."""

    def send(self, partition: int, rows: pl.DataFrame, /) -> Iterator[int]:
        """Send rows of a partition in their order; give each time how many more were taken.

        Raises:
            NotTaken: if they are not; those after the ones that were taken are to be sent again.
        """
        ...

    def close(self) -> None:
        """Let go of the target."""
        ...


def open_courier(target: Target, workspace: Workspace) -> Courier:
    """Return who brings predictions to a target.

    Raises:
        TargetNeedsExtra: if a library is not installed.
        SecretMissing, SpecError: if the declaration cannot be used.
    """
    if isinstance(target, Webhook):
        return WebhookCourier(target, workspace.secrets, workspace.clock)
    assert isinstance(target, ToKafka), "tables are not sent to"
    try:
        from headrace.app.scoring.kafka import KafkaCourier  # its library is an extra
    except ModuleNotFoundError as error:
        raise TargetNeedsExtra(target.place, "kafka", target.location) from error
    return KafkaCourier(target, workspace.secrets)


class Sending:
    """Sends what waits for one target until it is closed. What it has to say is in `notes`."""

    def __init__(self, outgoing: Outgoing, courier: Courier, store: StateStore) -> None:
        self.notes: deque[str] = deque()
        self._outgoing, self._courier, self._store = outgoing, courier, store
        self._wake, self._closing, self._given_up = threading.Event(), threading.Event(), threading.Event()
        self._deadline = float("inf")
        self._trouble = False
        self._begun: tuple[Parcel, int] | None = None
        self._pause = _FIRST_PAUSE_SECONDS
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run_noting_failure, name="predictions-out", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to send."""
        self._wake.set()

    def raise_failure(self) -> None:
        """Raise what has ended the sending that nothing foresaw."""
        if self._failure is not None:
            raise self._failure

    def close(self, *, at_once: bool = False) -> None:
        """Send what waits, if the target takes it, and end; `at_once`: in a second, whatever is under way then is sent again."""
        chance = _MOMENT_SECONDS if at_once else _LAST_CHANCE_SECONDS
        self._deadline = time.monotonic() + chance
        self._closing.set()
        self._wake.set()
        self._thread.join(chance if at_once else chance + _LONGEST_SEND_SECONDS)
        self._given_up.set()  # a target that answers only now has a store that is closed
        if waiting := self._outgoing.waiting_bytes:
            place = self._outgoing.target.place
            self.notes.append(f"predictions of {counted(waiting, 'byte')} wait for {place}, and are sent the next time")

    def _run_noting_failure(self) -> None:
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001  nobody sees what ends a thread: `raise_failure` shows it
            self._failure = error
        finally:
            self._courier.close()

    def _run(self) -> None:
        while not self._given_up.is_set():
            parcels = self._outgoing.next()
            if self._closing.is_set() and (not parcels or self._trouble or time.monotonic() > self._deadline):
                return
            if not parcels:
                self._wake.wait(_IDLE_SECONDS)
                self._wake.clear()
            for parcel in parcels:
                if self._given_up.is_set():
                    return
                try:
                    self._give_up_what_is_too_much()
                    self._send(parcel)
                except SystemFault as fault:  # the target's or the store's: nothing is lost, and it is tried again
                    self._failed(fault)
                    break

    def _send(self, parcel: Parcel) -> None:
        rows = self._outgoing.rows(self._store, parcel)
        if rows is None:  # it was given up, or another has sent it: that says nothing of the target
            self._outgoing.done(self._store, parcel)
            return
        begun, taken = self._begun or (parcel, 0)
        taken = taken if begun == parcel else 0
        for more in self._courier.send(parcel.partition, rows[taken:]):
            taken += more
            self._begun = parcel, taken
            if self._closing.is_set() and time.monotonic() > self._deadline:
                return
        if self._given_up.is_set():
            return
        self._outgoing.done(self._store, parcel)
        self._begun, self._pause = None, _FIRST_PAUSE_SECONDS
        if self._trouble:
            self._trouble = False
            self.notes.append(f"predictions are taken again by {self._outgoing.target.place}")

    def _failed(self, fault: SystemFault) -> None:
        if not self._trouble:
            self.notes.append(f"{fault.problem.rstrip('.')}; they are kept, and sent again")
        self._trouble = True
        self._closing.wait(self._pause_after(fault))
        self._pause = min(2 * self._pause, _LAST_PAUSE_SECONDS)

    def _pause_after(self, fault: SystemFault) -> float:
        asked = fault.wait_seconds if isinstance(fault, NotTaken) else None
        return max(self._pause, min(asked or 0, _LONGEST_ASKED_SECONDS))

    def _give_up_what_is_too_much(self) -> None:
        parcels = self._outgoing.too_many()
        for parcel in parcels:
            self._outgoing.done(self._store, parcel)
        if parcels:
            many = counted(len(parcels), "batch", "batches")
            self.notes.append(f"too much waits for {self._outgoing.target.place}: the oldest {many} of predictions are given up")
