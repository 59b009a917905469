"""The contract of sources that are asked, and which reader asks which.

To add a kind: declare it in `spec` as an `Asked`, write a module here whose function opens a `Reader`, and name both in `_READERS`.
`headrace.testing.sources` is the conformance suite that each reader passes.
"""

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, cast, runtime_checkable

import polars as pl

from headrace.core.errors import SystemFault
from headrace.core.secrets import Secrets
from headrace.spec.asked import Asked

Cursor = str | int | float | None


class Page(NamedTuple):
    """Some rows of an answer, in their order.

    Attributes:
        rows: of types that `column_types.dtype_of` knows, or Null; a later page may have more columns, or others.
        cursor: the position after this page, given to `Reader.pages` to have the rest; None where the source is not incremental.
        notes: what people should know of how the rows were read, such as that decimals became floats. The same note is told once.
    """

    rows: pl.DataFrame
    cursor: Cursor = None
    notes: tuple[str, ...] = ()


@runtime_checkable
class Reader(Protocol):
    """Asks one source. Used by one thread; whatever it opens is closed when the iterator is exhausted or closed."""

    def pages(self, after: Cursor) -> Iterator[Page]:
        """Give the rows after a position in an order that asking again repeats; all of them after None.

        Each page is of bounded size, and so is the memory it takes. An incremental source that has nothing new gives no page.

        Raises:
            SourceUnreachable: if trying again may help.
            SourceRefused: if it does not let us in.
            SourceChanged, SourceUnreadable: if what it answers is not what was declared.
            No error holds a secret.
        """
        ...


class OpenReader(Protocol):
    """What a kind of source registers. It connects to nothing yet."""

    def __call__(self, source: Asked, secrets: Secrets, root: Path) -> Reader:
        """Return the reader of a declaration. `root` is the folder of `project.py`."""
        ...


# By name, so that a project loads the libraries of the sources it has and of no other.
_READERS: Mapping[str, str] = {
    "SQL": "headrace.ingest.sql.reader:open_sql",
    "REST": "headrace.ingest.rest.reader:open_rest",
    "Custom": "headrace.ingest.custom:open_custom",
}


def reader_of(source: Asked, secrets: Secrets, root: Path) -> Reader:
    """Return the reader of a declared source. Nothing is connected to before its pages are asked for.

    Raises:
        SecretMissing: if the declaration names a secret that is not there.
        SystemFault: if no reader is registered for such a source.
    """
    kind = type(source).__name__
    if kind not in _READERS:
        raise SystemFault(
            f"no reader is built for the source {kind}.", remedy=f"Use one of {', '.join(_READERS)}.", location=source.location
        )
    module, _, function = _READERS[kind].partition(":")
    opened = cast("OpenReader", getattr(importlib.import_module(module), function))
    return opened(source, secrets, root)
