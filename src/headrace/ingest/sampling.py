"""A look at a source that may be larger than memory."""

from typing import NamedTuple

import polars as pl

from headrace.ingest.raw import RawTable

_MOST_BYTES = 256 << 20


class Look(NamedTuple):
    """Raw rows in memory: every n-th of the source, from the first on; all of them where `every` is 1."""

    columns: list[pl.Series]
    every: int


def look_at(raw: RawTable) -> Look:
    """Return the rows of a source, or as many of them, evenly spread, as some 256 MB hold. The source is read once, to its end."""
    kept: list[pl.DataFrame] = []
    every, seen, size = 1, 0, 0
    for chunk in raw.chunks():
        picked = chunk if every == 1 else _own(chunk.gather_every(every, -seen % every))
        seen += chunk.height
        kept.append(picked)
        size += int(picked.estimated_size())
        while size > _MOST_BYTES and sum(frame.height for frame in kept) > 1:
            kept = [_own(pl.concat(kept, how="vertical_relaxed").gather_every(2))]
            every, size = every * 2, int(kept[0].estimated_size())
    if not kept:
        return Look([pl.Series(name, [], pl.Null) for name in raw.names], every)
    return Look(pl.concat(kept, how="vertical_relaxed").get_columns(), every)


def _own(frame: pl.DataFrame) -> pl.DataFrame:
    # Texts that were picked out of many would keep the memory of all: the older layout of Arrow copies them.
    return pl.DataFrame(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
