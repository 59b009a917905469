"""Bringing the schema to this version. Alembic is imported only when there is something to do: it costs as much as a whole command.

What is made and what is migrated, without being asked: a database without a ledger gets one; a file, which is one home's own, is brought
to this version, in one transaction. A server's ledger is shared: older versions of Headrace may be using it, and could not read it
afterwards. It is migrated only by `headrace upgrade`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, Engine, column, select, table, text

from headrace.ledger.database import begin
from headrace.ledger.errors import LedgerIsNewer, LedgerIsOlder

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0003"
"""The newest migration; a test holds it to the folder."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = table("alembic_version", column("version_num"))
_POSTGRES_LOCK = 0x68656164  # "head": an arbitrary number, the same in every process


class Migration(NamedTuple):
    """A step from one version of the schema to the next."""

    version: str
    title: str


def bring_to_head(engine: Engine, url: str, *, asked: bool = False) -> None:
    """Make or migrate the schema unless it is current. Of several processes at once one does it, the others wait.

    `url` is for messages. `asked` says that a person asked for it, which a shared ledger needs. The engine is closed if it fails.

    Raises:
        LedgerIsNewer: if the schema is none of those we know.
        LedgerIsOlder: if it is an older one on a server, and nobody asked.
    """
    try:
        with begin(engine, writing=False) as connection:
            current = schema_version(connection) == HEAD
        if not current:
            _take_turns_to_migrate(engine, url, asked)
    except BaseException:
        engine.dispose()
        raise


def pending(engine: Engine, url: str) -> tuple[str | None, tuple[Migration, ...]]:
    """Return the schema's version, None for an empty database, and what is to be done to bring it here, oldest first.

    Raises:
        LedgerIsNewer: if the schema is none of those we know.
    """
    with begin(engine, writing=False) as connection:
        found = schema_version(connection)
        if found == HEAD:
            return found, ()
        return found, _after(connection, found, url)


def _take_turns_to_migrate(engine: Engine, url: str, asked: bool) -> None:
    with begin(engine, writing=True) as connection:
        shared = connection.dialect.name != "sqlite"
        if shared:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
        found = schema_version(connection)  # another process may have been first
        if found == HEAD:
            return
        _after(connection, found, url)
        if found is not None and shared and not asked:
            raise LedgerIsOlder(url, found, HEAD)
        _migrate(connection)


def schema_version(connection: Connection) -> str | None:
    """Return the schema's version, or None for an empty database."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalar()


def _after(connection: Connection, found: str | None, url: str) -> tuple[Migration, ...]:
    from alembic.script import ScriptDirectory  # heavy, and seldom needed

    scripts = list(ScriptDirectory.from_config(_config(connection)).walk_revisions())[::-1]
    versions = [script.revision for script in scripts]
    if found is not None and found not in versions:
        raise LedgerIsNewer(url, found, HEAD)
    first = 0 if found is None else versions.index(found) + 1
    return tuple(Migration(script.revision, str(script.doc)) for script in scripts[first:])


def _migrate(connection: Connection) -> None:
    from alembic import command

    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
