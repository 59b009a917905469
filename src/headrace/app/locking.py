"""One run of a project at a time on a machine. The operating system lets go of the lock when a process dies: none is ever stale."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def run_lock(home: Path, project: str) -> Iterator[bool]:
    """Hold the lock of a project's runs; gives False at once if another process holds it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{project}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
