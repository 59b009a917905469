"""How far the partitions of a table have been followed: the marks of a store."""

from collections.abc import Collection

import msgspec

FILLED = "filled/"
_ENCODER = msgspec.json.Encoder()


class Position(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a partition, written with the rows that it tells of. Moments are microseconds since 1970.

    Attributes:
        next_offset: where to go on.
        origin: what the offsets count, where that can change under them.
        newest_us: the newest moment to which a row of it belongs; None: there was none.
        watermark_us: no row that is still to come belongs before it; None: any may.
        horizon_us: questions before it may lack rows: they have been dropped; None: none has been.
        active_until_us: when, by the clock, the partition no longer holds back the table's watermark unless it brings more; None: never.
        committed_us: when, by the clock, it was moved last.
        newest_arrival: the arrival number of the last row.
        accepted, late, duplicates, quarantined: how many rows have gone each way.
        filled: how often groups were filled with its rows: whoever does not know of one of them is refused.
    """

    next_offset: int = 0
    origin: str = ""
    newest_us: int | None = None
    watermark_us: int | None = None
    horizon_us: int | None = None
    active_until_us: int | None = None
    committed_us: int | None = None
    newest_arrival: int = -1
    accepted: int = 0
    late: int = 0
    duplicates: int = 0
    quarantined: int = 0
    filled: int = 0

    def to_bytes(self) -> bytes:
        """Return the value of its mark."""
        return _ENCODER.encode(self)


_DECODER = msgspec.json.Decoder(Position)


def position_prefix(table: str) -> str:
    """Return what the marks of a table's partitions begin with."""
    return f"position/{table}/"


def position_mark(table: str, partition: int) -> str:
    """Return the name of a partition's mark."""
    return f"{position_prefix(table)}{partition}"


def filled_mark(space: str, partition: int) -> str:
    """Return the mark that says that a group of lookups has all rows of a partition."""
    return f"{FILLED}{space}/{partition}"


def read_position(value: bytes) -> Position:
    """Return what a mark says."""
    return _DECODER.decode(value)


def table_watermark(positions: Collection[Position], now_us: int) -> int | None:
    """Return the watermark of the partition that is furthest behind, those idle left out unless all are; None: any row may come."""
    active = [each for each in positions if each.active_until_us is None or now_us <= each.active_until_us] or positions
    marks = [each.watermark_us for each in active]
    return None if not marks or None in marks else min(mark for mark in marks if mark is not None)


def table_horizon(positions: Collection[Position]) -> int | None:
    """Return the moment from which on no question lacks a row; None: that is so at any."""
    return max((each.horizon_us for each in positions if each.horizon_us is not None), default=None)
