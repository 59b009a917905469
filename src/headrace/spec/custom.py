"""Rows from the user's own code."""

from typing import Any

from headrace.spec.asked import Asked
from headrace.spec.errors import InvalidOption


class _Read(Asked, frozen=True):
    read: Any


class Custom(_Read, frozen=True, kw_only=True):
    """Rows from a function of the user's, or from an object that satisfies `headrace.ingest.readers.Reader`.

    A function gives rows one after the other: mappings, or Polars or Arrow tables, or lists of mappings. Its code without comments, and
    what it closes over, is its fingerprint. A function with a `cursor` is called with the position (None the first time) and gives the
    rows at or after it, in its order; what was seen before is left out. A Reader tells its position itself.

    Attributes:
        read: the function or the Reader.
        cursor: the column that only grows, for a function that can be asked for what is new.

    >>> def numbers():
    ...     yield {"n": 1}
    >>> Custom(numbers).place
    'the function numbers'
    """

    cursor: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.read) and not self.is_reader:
            expected = "a function that gives rows, or an object with a method pages(after)"
            raise InvalidOption("the read of Custom", self.read, expected, location=self.location)
        if self.is_reader and self.cursor is not None:
            expected = "none with a Reader: each of its pages tells the position after it"
            raise InvalidOption("the cursor of Custom", self.cursor, expected, location=self.location)

    @property
    def is_reader(self) -> bool:
        """Tell whether `read` satisfies the contract of readers by itself."""
        return callable(getattr(self.read, "pages", None)) and not isinstance(self.read, type)

    @property
    def place(self) -> str:
        return f"the reader {type(self.read).__name__}" if self.is_reader else f"the function {getattr(self.read, '__name__', self.read)}"
