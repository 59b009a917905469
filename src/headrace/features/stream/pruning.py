"""Which stored rows a question at the horizon or later can still need.

Rows are dropped, never hidden: what stays beyond need changes no answer. A window's rows are needed while one may reach back to them. Of
those that `latest` sees the newest known before the horizon is needed, and all that become known later. It is dropped for its age only
once it has been known for longer than `max_age`: then every row that it hides is too old as well, in whatever partition, since nothing is
known before it happens. The ingestion moment is not held to that, so there it stays.
"""

import numpy as np
from numpy.typing import NDArray

from headrace.features.lookups import INGESTED_COLUMN
from headrace.features.stream.layout import ARRIVAL, FLAGS, TIME, GroupLayout, Kept

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
_EARLIEST = np.iinfo(np.int64).min
TIME_IS_NULL = 1


def needed(layout: GroupLayout, words: Integers, horizon_us: int) -> Booleans:
    """Tell of each row of one key and partition whether it is needed."""
    found = np.zeros(len(words), np.bool_)
    for kept in layout.kept:
        seen = (words[:, FLAGS] & layout.seen_flag(layout.seens.index(kept.seen))) != 0
        word = layout.known_word(kept.seen.known)
        known = None if word is None else words[:, word]
        found |= _windowed(kept, seen, known, horizon_us) if kept.over_us >= 0 else _newest(kept, words, seen, known, horizon_us)
    return found


def earlier_edge(as_of_us: int, over_us: int, hop_us: int | None) -> int:
    """Return the first moment of a window, as `edges.left_edge` does."""
    start = as_of_us - over_us
    return start if hop_us is None else start // hop_us * hop_us


def newest_place(words: Integers, places: Integers, known: Integers | None) -> int:
    """Return which of some places (at least one) holds the row known last, ties by time, null first, then by arrival."""
    return _extreme(words, places, known, last=True)


def oldest_place(words: Integers, places: Integers, known: Integers | None) -> int:
    """Return which of some places (at least one) holds the row known first, ties by time, null first, then by arrival."""
    return _extreme(words, places, known, last=False)


def _extreme(words: Integers, places: Integers, known: Integers | None, last: bool) -> int:
    if known is not None:
        moments = known[places]
        places = places[moments == (moments.max() if last else moments.min())]
    if len(places) > 1:
        tied = words[places]
        times = np.where(tied[:, FLAGS] & TIME_IS_NULL, _EARLIEST, tied[:, TIME])
        return int(places[np.lexsort((tied[:, ARRIVAL], times))[-1 if last else 0]])
    return int(places[0])


def _windowed(kept: Kept, seen: Booleans, known: Integers | None, horizon_us: int) -> Booleans:
    assert known is not None, "a window is over a table with a time"
    left = earlier_edge(horizon_us, kept.over_us, None if kept.hop_us < 0 else kept.hop_us)
    return seen & (known >= max(left, _EARLIEST))


def _newest(kept: Kept, words: Integers, seen: Booleans, known: Integers | None, horizon_us: int) -> Booleans:
    before = seen if known is None else seen & (known < horizon_us)
    found = seen & ~before
    places = np.flatnonzero(before)
    if len(places):
        place = newest_place(words, places, known)
        ages = kept.max_age_us >= 0 and known is not None and INGESTED_COLUMN not in kept.seen.known
        found[place] = not (ages and horizon_us - int(known[place]) > kept.max_age_us)  # type: ignore[index]  # ages says that it is there
    return found
