"""Storage that takes no more: full, read-only, or somebody else's. One message for each, whichever library met it.

HeadraceError
└── SystemFault
    └── StorageFault
        ├── DiskFull       there is no room left, or a quota is used up
        └── NotWritable    it is mounted read-only, or its owner does not let us

Libraries tell this in ways of their own: an `OSError`, SQLite's result codes, words of Rust crates. `named_fault` knows them all, and
what `object_stores` knows.
"""

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from headrace.core.errors import SystemFault, UserError
from headrace.core.object_stores import store_fault
from headrace.core.units import format_bytes

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "database or disk is full")
_REFUSED_WORDS = ("Read-only file system", "Permission denied", "readonly database")
# SQLite says "disk I/O error" when it cannot lengthen its shared memory; only the disk knows why. That file grows by 32 KiB.
_HARDLY_ROOM = 64 << 10


class StorageFault(SystemFault):
    """Storage that cannot be written to as it stands. Trying again at once does not help."""

    passing = False


class DiskFull(StorageFault):
    """There is no room left, or a quota is used up."""

    def __init__(self, where: str) -> None:
        free = _free_bytes(where)
        told = f" ({format_bytes(free)} free)" if free is not None else ""
        super().__init__(
            f"there is no room left to write {where or 'a file'}{told}.",
            remedy="Make room there, or move the home to a larger disk (--home, HEADRACE_HOME), then run again:"
            " what was finished is kept, and nothing is half-written.",
        )


class NotWritable(StorageFault):
    """It is mounted read-only, or its owner does not let us."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"{where or 'a file'} cannot be written or opened: {why}.",
            remedy="Mount it for writing, or let this user write there, or name another place: --output for what a command writes,"
            " --home or HEADRACE_HOME for what Headrace keeps. Then run again.",
        )


def named_fault(error: Exception, where: str = "") -> Exception:
    """Return the fault of a disk or an object store that stands behind an error, or else the error itself.

    `where` is the file or folder, for libraries that do not tell it. A `UserError` says already whose fault it was.
    """
    if isinstance(error, UserError | StorageFault):
        return error
    causes = tuple(_causes(error))
    where = next(filter(None, map(_place, causes)), where)
    for cause in causes:
        if _is_full(cause, where):
            return _caused(DiskFull(where), error)
        why = _refusal(cause, where)
        if why:
            return _caused(NotWritable(where, why), error)
        unread = store_fault(cause)
        if unread:
            return _caused(unread, error)
    return error


def try_writing(folder: Path) -> Path:
    """Write into a folder, or into the nearest above it that is there, and leave nothing; return which it was.

    Raises:
        StorageFault: if it is full or may not be written; or the `OSError` that says what else is wrong with it.
    """
    there = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:  # it never has a name where the system can do without
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        error.filename = str(there)  # not the trial's own name
        fault = named_fault(error)
        raise fault from fault.__cause__
    return there


def _caused(fault: SystemFault, error: Exception) -> SystemFault:
    fault.__cause__ = error
    return fault


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(10):  # chains are short; one that runs in a circle is left
        if seen is None:
            return
        yield seen
        driver = getattr(seen, "orig", None)  # what SQLAlchemy wraps
        seen = driver if isinstance(driver, BaseException) else seen.__cause__ or seen.__context__


def _place(cause: BaseException) -> str:
    if isinstance(cause, SystemFault):
        return str(getattr(cause, "place", "")).removeprefix("sqlite:///")
    return str(cause.filename) if isinstance(cause, OSError) and cause.filename else ""


def _is_full(cause: BaseException, where: str) -> bool:
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return True
    if isinstance(cause, sqlite3.OperationalError) and "disk I/O error" in str(cause):
        free = _free_bytes(where)
        return free is not None and free < _HARDLY_ROOM
    return any(words in str(cause) for words in _FULL_WORDS)


def _refusal(cause: BaseException, where: str) -> str:
    if isinstance(cause, OSError) and cause.errno in _REFUSED:
        return cause.strerror or type(cause).__name__
    if isinstance(cause, sqlite3.OperationalError) and "unable to open database file" in str(cause):
        return _closed_folder(Path(where).absolute().parent) if where and "://" not in where else ""
    return next((words for words in _REFUSED_WORDS if words in str(cause)), "")


def _closed_folder(folder: Path) -> str:
    """Return why SQLite cannot make the files it needs beside a database, or nothing."""
    if not folder.exists() or os.access(folder, os.W_OK):
        return ""
    return os.strerror(errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else errno.EACCES)


def _free_bytes(where: str) -> int | None:
    """Return the room on the disk of a path, or of the nearest folder above it that is there; None for what is no path."""
    if not where or "://" in where:
        return None
    path = Path(where).absolute()
    for place in (path, *path.parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None
