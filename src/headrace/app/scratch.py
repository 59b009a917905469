"""Where rows wait on disk while something larger than memory is computed: beside the ledger, since a machine's /tmp is often memory."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = "lock"


@contextmanager
def scratch(home: Path) -> Iterator[Path]:
    """Make a folder and remove it in the end. What a process left that died is removed on the way: its lock died with it."""
    parent = home / "scratch"
    parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(parent)
    # The lock is taken under another name: a folder without a lock that could be seen would count as abandoned.
    folder = Path(tempfile.mkdtemp(prefix=".new-", dir=parent))
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = folder.rename(parent / folder.name.removeprefix(".new-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.iterdir():
        if folder.name.startswith(".new-"):
            continue
        try:
            with (folder / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)  # another process may be removing it too
        except (FileNotFoundError, BlockingIOError):
            continue
