"""Which rows of a partition are late, and which came before: told by the partition's own order alone.

A row belongs to the **earliest** of the moments at which something of it became known. The watermark is the newest moment to which a row
of the partition belongs, less the lateness; a row that belongs before the watermark, as it stood when the row came, is late. A row whose
id was accepted before is a duplicate, as long as the id is remembered: that row belongs no earlier than `remember` before the watermark.
So neither depends on where micro-batches are cut, nor on other partitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple, Self

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.core.moments import MICROSECOND, microseconds
from headrace.core.units import parse_duration
from headrace.features.lookups import INGESTED_COLUMN
from headrace.spec.streams import Streamed
from headrace.spec.tables import INGESTED, Table

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Hashes = NDArray[np.bytes_]
_NEVER = np.iinfo(np.int64).min
_HASH_BYTES = 16
MOST_IDS = 1 << 20
"""Of a run that is put together with another: a commit has the whole of it."""
_EARLIEST = microseconds(datetime.min.replace(tzinfo=UTC))
_encode = msgspec.msgpack.Encoder().encode


class Rules(NamedTuple):
    """What a table says of its stream: the columns that say when something of a row became known, and durations in microseconds."""

    moments: tuple[str, ...]
    id: tuple[str, ...]
    lateness_us: int
    remember_us: int

    @classmethod
    def of(cls, table: Table, source: Streamed) -> Self:
        """Return the rules of a table that follows a source."""
        by_column = table.known.values() if isinstance(table.known, Mapping) else ()
        names = {name for name in (table.row_known, *by_column) if name is not None}
        moments = sorted(INGESTED_COLUMN if name == INGESTED else name for name in names)
        return cls(
            tuple(moments),
            table.id,
            parse_duration(source.lateness, zero=True) // MICROSECOND,
            parse_duration(source.remember, zero=True) // MICROSECOND,
        )


class Ids(NamedTuple):
    """Ids that were accepted, as hashes in order, each once, and the moments to which their rows belong."""

    hashes: Hashes
    moments: Integers

    @property
    def newest_us(self) -> int:
        """The newest of the moments; there is one at least."""
        return int(self.moments.max())

    def to_bytes(self) -> bytes:
        """Return them as bytes: the hashes, then the moments."""
        return self.hashes.tobytes() + self.moments.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return what `to_bytes` wrote."""
        count = len(data) // (_HASH_BYTES + 8)
        return cls(np.frombuffer(data, f"S{_HASH_BYTES}", count), np.frombuffer(data, np.int64, count, count * _HASH_BYTES))

    def find(self, wanted: Hashes) -> tuple[Booleans, Integers]:
        """Tell which of the wanted are there, and their moments."""
        if not len(self.hashes):
            return np.zeros(len(wanted), np.bool_), np.zeros(len(wanted), np.int64)
        places = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        return self.hashes[places] == wanted, self.moments[places]


@dataclass(frozen=True)
class PartitionState:
    """What is remembered of a partition.

    Attributes:
        newest_us: the newest moment to which a row of it belongs; None: there was none.
        ids: the ids that were accepted, in runs of which each is longer than the next, but for the longest, of about `MOST_IDS`.
    """

    newest_us: int | None = None
    ids: tuple[Ids, ...] = field(default=())

    def watermark_us(self, rules: Rules) -> int | None:
        """No row that is still to be accepted belongs before it; None: any may. Like the moments of rows it is of no year before 1."""
        return None if self.newest_us is None else max(self.newest_us - rules.lateness_us, _EARLIEST)

    def forgotten_before_us(self, rules: Rules) -> int | None:
        """Ids whose rows belong before it are not remembered any more."""
        watermark = self.watermark_us(rules)
        return None if watermark is None else watermark - rules.remember_us

    def remember(self, ids: Ids, rules: Rules) -> "PartitionState":
        """Return the state with more ids remembered, and some that need not be forgotten."""
        floor = self.forgotten_before_us(rules)
        runs = [each for each in (*self.ids, ids) if len(each.hashes) and (floor is None or each.newest_us >= floor)]
        while len(runs) > 1 and len(runs[-2].hashes) <= min(2 * len(runs[-1].hashes), MOST_IDS - len(runs[-1].hashes)):
            later, earlier = runs.pop(), runs.pop()
            runs.append(_merged(earlier, later, floor))
        return PartitionState(self.newest_us, tuple(runs))


class SortedOut(NamedTuple):
    """The rows of a micro-batch, each in one of three frames, in their order; what is remembered after them; the ids that are new in it."""

    accepted: pl.DataFrame
    late: pl.DataFrame
    duplicates: pl.DataFrame
    state: PartitionState
    ids: Ids


