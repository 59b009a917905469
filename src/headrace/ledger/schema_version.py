"""Bringing the schema to this version. Alembic is imported only when there is something to migrate: it costs as much as a whole command.

What is made and what is migrated, without being asked: a database without a ledger gets one, made from the schema as it stands; a file,
which is one home's own, is brought to this version, in one transaction. A server's ledger is shared: older versions of Headrace may be
using it, and could not read it afterwards. It is migrated only by `headrace upgrade`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Column, Connection, Engine, MetaData, PrimaryKeyConstraint, String, Table, insert, select, text

from headrace.ledger.database import begin
from headrace.ledger.errors import LedgerIsNewer, LedgerIsOlder
from headrace.ledger.protection import protect_audit
from headrace.ledger.schema import metadata

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0003"
"""The newest migration; a test holds it to the folder."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own, as Alembic makes it."""
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
        if found is None:
            _make(connection)
            return
        _after(connection, found, url)
        if shared and not asked:
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


def _make(connection: Connection) -> None:
    """Make what all migrations together make; they share no code, and a test holds the two to each other."""
    metadata.create_all(connection, checkfirst=False)
    protect_audit(connection)
    _VERSION.create(connection, checkfirst=False)
    connection.execute(insert(_VERSION).values(version_num=HEAD))


def _migrate(connection: Connection) -> None:
    from alembic import command

    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
