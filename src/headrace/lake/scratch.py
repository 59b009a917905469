"""Files that tasks on several machines leave for each other while something is computed: beside the lake, which all of them reach."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from obstore.exceptions import BaseError

from headrace.lake.errors import LakeFault
from headrace.lake.place import Place


class Kept(NamedTuple):
    """A file: its name, when it was written, and its size."""

    name: str
    written: datetime
    size_bytes: int


class Scratch:
    """Named bytes. Thread safe; to put a name again replaces it, whole. Nothing is promised to survive a power cut."""

    def __init__(self, at: Place) -> None:
        self._place = at

    def put(self, name: str, data: bytes) -> None:
        """Keep bytes.

        Raises:
            LakeFault: if the store fails, here and below.
        """
        try:
            self._place.store().put(name, data)
        except (BaseError, OSError) as error:
            raise LakeFault("write", self._place.child(name).url, error) from error

    def get(self, name: str) -> bytes:
        """Return all of the bytes."""
        try:
            return bytes(self._place.store().get(name).bytes())
        except (BaseError, OSError) as error:
            raise LakeFault("read", self._place.child(name).url, error) from error

    def get_range(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes from one place until before another."""
        if start == end:
            return b""
        try:
            return bytes(self._place.store().get_range(name, start=start, end=end))
        except (BaseError, OSError) as error:
            raise LakeFault("read", self._place.child(name).url, error) from error

    def listed(self) -> Iterator[Kept]:
        """Give what is kept, in any order."""
        if self._place.is_empty():
            return
        try:
            for found in self._place.store().list():
                yield from (Kept(str(each["path"]), each["last_modified"], int(each["size"])) for each in found)
        except (BaseError, OSError) as error:
            raise LakeFault("list", self._place.url, error) from error

    def remove(self) -> None:
        """Remove everything; that there is nothing is no fault."""
        try:
            self._place.remove()
        except (BaseError, OSError) as error:
            raise LakeFault("empty", self._place.url, error) from error

    @property
    def folder(self) -> Path | None:
        """The folder that the files lie in; None where they lie in a store."""
        return None if "://" in self._place.url else Path(self._place.url)
