"""State in this process's memory, gone with it: for tests, and for verifying a table's history."""

from collections.abc import Sequence
from itertools import islice
from threading import Lock

from headrace.features.stores.contract import Commit, Key, Walked
from headrace.features.stores.errors import MarkMoved


class MemoryStore:
    """Keeps records and marks in dictionaries. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._spaces: dict[str, dict[bytes, dict[bytes, bytes]]] = {}
        self._marks: dict[str, bytes] = {}

    def read(self, keys: Sequence[Key], marks: Sequence[str] = ()) -> tuple[list[list[bytes]], list[bytes | None]]:
        """Return the fields' values of each record, and the marks."""
        with self._lock:
            records = [self._record(*key) for key in keys]
            return [[record[name] for name in sorted(record)] for record in records], [self._marks.get(mark) for mark in marks]

    def fields(self, keys: Sequence[Key], prefix: bytes = b"") -> list[list[tuple[bytes, bytes]]]:
        """Return the fields of each record whose names begin with `prefix`, with their names."""
        with self._lock:
            return [sorted(item for item in self._record(*key).items() if item[0].startswith(prefix)) for key in keys]

    def commit(self, commit: Commit) -> None:
        """Make changes.

        Raises:
            MarkMoved: if a mark is not as expected.
        """
        with self._lock:
            for mark, expected in commit.expect.items():
                if self._marks.get(mark) != expected:
                    raise MarkMoved(mark)
            for field in commit.drop:
                self._drop(field.space, field.key, field.name)
            for field, value in commit.put:
                self._spaces.setdefault(field.space, {}).setdefault(field.key, {})[field.name] = bytes(value)
            for mark, value_or_none in commit.marks.items():
                if value_or_none is None:
                    self._marks.pop(mark, None)
                else:
                    self._marks[mark] = bytes(value_or_none)

    def marks(self, prefix: str) -> dict[str, bytes]:
        """Return the marks whose names begin with `prefix`."""
        with self._lock:
            return {mark: value for mark, value in self._marks.items() if mark.startswith(prefix)}

    def walk(self, space: str, after: bytes | None = None, most: int = 1000) -> Walked:
        """Return some records of a space, in the order of their keys, and where to go on."""
        with self._lock:
            records = self._spaces.get(space, {})
            keys = list(islice((key for key in sorted(records) if after is None or key > after), most))
            more = keys[-1] if keys and len(keys) == most else None
            return Walked([(key, sorted(records[key].items())) for key in keys], more)

    def clear(self, space: str) -> None:
        """Remove all records of a space."""
        with self._lock:
            self._spaces.pop(space, None)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _record(self, space: str, key: bytes) -> dict[bytes, bytes]:
        return self._spaces.get(space, {}).get(key, {})

    def _drop(self, space: str, key: bytes, name: bytes) -> None:
        record = self._record(space, key)
        record.pop(name, None)
        if not record:
            self._spaces.get(space, {}).pop(key, None)
