"""Locks among all who use a ledger: held on a file beside a SQLite one, or by a session of Postgres (`postgres_locks`).

The operating system, or the server, lets go of a lock when the process that holds it dies: none is ever stale.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO


class Hold(Protocol):
    """A lock that is held. One thread at a time."""

    def confirm(self) -> None:
        """Make sure of it. A server that was restarted has forgotten the lock: it is taken again, once the server is back.

        Raises:
            LockLost: if another process was quicker; from then on, always.
            LedgerUnreachable: if the server stays away. The next call tries again.
        """


# Who asks whether a lock is held has a share of its file for an instant: who wants it waits that out.
_LOOK_SECONDS = 0.2


class _FileHold:
    def confirm(self) -> None:
        """An open file cannot lose its lock."""


@contextmanager
def hold_file(path: Path) -> Iterator[Hold | None]:
    """Hold a lock; gives None if another process has it, within a fifth of a second."""
    deadline = time.monotonic() + _LOOK_SECONDS
    with path.open("w") as file:
        while not (taken := _flock(file, fcntl.LOCK_EX)) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS / 20)
        yield _FileHold() if taken else None


def is_file_held(path: Path) -> bool:
    """Tell whether some process has a lock, without taking it: nobody who wants it meanwhile is refused."""
    try:
        with path.open() as file:
            return not _flock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _flock(file: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
