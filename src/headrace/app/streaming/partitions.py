"""A partition that this worker has: its position, what is remembered of it, and what of it waits for the lake."""

import time
from dataclasses import dataclass, field, replace

import msgspec

from headrace.app.streaming.outbox import waiting_chunks
from headrace.features.stores.contract import Commit, Field, Key, StateStore
from headrace.features.stream.admitting import Ids, PartitionState
from headrace.features.stream.positions import Position, position_mark, read_position


@dataclass(frozen=True)
class Owned:
    """What the store holds of a partition, as this worker knows it.

    Attributes:
        mark: the bytes of its position's mark; None: there is none yet. Whoever commits expects it so.
        position: what they say.
        state: its watermark and the ids that were accepted.
        runs: the names of the fields of `state.ids`.
        waiting_bytes: how much of it waits for the lake.
        since: when the first of that came, by the monotonic clock.
    """

    mark: bytes | None = None
    position: Position = field(default_factory=Position)
    state: PartitionState = field(default_factory=PartitionState)
    runs: tuple[int, ...] = ()
    waiting_bytes: int = 0
    since: float = field(default_factory=time.monotonic)

    def flushed(self) -> "Owned":
        """Return it with nothing waiting."""
        return replace(self, waiting_bytes=0)

    def filled(self) -> "Owned":
        """Return it with groups filled. Where it has no mark yet nobody has committed anything of it."""
        if self.mark is None:
            return self
        position = msgspec.structs.replace(self.position, filled=self.position.filled + 1)
        return replace(self, mark=position.to_bytes(), position=position)

    def dropped_before(self, horizon_us: int, *, marked: bool = True) -> "Owned":
        """Return it with rows dropped that no question from a moment on needs; `marked`: as a commit leaves its mark."""
        reached = horizon_us if self.position.horizon_us is None else max(self.position.horizon_us, horizon_us)
        position = msgspec.structs.replace(self.position, horizon_us=reached)
        return replace(self, mark=position.to_bytes() if marked else None, position=position)


def read_owned(store: StateStore, table: str, partition: int) -> Owned:
    """Return what the store holds of a partition."""
    key, mark_name = _ids_key(table, partition), position_mark(table, partition)
    _, (mark,) = store.read([], [mark_name])
    (fields,) = store.fields([key])
    position = Position() if mark is None else read_position(mark)
    waiting = sum(len(part) for each in waiting_chunks(store, table, partition) for part in _parts(each.chunk))
    return Owned(
        mark=mark,
        position=position,
        state=PartitionState(position.newest_us, tuple(Ids.from_bytes(value) for _, value in fields)),
        runs=tuple(int.from_bytes(name, "big") for name, _ in fields),
        waiting_bytes=waiting,
    )


def remembered(table: str, partition: int, before: Owned, state: PartitionState) -> tuple[Commit, tuple[int, ...]]:
    """Return what makes the store remember the ids of `state` in the place of those before, and the names of its runs."""
    key, new = _ids_key(table, partition), max(before.runs, default=0)
    names = {id(ids): run for ids, run in zip(before.state.ids, before.runs, strict=True)}
    runs, put = [], []
    for ids in state.ids:
        run = names.pop(id(ids), None)
        if run is None:
            run = new = new + 1
            put.append((Field(*key, run.to_bytes(8, "big")), ids.to_bytes()))
        runs.append(run)
    return Commit(put=put, drop=[Field(*key, run.to_bytes(8, "big")) for run in names.values()]), tuple(runs)


def joined(*commits: Commit) -> Commit:
    """Return several changes as one."""
    return Commit(
        expect={name: value for each in commits for name, value in each.expect.items()},
        marks={name: value for each in commits for name, value in each.marks.items()},
        put=[change for each in commits for change in each.put],
        drop=[change for each in commits for change in each.drop],
    )


def _ids_key(table: str, partition: int) -> Key:
    return f"ids/{table}", partition.to_bytes(4, "big")


def _parts(chunk: object) -> tuple[bytes, ...]:
    return tuple(getattr(chunk, name) for name in ("accepted", "late", "quarantined"))
