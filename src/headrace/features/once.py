"""Work that several threads need, done by the first that comes."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any, TypeVar

Made = TypeVar("Made")


class Once:
    """Makes each thing once and keeps it. Safe to call from many threads: who comes second waits, and is told of the same failure."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: dict[Hashable, Future[Any]] = {}

    def __call__(self, name: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made under a name, which says all that it depends on; make it if it was not."""
        with self._lock:
            first = name not in self._made
            future: Future[Made] = self._made.setdefault(name, Future())
        if first:
            try:
                future.set_result(make())
            except BaseException as error:  # whatever it is, those who wait must not wait for ever
                future.set_exception(error)
                raise
        return future.result()