def sort_out(rows: pl.DataFrame, state: PartitionState, rules: Rules) -> SortedOut:
    """Sort out rows of one partition, which are in the order in which it brought them.

    A row none of whose moments is known is never late. One with a null in its id is never a duplicate.
    """
    moments = _earliest(rows, rules)
    brought = np.maximum.accumulate(np.concatenate([[_NEVER if state.newest_us is None else state.newest_us], moments]))
    watermark = _less(brought[:-1], rules.lateness_us)
    late = (moments != _NEVER) & (moments < watermark)
    duplicate = np.zeros(len(late), np.bool_)
    hashes, places = np.empty(0, f"S{_HASH_BYTES}"), np.empty(0, np.int64)
    belongs = np.where(moments == _NEVER, brought[1:], moments)
    if rules.id and len(late):
        named = np.flatnonzero(rows.select(pl.all_horizontal(pl.col(rules.id).is_not_null())).to_series().to_numpy())
        hashes, places = _hashes(rows[named], rules), named
        floor = _less(watermark, rules.remember_us)
        duplicate[named] = _duplicates(hashes, belongs[named], floor[named], late[named], state.ids)
    late &= ~duplicate
    new = ~(late | duplicate)[places]
    ids = _ordered(Ids(hashes[new], belongs[places][new]))
    newest = int(brought[-1])
    after = PartitionState(None if newest == _NEVER else newest, state.ids).remember(ids, rules)
    accepted, behind, again = (_chosen(rows, mask) for mask in (~late & ~duplicate, late, duplicate))
    return SortedOut(accepted, behind, again, after, ids)


def _chosen(rows: pl.DataFrame, mask: Booleans) -> pl.DataFrame:
    """Return some rows; it is all or none of them mostly, which takes no time."""
    if mask.all():
        return rows
    return rows.filter(pl.Series(mask)) if mask.any() else rows[:0]


def _earliest(rows: pl.DataFrame, rules: Rules) -> Integers:
    if not rules.moments:
        return np.full(rows.height, _NEVER)
    found = rows.select(pl.min_horizontal(pl.col(name).to_physical() for name in rules.moments)).to_series()
    return found.fill_null(_NEVER).to_numpy()


def _less(moments: Integers, duration_us: int) -> Integers:
    """Return moments moved back; those that never were stay."""
    return np.where(moments == _NEVER, _NEVER, moments - np.where(moments == _NEVER, 0, duration_us))


def _hashes(rows: pl.DataFrame, rules: Rules) -> Hashes:
    # Polars leaves out an addition of 0.0, which would make zeros equal as well.
    floats = [name for name in rules.id if rows.schema[name] == pl.Float64]
    zeros = [pl.when(pl.col(name) == 0).then(0.0).otherwise(pl.col(name)).alias(name) for name in floats]
    values = rows.select(pl.col(rules.id).to_physical()).with_columns(zeros)
    return np.array([blake2b(_encode(value), digest_size=_HASH_BYTES).digest() for value in values.rows()], f"S{_HASH_BYTES}")


def _duplicates(hashes: Hashes, belongs: Integers, floor: Integers, late: Booleans, remembered: tuple[Ids, ...]) -> Booleans:
    """Tell which rows are duplicates.

    In rounds: those that the accepted row before them hides are found for all ids at once; of what is left of an id the first that is not
    late is accepted, and hides what comes after it. Ids come a second time rarely, a third time in one micro-batch more rarely still.
    """
    distinct, ids = np.unique(hashes, return_inverse=True)
    known, base = _remembered(distinct, remembered)
    duplicate = np.zeros(len(hashes), np.bool_)
    rows = np.arange(len(hashes))
    while len(rows):
        hidden = known[ids[rows]] & (base[ids[rows]] >= floor[rows])
        duplicate[rows[hidden]] = True
        rows = rows[~hidden]
        timely = rows[~late[rows]]
        again, first = np.unique(ids[timely], return_index=True)
        after = np.full(len(distinct), len(hashes))
        after[again] = timely[first]
        known[again], base[again] = True, belongs[timely[first]]
        rows = rows[rows > after[ids[rows]]]
    return duplicate


def _remembered(distinct: Hashes, runs: tuple[Ids, ...]) -> tuple[Booleans, Integers]:
    known, base = np.zeros(len(distinct), np.bool_), np.full(len(distinct), _NEVER)
    for run in runs:
        there, moments = run.find(distinct)
        base = np.where(there, np.maximum(base, moments), base)
        known |= there
    return known, base


def _ordered(ids: Ids) -> Ids:
    """Return ids in order, each once, with the newest of its moments."""
    order = np.lexsort((ids.moments, ids.hashes))
    hashes, moments = ids.hashes[order], ids.moments[order]
    last = np.ones(len(hashes), np.bool_)
    last[:-1] = hashes[1:] != hashes[:-1]
    return Ids(hashes[last], moments[last])


def _merged(one: Ids, other: Ids, forgotten_before_us: int | None) -> Ids:
    both = Ids(np.concatenate([one.hashes, other.hashes]), np.concatenate([one.moments, other.moments]))
    if forgotten_before_us is not None:
        kept = both.moments >= forgotten_before_us
        both = Ids(both.hashes[kept], both.moments[kept])
    return _ordered(both)
