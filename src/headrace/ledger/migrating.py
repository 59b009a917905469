"""Migrating a ledger that exists, by Alembic."""

from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_FOLDER = Path(__file__).parent / "migrations"


class Migration(NamedTuple):
    """A step from one version of the schema to the next."""

    version: str
    title: str


def migrations() -> tuple[Migration, ...]:
    """Return all there are, oldest first."""
    scripts = list(ScriptDirectory.from_config(_config()).walk_revisions())[::-1]
    return tuple(Migration(script.revision, str(script.doc)) for script in scripts)


def migrate(connection: Connection) -> None:
    """Bring the schema to its newest version, from whichever it has."""
    command.upgrade(_config(connection), "head")


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
