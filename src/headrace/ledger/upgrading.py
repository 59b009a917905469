"""Upgrading a ledger because somebody asked: what would be done, and doing it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec

from headrace.core.secrets import masked
from headrace.ledger.database import Database, connect, faults_of, file_of
from headrace.ledger.errors import LedgerInUse
from headrace.ledger.migrating import Migration
from headrace.ledger.schema_version import HEAD, bring_to_head, pending

# As every version of the schema has them.
_RUNNING = "SELECT DISTINCT project FROM run WHERE state = 'running' ORDER BY project"


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger's way to this version: from `found`, None where there is no ledger yet, to `head`."""

    ledger: str
    found: str | None
    head: str
    migrations: tuple[Migration, ...]


def plan_upgrade(url: str) -> Upgrade:
    """Return what an upgrade would do. Nothing is made or changed.

    Raises:
        LedgerIsNewer: if a newer Headrace wrote it.
        LedgerUnreachable: if the store does not answer.
    """
    if not _is_there(url):
        return _nothing(url)
    with _opened(url) as database:
        return _planned(database, masked(url))


def upgrade(url: str) -> Upgrade:
    """Bring a ledger to this version and return what was done. None is made.

    Raises:
        LedgerInUse: if a run is going on.
        LedgerIsNewer: if a newer Headrace wrote it.
        LedgerUnreachable: if the store does not answer.
    """
    if not _is_there(url):
        return _nothing(url)
    with _opened(url) as database, ExitStack() as held:
        place = masked(url)
        planned = _planned(database, place)
        if planned.found is None or not planned.migrations:
            return planned
        busy = [name for name in _running(database) if held.enter_context(database.hold_lock(name, place)) is None]
        if busy:
            raise LedgerInUse(place, busy)
        bring_to_head(database, place, asked=True)
        return planned


def _is_there(url: str) -> bool:
    """Tell whether there is a file; to connect would make it. A server says itself."""
    path = file_of(url)
    return path is None or path.exists()


def _nothing(url: str) -> Upgrade:
    return Upgrade(ledger=masked(url), found=None, head=HEAD, migrations=())


def _planned(database: Database, place: str) -> Upgrade:
    found, migrations = pending(database, place)
    return Upgrade(ledger=place, found=found, head=HEAD, migrations=migrations)


def _running(database: Database) -> list[str]:
    with database.begin(writing=False) as connection:
        return [row["project"] for row in connection.rows(_RUNNING)]


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = connect(url)
    try:
        with faults_of(database, masked(url)):
            yield database
    finally:
        database.close()
