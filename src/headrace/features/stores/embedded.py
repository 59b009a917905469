"""Online state in a folder of this machine: an LMDB file that many processes read and, in turn, write."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lmdb

from headrace.features.stores.contract import Commit, Field, Key, Walked
from headrace.features.stores.errors import MarkMoved
from headrace.features.stores.lmdb_file import MARK, LmdbFile, fault, head_of, split

_CLEARED_AT_ONCE = 10_000


class EmbeddedStore:
    """Online state in a folder. Whoever opens it first makes it; several in one process share one file.

    >>> import tempfile
    >>> store = EmbeddedStore(Path(tempfile.mkdtemp()))
    >>> store.commit(Commit(marks={"position": b"7"}, put=[(Field("trips", b"EWR", b"1"), b"three rows")]))
    >>> store.read([("trips", b"EWR"), ("trips", b"LGA")], ["position"])
    ([[b'three rows'], []], [b'7'])
    >>> store.close()
    """

    def __init__(self, folder: Path) -> None:
        """Open it.

        Raises:
            StoreUnusable: if what is there is no state that this version reads.
            StoreDamaged: if it was cut off or garbled, as far as that is seen without reading all of it.
            StorageFault: if it is not there and cannot be made.
        """
        self._place = str(folder)
        with self._told("open"):
            self._file = LmdbFile.shared(folder)
        self._closed = False

    def read(self, keys: Sequence[Key], marks: Sequence[str] = ()) -> tuple[list[list[bytes]], list[bytes | None]]:
        """Return the values of the records' fields, and the marks, all as one commit left them."""
        try:  # in so many words, since a request waits for it: half the time of what the other methods do
            with self._file.reading() as transaction:
                cursor = transaction.cursor()
                records = [_values(cursor, self._head(transaction, *key)) for key in keys]
                return records, [transaction.get(MARK + mark.encode()) for mark in marks]
        except lmdb.Error as error:
            raise fault("read", self._place, error) from error

    def fields(self, keys: Sequence[Key], prefix: bytes = b"") -> list[list[tuple[bytes, bytes]]]:
        """Return the fields of the records, with their names."""
        found = []
        with self._reading() as transaction:
            cursor = transaction.cursor()
            for key in keys:
                head = self._head(transaction, *key)
                found.append([(name[len(head) :], value) for name, value in _under(cursor, head and head + prefix)])
        return found

    def commit(self, commit: Commit) -> None:
        """Make changes in a transaction of the file, after those of other processes."""
        with self._writing() as transaction:
            for mark, expected in commit.expect.items():
                if transaction.get(MARK + mark.encode()) != expected:
                    raise MarkMoved(mark)
            for mark, value in commit.marks.items():
                _set(transaction, MARK + mark.encode(), value)
            for field in commit.drop:
                transaction.delete(self._name(transaction, field))
            put = {self._name(transaction, field): value for field, value in commit.put}
            transaction.cursor().putmulti(sorted(put.items()))

    def marks(self, prefix: str) -> dict[str, bytes]:
        """Return the marks whose names begin with `prefix`."""
        with self._told("read"):
            self._file.see_newest()
        with self._reading() as transaction:
            found = _under(transaction.cursor(), MARK + prefix.encode())
            return {name[len(MARK) :].decode(): value for name, value in found}

    def walk(self, space: str, after: bytes | None = None, most: int = 1000) -> Walked:
        """Return some records; those of short keys come first."""
        records: list[tuple[bytes, list[tuple[bytes, bytes]]]] = []
        with self._reading() as transaction:
            number, head = self._file.number(transaction, space), b""
            for name, value in _under(transaction.cursor(), number, after):
                if not (head and name.startswith(head)):
                    head, key = split(name)
                    if len(records) == most:
                        return Walked(records, head)
                    records.append((key, []))
                records[-1][1].append((name[len(head) :], value))
        return Walked(records, None)

    def clear(self, space: str) -> None:
        """Remove all records of a space, some thousand fields in a transaction."""
        removed = _CLEARED_AT_ONCE
        while removed == _CLEARED_AT_ONCE:
            with self._writing() as transaction:
                removed = _remove(transaction.cursor(), self._file.number(transaction, space))

    def close(self) -> None:
        """Let go of the file, once nobody of this process uses it any more."""
        if not self._closed:
            self._closed = True
            self._file.let_go()

    def _head(self, transaction: "lmdb.Transaction[bytes]", space: str, key: bytes) -> bytes:
        """Return what the names of a record's fields begin with; nothing if there is no such space."""
        number = self._file.number(transaction, space)
        return number and head_of(number, key)

    def _name(self, transaction: "lmdb.Transaction[bytes]", field: Field) -> bytes:
        return head_of(self._file.made(transaction, field.space), field.key) + field.name

    @contextmanager
    def _reading(self) -> Iterator["lmdb.Transaction[bytes]"]:
        with self._told("read"), self._file.reading() as transaction:
            yield transaction

    @contextmanager
    def _writing(self) -> Iterator["lmdb.Transaction[bytes]"]:
        with self._told("write to"), self._file.writing() as transaction:
            yield transaction

    @contextmanager
    def _told(self, action: str) -> Iterator[None]:
        try:
            yield
        except lmdb.Error as error:
            raise fault(action, self._place, error) from error


def _under(cursor: "lmdb.Cursor[bytes]", prefix: bytes, start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
    """Yield what the file holds by names that begin with `prefix`, in their order; nothing for an empty one."""
    found = bool(prefix) and cursor.set_range(start or prefix)
    while found and (name := cursor.key()).startswith(prefix):
        yield name, cursor.value()
        found = cursor.next()


def _values(cursor: "lmdb.Cursor[bytes]", prefix: bytes) -> list[bytes]:
    """Return what the file holds by names that begin with `prefix`, without the names."""
    values: list[bytes] = []
    found = bool(prefix) and cursor.set_range(prefix)
    while found and cursor.key().startswith(prefix):
        values.append(cursor.value())
        found = cursor.next()
    return values


def _set(transaction: "lmdb.Transaction[bytes]", name: bytes, value: bytes | None) -> None:
    if value is None:
        transaction.delete(name)
    else:
        transaction.put(name, value)


def _remove(cursor: "lmdb.Cursor[bytes]", prefix: bytes) -> int:
    """Remove what begins with `prefix`, up to so many; return how many."""
    removed = 0
    found = bool(prefix) and cursor.set_range(prefix)
    while found and removed < _CLEARED_AT_ONCE and cursor.key().startswith(prefix):
        found, removed = cursor.delete() and bool(cursor.key()), removed + 1
    return removed
