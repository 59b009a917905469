"""Rows of a partition into the lake, each once, by whoever has the partition; and few files made of many.

Who has a partition appends in a name of its own, with a number that only grows (`lake.tables.Once`): the table itself says how far it is.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress

import polars as pl

from headrace.lake.errors import AppendMoved, CommitConflict
from headrace.lake.lake import Lake
from headrace.lake.tables import NEVER, Once

_ATTEMPTS = 3
_MANY_FILES = 50

After = Callable[[int | None], tuple[pl.DataFrame, int] | None]
"""What a table lacks that has everything up to a number (None: nothing), and the number that comes with it; None: nothing."""


def append_after(lake: Lake, name: str, app: str, after: After) -> int:
    """Append in a name what a table lacks, and return how many rows that was.

    Raises:
        AppendMoved: if another process keeps appending in that name.
        LakeFault, CommitConflict: if the lake does not take it.
    """
    for attempt in range(_ATTEMPTS):
        last = lake.tables.appended(name, app)
        found = after(last)
        if found is None:
            return 0
        rows, number = found
        try:
            lake.tables.write(name, rows, "append", once=Once(app, number, after=NEVER if last is None else last))
        except AppendMoved:  # whoever had the partition before us was still at it
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        return rows.height
    raise AssertionError("the last attempt returns or raises")


def tend(lake: Lake, names: Iterable[str]) -> None:
    """Make few files of many small ones."""
    for name in names:
        with suppress(CommitConflict):  # others do the same, or append too often: the next time is early enough
            lake.upkeep(name).compact(_MANY_FILES)
