"""Upgrading a ledger because somebody asked: what would be done, and doing it."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Engine, column, select, table
from sqlalchemy.exc import DBAPIError

from headrace.core.secrets import masked
from headrace.ledger.database import begin, connect, parse
from headrace.ledger.errors import LedgerInUse, LedgerUnreachable
from headrace.ledger.locks import hold_lock
from headrace.ledger.schema_version import HEAD, Migration, bring_to_head, pending

# As every version of the schema has them.
_RUN = table("run", column("project"), column("state"))


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
    with _opened(url) as engine:
        return _planned(engine, masked(url))


def upgrade(url: str) -> Upgrade:
    """Bring a ledger to this version and return what was done. None is made.

    Raises:
        LedgerInUse: if a run is going on.
        LedgerIsNewer: if a newer Headrace wrote it.
        LedgerUnreachable: if the store does not answer.
    """
    if not _is_there(url):
        return _nothing(url)
    with _opened(url) as engine, ExitStack() as held:
        place = masked(url)
        planned = _planned(engine, place)
        if planned.found is None or not planned.migrations:
            return planned
        busy = [name for name in _running(engine) if held.enter_context(hold_lock(engine, name, place)) is None]
        if busy:
            raise LedgerInUse(place, busy)
        bring_to_head(engine, place, asked=True)
        return planned


def _is_there(url: str) -> bool:
    """Tell whether there is a file; to connect would make it. A server says itself."""
    parsed = parse(url)
    return parsed.get_backend_name() != "sqlite" or Path(str(parsed.database)).exists()


def _nothing(url: str) -> Upgrade:
    return Upgrade(ledger=masked(url), found=None, head=HEAD, migrations=())


def _planned(engine: Engine, place: str) -> Upgrade:
    found, migrations = pending(engine, place)
    return Upgrade(ledger=place, found=found, head=HEAD, migrations=migrations)


def _running(engine: Engine) -> list[str]:
    with begin(engine, writing=False) as connection:
        rows = connection.execute(select(_RUN.c.project).where(_RUN.c.state == "running").distinct().order_by(_RUN.c.project))
        return [row.project for row in rows]


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    engine = connect(url)
    try:
        yield engine
    except (DBAPIError, sqlite3.Error) as error:
        raise LedgerUnreachable(masked(url), str(getattr(error, "orig", error))) from error
    finally:
        engine.dispose()
