"""Landing: asking a source for its rows and keeping them as they came, a page at a time."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import Any

import polars as pl

from headrace.core.errors import SystemFault
from headrace.ingest.column_types import dtype_of
from headrace.ingest.errors import SourceChanged
from headrace.ingest.landed import PAGE_ROWS, Landed, LandedPage, write_page
from headrace.ingest.readers import Page, Reader
from headrace.ingest.sources import RESERVED
from headrace.lake.frames import bytes_frame

_WAITS_SECONDS = (1.0, 4.0, 16.0)


@dataclass(frozen=True)
class Keeping:
    """Where pages are kept and who is told of them.

    Attributes:
        put: keeps bytes and gives their name; the same bytes have the same name.
        get: gives bytes by their name.
        report: is told how many rows have come.
        wait: sleeps for so many seconds before asking again.
    """

    put: Callable[[bytes], str]
    get: Callable[[str], bytes]
    report: Callable[[int], None]
    wait: Callable[[float], None] = time.sleep


def land(reader: Reader, place: str, before: Landed | None, keeping: Keeping) -> tuple[Landed, tuple[str, ...]]:
    """Ask for what comes after `before`, or for everything if that is None; return all rows and what people should know of them.

    Where the new rows go on from old ones only the last page is written anew, so that the pages are those of one long answer. A source
    that does not answer is asked again three times: from where it stopped if it can tell, else from the start. Nothing is
    recorded here: if this is killed, the next time begins as this one did.

    Raises:
        SourceUnreachable, SourceRefused, SourceChanged and what else a reader raises.
        UnsupportedColumn: for a column of a type that tables do not hold.
    """
    under_way, failures = _UnderWay(place, before, keeping), 0
    while True:
        try:
            for page in _asked(reader, under_way):
                moved = under_way.add(page)
                failures = 0 if moved else failures
            return under_way.ended()
        except SystemFault as fault:
            if failures == len(_WAITS_SECONDS) or getattr(fault, "retried", False):
                raise
            # Not all at the same moment, if several of us were thrown out at the same moment.
            keeping.wait(_WAITS_SECONDS[failures] * random.uniform(0.5, 1.0))
            failures += 1
            if under_way.cursor is None:
                under_way = _UnderWay(place, before, keeping)


def _asked(reader: Reader, under_way: "_UnderWay") -> Iterator[Page]:
    pages: Any = reader.pages(under_way.cursor)
    with closing(pages) if hasattr(pages, "close") else nullcontext():
        yield from pages


class _UnderWay:
    """A landing that has not ended. The rows of a page that is not full are held in memory, and no others."""

    def __init__(self, place: str, before: Landed | None, keeping: Keeping) -> None:
        self._place, self._keeping = place, keeping
        self._columns = dict.fromkeys(before.columns if before else ())
        self._pages = list(before.pages if before else ())
        self._notes: dict[str, None] = {}
        self._held: pl.DataFrame | None = None
        self._came = 0
        self.cursor = before.cursor if before else None

    def add(self, page: Page) -> bool:
        """Take some rows; tell whether the position moved."""
        frame = usual_types(page.rows)
        self._check_names(frame.columns)
        self._columns |= dict.fromkeys(frame.columns)
        self._notes |= dict.fromkeys(page.notes)
        if frame.height:
            self._hold(frame)
            self._came += frame.height
            self._keeping.report(self._came)
        if page.cursor is None or page.cursor == self.cursor:
            return False
        self.cursor = page.cursor
        return True

    def ended(self) -> tuple[Landed, tuple[str, ...]]:
        """Keep what is held and return everything."""
        if self._held is not None:
            self._keep(self._held)
            self._held = None
        if not self._columns:
            raise SourceChanged(self._place, "it gave no rows, so its columns are not known", "Check that it has rows, then run again.")
        return Landed(tuple(self._columns), tuple(self._pages), self.cursor), tuple(self._notes)

    def _hold(self, frame: pl.DataFrame) -> None:
        if self._held is None and self._pages and self._pages[-1].rows < PAGE_ROWS:
            self._held = bytes_frame(self._keeping.get(self._pages.pop().blob))
        held = frame if self._held is None else _joined(self._held, frame)
        if held is None:
            assert self._held is not None
            self._keep(self._held)
            held = frame
        while held.height >= PAGE_ROWS:
            self._keep(held.head(PAGE_ROWS))
            held = held.slice(PAGE_ROWS)
        self._held = held if held.height else None

    def _keep(self, frame: pl.DataFrame) -> None:
        # In the order of the whole table: which column came first in this page does not count.
        ordered = frame.select(name for name in self._columns if name in frame.columns)
        self._pages.append(LandedPage(self._keeping.put(write_page(ordered)), frame.height))

    def _check_names(self, names: list[str]) -> None:
        taken = sorted(set(names) & set(RESERVED))
        if taken:
            problem = f"it has a column called {taken[0]!r}, a name that Headrace keeps for itself"
            raise SourceChanged(self._place, problem, "Give it another name where it is asked for.")
        if any(not name.strip() for name in names):
            raise SourceChanged(self._place, "it has a column without a name", "Give it a name where it is asked for.")


def usual_types(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with one type for each kind of value, so that pages join however their numbers were stored.

    Raises:
        UnsupportedColumn: for a column of a type that tables do not hold.
    """
    wider: dict[str, pl.DataType] = {}
    for name, dtype in frame.schema.items():
        dtype_of(name, dtype)
        if dtype.is_integer() and not isinstance(dtype, pl.UInt64):
            wider[name] = pl.Int64()
        elif isinstance(dtype, pl.Float32):
            wider[name] = pl.Float64()
        elif isinstance(dtype, pl.Categorical | pl.Enum):
            wider[name] = pl.String()
    return frame.cast(wider) if wider else frame  # type: ignore[arg-type]  # Polars takes types and classes of types


def _joined(above: pl.DataFrame, below: pl.DataFrame) -> pl.DataFrame | None:
    """Return two frames as one; None if a column has other types in them. One without any value has every type."""
    first, second = above.schema, below.schema
    both = [name for name in first if name in second and first[name] != second[name]]
    if any(not isinstance(first[name], pl.Null) and not isinstance(second[name], pl.Null) for name in both):
        return None
    return pl.concat([above, below], how="diagonal_relaxed")
