"""Threads for work that leaves Python free: NumPy and Polars do it."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")
THREADS = min(os.cpu_count() or 1, 4)
"""How many things are done at once: each holds memory meanwhile, some twenty integers a question."""


def side_by_side(work: Callable[[Item], Made], items: Iterable[Item], most: int = THREADS) -> list[Made]:
    """Return what the work gives for each item, in their order, at most so many at once.

    After a failure, or Ctrl-C, what has not begun is left.
    """
    pool = ThreadPoolExecutor(min(most, THREADS))
    try:
        return list(pool.map(work, items))
    finally:
        pool.shutdown(cancel_futures=True)
