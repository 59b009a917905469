"""Bringing the schema to this version. Alembic is imported only when there is something to migrate: it costs more than a whole command.

What is made and what is migrated, without being asked: a database without a ledger gets one, made from the schema as it stands; a file,
which is one home's own, is brought to this version, in one transaction. A server's ledger is shared: older versions of Headrace may be
using it, and could not read it afterwards. It is migrated only by `headrace upgrade`.
"""

from typing import TYPE_CHECKING

from headrace.ledger.database import Connection, Database
from headrace.ledger.errors import LedgerIsNewer, LedgerIsOlder
from headrace.ledger.protection import protect_audit
from headrace.ledger.schema import TABLES

if TYPE_CHECKING:
    from headrace.ledger.migrating import Migration

HEAD = "0003"
"""The newest migration; a test holds it to the folder."""

# Alembic's own table, as Alembic makes it.
_VERSION_TABLE = """CREATE TABLE alembic_version (
\tversion_num VARCHAR(32) NOT NULL,
\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""


def bring_to_head(database: Database, url: str, *, asked: bool = False) -> None:
    """Make or migrate the schema unless it is current. Of several processes at once one does it, the others wait.

    `url` is for messages. `asked` says that a person asked for it, which a shared ledger needs. The database is closed if it fails.

    Raises:
        LedgerIsNewer: if the schema is none of those we know.
        LedgerIsOlder: if it is an older one on a server, and nobody asked.
    """
    try:
        if _found(database) != HEAD:
            _make_or_migrate(database, url, asked)
    except BaseException:
        database.close()
        raise


def pending(database: Database, url: str) -> "tuple[str | None, tuple[Migration, ...]]":
    """Return the schema's version, None for an empty database, and what is to be done to bring it here, oldest first.

    Raises:
        LedgerIsNewer: if the schema is none of those we know.
    """
    found = _found(database)
    return found, () if found == HEAD else _after(found, url)


def schema_version(connection: Connection) -> str | None:
    """Return the schema's version, or None for an empty database."""
    if not connection.has_table("alembic_version"):
        return None
    return next((row["version_num"] for row in connection.rows("SELECT version_num FROM alembic_version")), None)


def _found(database: Database) -> str | None:
    with database.begin(writing=False) as connection:
        return schema_version(connection)


def _make_or_migrate(database: Database, url: str, asked: bool) -> None:
    with database.begin(writing=True) as connection:
        connection.take_turns()
        found = schema_version(connection)  # another process may have been first
        if found is None:
            _make(connection)
            return
    if found != HEAD:
        _migrate(database, found, url, asked)


def _make(connection: Connection) -> None:
    """Make what all migrations together make; they share no code, and a test holds the two to each other."""
    for statement in (each for table in TABLES for each in table.statements(connection.dialect)):
        connection.run(statement, {})
    protect_audit(connection)
    connection.run(_VERSION_TABLE, {})
    connection.run("INSERT INTO alembic_version (version_num) VALUES (:version)", {"version": HEAD})


def _migrate(database: Database, found: str, url: str, asked: bool) -> None:
    _after(found, url)
    if database.shared and not asked:
        raise LedgerIsOlder(url, found, HEAD)
    from headrace.ledger.migrating import migrate  # heavy, and seldom needed

    with database.relational() as connection:  # alone: whoever comes second finds nothing to do
        migrate(connection)


def _after(found: str | None, url: str) -> "tuple[Migration, ...]":
    from headrace.ledger.migrating import migrations  # as above

    every = migrations()
    versions = [each.version for each in every]
    if found is not None and found not in versions:
        raise LedgerIsNewer(url, found, HEAD)
    return every[0 if found is None else versions.index(found) + 1 :]
