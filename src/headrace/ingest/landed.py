"""What an asked source has answered: pages of rows that are kept, and the position after them."""

from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from headrace.core.fingerprints import fingerprint
from headrace.expressions import DType
from headrace.ingest.raw import RawTable, with_all
from headrace.ingest.readers import Cursor
from headrace.lake.frames import bytes_frame, frame_bytes

PAGE_ROWS = 50_000
"""Rows of a page; only the last one has fewer, and one before a column that changes its type. So the same rows make the same pages."""

# As in JSON: whoever asks for texts may get moments, since many sources have no other way to write them.
_TEXTUAL = frozenset({DType.DATETIME})


class LandedPage(NamedTuple):
    """The blob that keeps some rows, and how many."""

    blob: str
    rows: int


class Landed(NamedTuple):
    """All rows of a source. `cursor` is the position after the last one, None where everything is asked for each time."""

    columns: tuple[str, ...]
    pages: tuple[LandedPage, ...] = ()
    cursor: Cursor = None

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(page.rows for page in self.pages)

    @property
    def fingerprint(self) -> str:
        """What the rows are; not when they were asked for, nor in how many answers they came."""
        return fingerprint("landed", self.columns, [page.blob for page in self.pages])


def landed_table(landed: Landed, get: Callable[[str], bytes]) -> RawTable:
    """Return the rows that were landed, a page at a time; `get` gives a blob's bytes."""
    return RawTable(landed.columns, _TEXTUAL, lambda: (with_all(bytes_frame(get(page.blob)), landed.columns) for page in landed.pages))


def write_page(frame: pl.DataFrame) -> bytes:
    """Return a page's bytes. Equal rows give equal bytes: a column without any value has no type."""
    untyped = [each.name for each in frame.iter_columns() if each.null_count() == len(each)]
    return frame_bytes(frame.with_columns(pl.lit(None).alias(name) for name in untyped))
