"""Bringing the schema to this version. Alembic is imported only when there is something to do: it costs as much as a whole command."""

from pathlib import Path

from sqlalchemy import Connection, Engine, column, select, table, text

from headrace.ledger.database import begin
from headrace.ledger.errors import LedgerIsNewer

HEAD = "0002"
"""The newest migration; a test holds it to the folder."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = table("alembic_version", column("version_num"))
_POSTGRES_LOCK = 0x68656164  # "head": an arbitrary number, the same in every process


def bring_to_head(engine: Engine, url: str) -> None:
    """Make or migrate the schema unless it is current. Of several processes at once one does it, the others wait.

    `url` is for messages. The engine is closed if it fails.

    Raises:
        LedgerIsNewer: if the schema is none of those we know.
    """
    try:
        with begin(engine, writing=False) as connection:
            current = schema_version(connection) == HEAD
        if not current:
            _take_turns_to_migrate(engine, url)
    except BaseException:
        engine.dispose()
        raise


def _take_turns_to_migrate(engine: Engine, url: str) -> None:
    with begin(engine, writing=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
        found = schema_version(connection)  # another process may have been first
        if found != HEAD:
            _migrate(connection, found, url)


def schema_version(connection: Connection) -> str | None:
    """Return the schema's version, or None for an empty database."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalar()


def _migrate(connection: Connection, found: str | None, url: str) -> None:
    from alembic import command  # heavy, and seldom needed
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise LedgerIsNewer(url, found, HEAD)
    command.upgrade(config, "head")
