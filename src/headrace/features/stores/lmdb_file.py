"""The file of an embedded store: how it is opened and shared within a process, and how names in it are made.

All numbers in names are big-endian:

    0 (4 bytes) + name                                 a mark
    1 (4 bytes) + space                                the number that stands for the space, 16 or above
    1 (4 bytes)                                        how many spaces there are
    2 (4 bytes)                                        the version of this layout
    number (4 bytes) + length of key (2) + key + name  a field

A commit's pages are on the disk before anything points at them: the file outlasts a loss of power, without the newest commit at most
(`metasync=False`; docs/decisions/0017).
"""

import os
import shutil
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import lmdb

from headrace.core.storage import DiskFull, named_fault
from headrace.features.stores.errors import StoreDamaged, StoreFault, StoreUnusable
from headrace.features.stores.lmdb_pages import missing_pages

MARK, _SPACE, _LAYOUT = (number.to_bytes(4, "big") for number in range(3))
_FIRST = 16
_VERSION = b"1"
_HEAD = struct.Struct(">4sH")
_ADDRESSED_BYTES = 1 << 40
"""How far the file may grow: only addresses are taken, no room in memory or on the disk. Who opens it must agree on it."""
_READERS = 1024
# What LMDB says when the system took a part of what was to be written, as it does when the disk becomes full on the way.
_HALF_WRITTEN = "Input/output error"
_HARDLY_ROOM = 1 << 20
_ANEW = "Move that folder away and start again: state is built anew from the tables of the lake."


def head_of(number: bytes, key: bytes) -> bytes:
    """Return what the names of a record's fields begin with."""
    return _HEAD.pack(number, len(key)) + key


def split(name: bytes) -> tuple[bytes, bytes]:
    """Return the beginning that a field's name shares with those of its record, and the record's key."""
    end = _HEAD.size + _HEAD.unpack_from(name)[1]
    return name[:end], name[_HEAD.size : end]


def fault(action: str, place: str, error: lmdb.Error) -> Exception:
    """Return what a failure of the file is for whoever uses it."""
    if _HALF_WRITTEN in str(error) and shutil.disk_usage(place).free < _HARDLY_ROOM:
        return DiskFull(place)
    if isinstance(error, lmdb.CorruptedError | lmdb.PageNotFoundError):
        return StoreDamaged(place, str(error))
    known = named_fault(error, place)
    return StoreFault(action, place, error) if known is error else known


class LmdbFile:
    """A file that is open once in this process, however many stores use it. Thread safe."""

    _open: ClassVar[dict[str, "LmdbFile"]] = {}
    _turn: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def shared(cls, folder: Path) -> "LmdbFile":
        """Return the open file of a folder, opened if need be. `let_go` is for each who asked."""
        name = str(folder.resolve())
        with cls._turn:
            file = cls._open.get(name) or cls(name)
            cls._open[name] = file
            file._users += 1
        return file

    def __init__(self, name: str) -> None:
        self._name, self._users, self._process = name, 0, os.getpid()
        self._numbers: dict[str, bytes] = {}
        self._given: dict[str, bytes] = {}  # by the transaction that writes now
        self._environment = _opened(name)
        try:
            self._see_layout()
            self.see_newest()
        except BaseException:
            self._environment.close()
            raise

    def let_go(self) -> None:
        """Close the file, if nobody else of this process uses it."""
        with self._turn:
            self._users -= 1
            if not self._users and self._process == os.getpid():
                self._environment.close()
                self._open.pop(self._name, None)

    def reading(self) -> "lmdb.Transaction[bytes]":
        """Begin to read what the last commit left."""
        self._see_process()
        try:
            return self._environment.begin()
        except lmdb.ReadersFullError:
            self._environment.reader_check()  # takes the places of those that were killed
            return self._environment.begin()

    def see_newest(self) -> None:
        """See to it that the next who reads sees a commit whose process was killed after it was made and before it was announced.

        LMDB announces it when the next process writes, which then finds marks moved that it has just read. Waits for a commit that is
        being announced now.
        """
        with self.reading() as transaction:
            announced = transaction.id()
        if announced != self._environment.info()["last_txnid"]:
            with self._environment.begin(write=True) as transaction:
                transaction.abort()

    @contextmanager
    def writing(self) -> Iterator["lmdb.Transaction[bytes]"]:
        """Begin to write, once no other thread or process does; an error inside undoes it."""
        self._see_process()
        self._environment.reader_check()  # what a killed reader held would never be used again, and the file would grow
        with self._environment.begin(write=True) as transaction:
            self._given = {}
            yield transaction
        self._given = {}

    def number(self, transaction: "lmdb.Transaction[bytes]", space: str) -> bytes:
        """Return the number that stands for a space, or nothing if there is none yet."""
        number: bytes = self._numbers.get(space, b"")
        if not number:
            number = transaction.get(_SPACE + space.encode(), b"")
            if number and space not in self._given:  # which may yet be undone
                self._numbers[space] = number
        return number

    def made(self, transaction: "lmdb.Transaction[bytes]", space: str) -> bytes:
        """Return the number that stands for a space, given now if need be."""
        number = self.number(transaction, space)
        if not number:
            name = _SPACE + space.encode()
            spaces = int.from_bytes(transaction.get(_SPACE, b""), "big")
            number = self._given[space] = (_FIRST + spaces).to_bytes(4, "big")
            transaction.put(name, number)
            transaction.put(_SPACE, (spaces + 1).to_bytes(4, "big"))
        return number

    def _see_layout(self) -> None:
        with self._environment.begin() as transaction:
            version = transaction.get(_LAYOUT)
        if version is None:
            with self._environment.begin(write=True) as transaction:
                transaction.put(_LAYOUT, _VERSION)
        elif version != _VERSION:
            raise StoreUnusable(self._name, f"its layout is {version!r}, and this version of Headrace reads {_VERSION!r}", _ANEW)

    def _see_process(self) -> None:
        if self._process != os.getpid():
            # LMDB's library refuses to open it once more in the child, too.
            remedy = "Start the process anew (multiprocessing's 'spawn'), or fork before the state is opened."
            raise StoreUnusable(self._name, "it was opened before this process was forked", remedy)


def _opened(name: str) -> lmdb.Environment:
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
        if lacks := missing_pages(Path(name) / "data.mdb"):
            raise StoreDamaged(name, lacks)
        return lmdb.open(name, map_size=_ADDRESSED_BYTES, max_readers=_READERS, metasync=False, readahead=False, max_spare_txns=1)
    except lmdb.MemoryError as error:
        limit = f"{_ADDRESSED_BYTES >> 40} TiB of addresses cannot be had"
        raise StoreUnusable(name, limit, "Lift the limit of this process's addresses: ulimit -v unlimited.") from error
    except (lmdb.InvalidError, lmdb.VersionMismatchError) as error:
        raise StoreUnusable(name, f"it is no state of Headrace ({error})", _ANEW) from error
    except lmdb.Error as error:
        raise fault("open", name, error) from error
    except OSError as error:
        known = named_fault(error, name)
        raise (StoreUnusable(name, str(error), "Name a folder.") if known is error else known) from error
