"""What a learner keeps in the store: what it has learnt, rows that wait for their answer, and what lies there until it is on record.

All of it changes in one commit with the learner's mark. Rows in pieces: one is removed when all of its rows are learnt, and small ones
are put together.
"""

from typing import NamedTuple

import msgspec
import polars as pl

from headrace.app.learning.snapshot import ASKED, KNOWN, Snapshot
from headrace.core.moments import moment_of
from headrace.features.stores.contract import Commit, Field, Key, StateStore
from headrace.lake.frames import bytes_frame, frame_bytes

_CHUNK_BYTES = 1 << 20
_SMALL_ROWS = 2_000
LEARNER = "learner/"
"""What the spaces of learners begin with."""


class Piece(NamedTuple):
    """Some rows, and the number by which they are kept."""

    number: int
    rows: pl.DataFrame


class Pieces(NamedTuple):
    """Rows that are kept in one record; of the rows that it holds some may be done."""

    key: Key
    pieces: tuple[Piece, ...] = ()

    @property
    def rows(self) -> list[pl.DataFrame]:
        """The rows, piece by piece."""
        return [each.rows for each in self.pieces]

    def changed(self, done: pl.Expr | None, added: pl.DataFrame, number: int) -> tuple["Pieces", Commit]:
        """Return them without those that are `done` and with more, under a number of their own, and what makes them so in the store."""
        left = [Piece(each.number, each.rows if done is None else each.rows.filter(~done)) for each in self.pieces]
        drop = [self._field(each.number) for each in left if not each.rows.height]
        left = [each for each in left if each.rows.height]
        put = []
        if added.height:
            if left and left[-1].rows.height + added.height <= _SMALL_ROWS:
                last = left.pop()
                drop.append(self._field(last.number))
                added = pl.concat([last.rows, added])
            left.append(Piece(number, added))
            put.append((self._field(number), frame_bytes(added)))
        return Pieces(self.key, tuple(left)), Commit(put=put, drop=drop)

    def last(self) -> "Pieces":
        """Return the last of them, which may be added to."""
        return Pieces(self.key, self.pieces[-1:])

    def _field(self, number: int) -> Field:
        return Field(*self.key, number.to_bytes(8, "big"))


class PendingSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot whose questions lie in a record of their own, under its number; `features` and `given` are columns of them."""

    number: int
    parent: int
    clock_us: int
    since_us: int
    learned: int
    learned_since: int
    unasked: int
    files: dict[str, bytes]
    features: list[str]
    given: list[str]


def read_pieces(store: StateStore, key: Key) -> Pieces:
    """Return the rows that a record holds."""
    (found,) = store.fields([key])
    return Pieces(key, tuple(Piece(int.from_bytes(name, "big"), bytes_frame(value)) for name, value in found))


def learner_space(model: str) -> str:
    """Return the space of all that a model's learner keeps."""
    return f"{LEARNER}{model}"


def waiting_key(model: str) -> Key:
    """Return the record of the rows that were asked about and are not learnt."""
    return learner_space(model), b"waiting"


def questions_key(model: str, snapshot: int) -> Key:
    """Return the record of the rows learnt since the snapshot before one."""
    return learner_space(model), b"questions/" + snapshot.to_bytes(8, "big")


def put_files(model: str, files: dict[str, bytes], before: int) -> tuple[Commit, int]:
    """Return what keeps the files of an artifact in the place of so many chunks, and in how many chunks."""
    packed = msgspec.msgpack.encode(files)
    chunks = [packed[start : start + _CHUNK_BYTES] for start in range(0, len(packed), _CHUNK_BYTES)]
    put = [(_file_field(model, number), chunk) for number, chunk in enumerate(chunks)]
    return Commit(put=put, drop=[_file_field(model, number) for number in range(len(chunks), before)]), len(chunks)


def read_files(store: StateStore, model: str) -> dict[str, bytes]:
    """Return the files that `put_files` keeps; none if it never did."""
    (found,) = store.fields([_files_key(model)])
    return msgspec.msgpack.decode(b"".join(value for _, value in found), type=dict[str, bytes]) if found else {}


def put_snapshot(model: str, snapshot: PendingSnapshot) -> Commit:
    """Return what keeps a snapshot until it is on record."""
    return Commit(put=[(Field(*_snapshots_key(model), snapshot.number.to_bytes(8, "big")), msgspec.msgpack.encode(snapshot))])


def pending_snapshots(store: StateStore, model: str) -> list[PendingSnapshot]:
    """Return the snapshots that are not on record, the oldest first."""
    (found,) = store.fields([_snapshots_key(model)])
    return [msgspec.msgpack.decode(value, type=PendingSnapshot) for _, value in found]


def whole_snapshot(store: StateStore, model: str, pending: PendingSnapshot) -> Snapshot:
    """Return a snapshot with its questions."""
    rows = pl.concat(read_pieces(store, questions_key(model, pending.number)).rows)
    moments = (pl.col(name).cast(pl.Datetime("us", "UTC")) for name in (ASKED, KNOWN))
    return Snapshot(
        model=model, number=pending.number, parent_version=pending.parent, clock=moment_of(pending.clock_us),
        since=moment_of(pending.since_us), learned=pending.learned, learned_since=pending.learned_since, unasked=pending.unasked,
        files=pending.files, questions=frame_bytes(rows.drop(*pending.features, *pending.given).with_columns(moments)),
        features=frame_bytes(rows.select(pending.features)), given=frame_bytes(rows.select(pending.given)) if pending.given else b"",
    )  # fmt: skip


def drop_snapshot(store: StateStore, model: str, number: int) -> Commit:
    """Return what removes a snapshot, and its questions."""
    key = questions_key(model, number)
    (found,) = store.fields([key])
    return Commit(drop=[Field(*_snapshots_key(model), number.to_bytes(8, "big")), *(Field(*key, name) for name, _ in found)])


def forget_all(store: StateStore, model: str, snapshot: int) -> Commit:
    """Return what removes all that a learner keeps, its snapshots being on record; `snapshot` is the number of the next."""
    keys = [_files_key(model), waiting_key(model), questions_key(model, snapshot)]
    found = store.fields(keys)
    return Commit(drop=[Field(*key, name) for key, fields in zip(keys, found, strict=True) for name, _ in fields])


def _files_key(model: str) -> Key:
    return learner_space(model), b"files"


def _snapshots_key(model: str) -> Key:
    return learner_space(model), b"snapshots"


def _file_field(model: str, number: int) -> Field:
    return Field(*_files_key(model), number.to_bytes(4, "big"))
