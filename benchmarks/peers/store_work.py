"""What one process does to a store in `benchmarks/stores.py`: `python store_work.py KIND FOLDER TASK NUMBERS...`; prints JSON."""

import json
import os
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

_BYTES = 700


class Store(Protocol):
    """The part of the contract that is measured. The mark is a number."""

    def read(self, key: bytes) -> tuple[list[bytes], int]: ...
    def commit(self, put: Iterable[tuple[bytes, bytes, bytes]], expected: int, mark: int) -> None: ...


class Lmdb:
    """Headrace's own."""

    def __init__(self, folder: Path, _writes: bool) -> None:
        from headrace.features.stores.contract import Commit, Field
        from headrace.features.stores.embedded import EmbeddedStore

        self._store, self._commit, self._field = EmbeddedStore(folder), Commit, Field

    def read(self, key: bytes) -> tuple[list[bytes], int]:
        (values,), (mark,) = self._store.read([("trips", key)], ["position"])
        return values, int(mark or 0)

    def commit(self, put: Iterable[tuple[bytes, bytes, bytes]], expected: int, mark: int) -> None:
        fields = [(self._field("trips", key, name), value) for key, name, value in put]
        before = b"%d" % expected if expected else None
        self._store.commit(self._commit(expect={"position": before}, marks={"position": b"%d" % mark}, put=fields))


class Sqlite:
    """One table ordered by space, key and name; WAL; synced at checkpoints only, which keeps the order of commits."""

    def __init__(self, folder: Path, _writes: bool) -> None:
        import sqlite3

        self._db = sqlite3.connect(folder / "state.db", isolation_level=None, timeout=60)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA mmap_size=1073741824")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS field (space TEXT, key BLOB, name BLOB, value BLOB, PRIMARY KEY (space, key, name)) WITHOUT ROWID"
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID")

    def read(self, key: bytes) -> tuple[list[bytes], int]:
        self._db.execute("BEGIN")
        rows = self._db.execute("SELECT value FROM field WHERE space = ? AND key = ? ORDER BY name", ("trips", key)).fetchall()
        mark = self._db.execute("SELECT value FROM mark WHERE name = 'position'").fetchone()
        self._db.execute("COMMIT")
        return [value for (value,) in rows], mark[0] if mark else 0

    def commit(self, put: Iterable[tuple[bytes, bytes, bytes]], expected: int, mark: int) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        there = self._db.execute("SELECT value FROM mark WHERE name = 'position'").fetchone()
        assert (there[0] if there else 0) == expected
        rows = sorted(("trips", *each) for each in put)
        self._db.executemany("INSERT INTO field VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", rows)
        self._db.execute("INSERT INTO mark VALUES ('position', ?) ON CONFLICT DO UPDATE SET value = excluded.value", (mark,))
        self._db.execute("COMMIT")


class Rocks:
    """Keys as Headrace's own file has them; a write batch a commit; a reader is a secondary that catches up before it reads."""

    def __init__(self, folder: Path, writes: bool) -> None:
        from rocksdict import AccessType, Options, Rdict, WriteBatch

        options = Options(raw_mode=True)
        options.create_if_missing(True)
        self._batch, self._writes = WriteBatch, writes
        own = str(folder / f"reader-{os.getpid()}")
        self._db = (
            Rdict(str(folder / "state"), options)
            if writes
            else Rdict(str(folder / "state"), options, access_type=AccessType.secondary(own))
        )

    def read(self, key: bytes) -> tuple[list[bytes], int]:
        if not self._writes:
            self._db.try_catch_up_with_primary()
        prefix, values = b"trips\0" + key + b"\0", []
        cursor = self._db.iter()
        cursor.seek(prefix)
        while cursor.valid() and cursor.key().startswith(prefix):
            values.append(cursor.value())
            cursor.next()
        return values, int(self._db.get(b"position", b"0"))

    def commit(self, put: Iterable[tuple[bytes, bytes, bytes]], expected: int, mark: int) -> None:
        assert int(self._db.get(b"position", b"0")) == expected
        batch = self._batch(raw_mode=True)
        for key, name, value in put:
            batch.put(b"trips\0" + key + b"\0" + name, value)
        batch.put(b"position", b"%d" % mark)
        self._db.write(batch)


_KINDS: dict[str, Any] = {"LMDB": Lmdb, "SQLite": Sqlite, "RocksDB": Rocks}


def fill(store: Store, keys: int, fields: int) -> dict[str, float]:
    """Write every record, in commits of 5,000 keys."""
    rows = [(_key(number), b"%06d" % name, os.urandom(_BYTES)) for number in range(keys) for name in range(fields)]
    began, size = time.process_time(), 5_000 * fields
    for turn, start in enumerate(range(0, len(rows), size)):
        store.commit(rows[start : start + size], turn, turn + 1)
    return {"cpu": time.process_time() - began}


def read(store: Store, reads: int, keys: int, *, for_ever: bool = False) -> dict[str, float]:
    """Read records by chance, so many or until interrupted."""
    taken: list[float] = []
    try:
        while for_ever or len(taken) < reads:
            key = _key(random.randrange(keys))
            began = time.perf_counter()
            values, _ = store.read(key)
            taken.append(time.perf_counter() - began)
            assert len(values) == 3
            if for_ever:
                time.sleep(0.001)
    except KeyboardInterrupt:
        pass
    return _quantiles(taken)


def write(store: Store, turns: int, changed: int, keys: int, *, for_ever: bool = False) -> dict[str, float]:
    """Replace the newest field of so many records a commit; for ever: of the same ones, by the commit's number."""
    _, number = store.read(_key(0))
    taken, cpu = [], []
    while for_ever or len(taken) < turns:
        chosen = range(changed) if for_ever else random.sample(range(keys), changed)
        put = [(_key(each), b"000002", b"%0700d" % (number + 1) if for_ever else os.urandom(_BYTES)) for each in chosen]
        began, began_cpu = time.perf_counter(), time.process_time()
        store.commit(put, number, number + 1)
        number += 1
        taken.append(time.perf_counter() - began)
        cpu.append(time.process_time() - began_cpu)
        if for_ever:
            print(number, flush=True)
    return _quantiles(taken) | {"cpu": sorted(cpu)[len(cpu) // 2]}


def see(store: Store, changed: int, _keys: int) -> dict[str, float]:
    """Say whether what `write` for ever left is one commit whole."""
    found = {int(store.read(_key(each))[0][2]) for each in range(changed)}
    _, number = store.read(_key(0))
    return {"whole": found == {number}, "number": number}


def _key(number: int) -> bytes:
    return b"key-%09d" % number


def _quantiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {"p50": ordered[len(ordered) // 2] * 1e6, "p99": ordered[len(ordered) * 99 // 100] * 1e6, "count": len(ordered)}


def main(kind: str, folder: str, task: str, *numbers: str) -> None:
    store: Store = _KINDS[kind](Path(folder), task in ("fill", "write", "write for ever", "see"))
    work: Any = {"fill": fill, "read": read, "write": write, "see": see}[task.removesuffix(" for ever")]
    options = {"for_ever": True} if task.endswith(" for ever") else {}
    print(json.dumps(work(store, *map(int, numbers), **options)))


if __name__ == "__main__":
    main(*sys.argv[1:])
