"""What progressive validation found, as it is kept with an artifact and told in reports. Light: reports are read without NumPy."""

from datetime import datetime

import msgspec

PROGRESSIVE = "progressive"
"""Where an artifact's details have it."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Some questions in a row: when the first of them was asked (None without moments), and the metrics on them; undefined is None."""

    asked: datetime | None
    rows: int
    metrics: dict[str, float | None]


class Progressive(msgspec.Struct, frozen=True, kw_only=True):
    """What progressive validation measured. `unlearned` questions came before the first answer was known, and are not measured.

    `waited_seconds` is the median of the time from a question to its answer; None without moments. Decisions are made at 0.5.
    """

    rows: int
    unlearned: int
    waited_seconds: float | None
    metrics: dict[str, float | None]
    pieces: list[Piece]
