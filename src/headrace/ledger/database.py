"""What a ledger is kept in: a file, or a server. Both run the same statements, with `:name` for a parameter."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from headrace.core.errors import SystemFault
from headrace.core.secrets import masked
from headrace.ledger.conversion import Row, Unreadable
from headrace.ledger.ddl import Dialect
from headrace.ledger.errors import LedgerDamaged, UnusableUrl
from headrace.ledger.locks import Hold
from headrace.ledger.sqlite import File

if TYPE_CHECKING:
    import sqlalchemy

AWAY_SECONDS = 60
"""How long a server that is away is waited for."""
RETRY_SECONDS = 0.2

_FILES = ("sqlite://", "sqlite+pysqlite://")


class Connection(Protocol):
    """An open transaction. Values go in and come out by the kinds of the columns that they are named after. One thread at a time."""

    dialect: Dialect

    def rows(self, statement: str, values: Mapping[str, Any] = ..., /) -> list[Row]:
        """Run a statement and return what it finds."""

    def run(self, statement: str, /, *rows: Mapping[str, Any]) -> int:
        """Run a statement once with the values of each row, and return how many rows of the table were changed."""

    def take_turns(self) -> None:
        """Wait until nobody else makes or changes the schema, and keep others waiting until the transaction ends."""

    def has_table(self, name: str) -> bool:
        """Tell whether there is a table."""


class Database(Protocol):
    """A store. Thread safe.

    Attributes:
        errors: what its driver raises.
        shared: whether others may be using it, with versions of their own.
    """

    errors: tuple[type[Exception], ...]
    shared: bool

    def begin(self, *, writing: bool) -> AbstractContextManager[Connection]:
        """Open a transaction: one that reads a single state and may not write, or one that writes."""

    def relational(self) -> "AbstractContextManager[sqlalchemy.Connection]":
        """Open a transaction that writes, as Alembic wants it; it has its turn."""

    def fault_of(self, error: Exception, place: str) -> SystemFault | None:
        """Return what one of its errors means; None if what was written is at fault, and not the store. `place` is for messages."""

    def is_away(self, error: Exception) -> bool:
        """Tell whether it did not answer, or went away: the same may work in a moment."""

    def hold_lock(self, name: str, place: str) -> AbstractContextManager[Hold | None]:
        """Hold a lock among all who use it; gives None if another process has it, within a fifth of a second."""

    def is_held(self, name: str, place: str) -> bool:
        """Tell whether some process has a lock, without taking it: nobody who wants it meanwhile is refused."""

    def close(self) -> None:
        """Close the connections."""


def connect(url: str) -> Database:
    """Return the store at a file path or a URL; the folder of a file is made.

    Raises:
        UnusableUrl: if the URL names no store we can open, or its driver is not installed.
    """
    path = file_of(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        return File(path)
    # SQLAlchemy takes longer to load than a short command runs, and a file needs none.
    from headrace.ledger.postgres import Server

    return Server(url)


@contextmanager
def faults_of(database: Database, place: str) -> Iterator[None]:
    """Say of an error of a store's driver what it means; one that was made by what was written is passed on."""
    try:
        yield
    except database.errors as error:
        fault = database.fault_of(error, place)
        if fault is None:
            raise
        raise fault from error
    except Unreadable as error:
        raise LedgerDamaged(place, f"holds what nobody wrote: of a row, {error}") from error


def file_of(url: str) -> Path | None:
    """Return the file that a path or a URL names, or None if it names a server.

    Raises:
        UnusableUrl: if it would be kept in memory, has options, or is on a host.
    """
    if "://" in url and not url.startswith(_FILES):
        return None
    name = _path_in(url) if "://" in url else url
    if name in ("", ":memory:"):
        raise UnusableUrl(masked(url), "a ledger in memory would be forgotten, and is not shared between threads")
    return Path(name).absolute()


def _path_in(url: str) -> str:
    host, _, path = url.partition("://")[2].partition("/")
    if host:
        raise UnusableUrl(masked(url), "a file is on no host; its path comes after three slashes")
    if "?" in path:
        raise UnusableUrl(masked(url), "a file has no options")
    return unquote(path)
