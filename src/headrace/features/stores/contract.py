"""What a store of online state promises, in bytes: it knows neither features nor tables.

A store holds **records** and **marks**. A record has a space (such as one group of lookups) and a key, and is a few **fields**: small
pieces in the order of their names. Whoever writes replaces fields; whoever reads gets all fields of a record in one go, as they stood
between two commits. Marks are single values by name, such as how far a stream has been read.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

Key = tuple[str, bytes]
"""A space and a key in it."""


class Field(NamedTuple):
    """A piece of a record. Names are at most 64 bytes, keys and spaces at most 400; longer keys are for the caller to shorten.

    A record is there while it has a field: the first that is put makes it, dropping the last removes it.
    """

    space: str
    key: bytes
    name: bytes


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that are seen all together or not at all: up to some ten thousand, for a server makes readers wait meanwhile.

    Attributes:
        expect: marks that must be as said for the commit to happen; None: there is none of that name. Names are at most 400 bytes.
        marks: marks to set; None removes one.
        put: fields to set; of two values of one field the last stays.
        drop: fields to remove, before any is set; one that is not there is no fault.
    """

    expect: Mapping[str, bytes | None] = {}
    marks: Mapping[str, bytes | None] = {}
    put: Sequence[tuple[Field, bytes]] = ()
    drop: Sequence[Field] = ()


class Walked(NamedTuple):
    """Some records of a space. `after` is where to go on; None: that was the last of them."""

    records: Sequence[tuple[bytes, Sequence[tuple[bytes, bytes]]]]
    after: bytes | None


class StateStore(Protocol):
    """Keeps records and marks. Many processes may read while one or several write; reading never waits for a writer's work.

    Thread safe. A child of a fork can use none that its parent had open, and may be refused one of its own.
    """

    def read(self, keys: Sequence[Key], marks: Sequence[str] = ()) -> tuple[list[list[bytes]], list[bytes | None]]:
        """Return the fields' values of each record, in the order of their names, none for one that is not there; and the marks.

        One round trip, however many; a second one if a mark moves meanwhile. Every record by itself is as one commit left it, and a
        commit that moves one of the marks is in all that is returned, or in nothing of it.

        Raises:
            StoreFault: if the store fails.
        """
        ...

    def fields(self, keys: Sequence[Key], prefix: bytes = b"") -> list[list[tuple[bytes, bytes]]]:
        """Return the fields of each record whose names begin with `prefix`, in the order of their names, with them."""
        ...

    def commit(self, commit: Commit) -> None:
        """Make changes, and return when a crash of this process cannot undo them.

        Raises:
            MarkMoved: if a mark is not as expected: somebody else wrote it. Nothing is changed then.
            StoreFault: if the store fails. Whether the commit happened is told by its marks.
        """
        ...

    def marks(self, prefix: str) -> dict[str, bytes]:
        """Return the marks whose names begin with `prefix`: for whoever takes over from a process that ended, however it ended.

        A commit whose process was killed as it was made may be seen here, and by who opens the store, before `read` shows it.
        """
        ...

    def walk(self, space: str, after: bytes | None = None, most: int = 1000) -> Walked:
        """Return at most so many records of a space, and where to go on: for sweeping.

        In any order. Records that are there from the first call to the last come exactly once, each as some commit left it; one that
        is made or removed meanwhile comes at most once.
        """
        ...

    def clear(self, space: str) -> None:
        """Remove all records of a space. Not atomic: done again after a crash it goes on."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
