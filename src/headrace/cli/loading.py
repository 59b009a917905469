"""Loading modules quickly."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Look for no garbage meanwhile, nor ever again among what was loaded: it makes many objects, and all of them stay.

    A tenth of the time of a short command went into looking.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
