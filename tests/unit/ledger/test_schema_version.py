import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from services.postgres import Postgres
from sqlalchemy import Connection

from headrace.core.clock import SystemClock
from headrace.ledger import schema_version
from headrace.ledger.database import Database, connect
from headrace.ledger.errors import LedgerIsNewer
from headrace.ledger.store import Ledger

MIGRATIONS = Path(schema_version.__file__).parent / "migrations"


@pytest.fixture(params=["sqlite", "postgres"])
def two_urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The URLs of two empty databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/migrated.db", f"sqlite:///{tmp_path}/made.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database(), server.database()


def migrate(url: str) -> None:
    """Make a ledger by all migrations, one after the other."""
    with opened(url) as database, database.relational() as connection:
        command.upgrade(config_of(connection), "head")


def config_of(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = connect(url)
    yield database
    database.close()


def test_a_new_ledger_is_what_all_migrations_together_make(two_urls: tuple[str, str]) -> None:
    migrate(two_urls[0])
    Ledger.open(two_urls[1], SystemClock()).close()
    migrated, made = (catalogue(url) for url in two_urls)
    assert made == migrated
    told = "\n".join(made)
    assert all(word in told for word in ("audit_head_only_advances", "one_champion", "ck_table_version_no_row_lost", "fk_step_run_id"))


def catalogue(url: str) -> list[str]:
    """Return everything that a database holds by its own words: tables, columns, keys, checks, indexes, triggers and rows.

    Of a table SQLite keeps the statement that made it, whose constraints may stand in any order.
    """
    with opened(url) as database, database.begin(writing=False) as connection:
        rows = [tuple(row.values()) for query in (POSTGRES if database.shared else SQLITE) for row in connection.rows(query)]
    assert len(rows) > 50
    return sorted(f"{name}: {line.strip(', ')}" for name, told in rows for line in str(told).splitlines())


ROWS = (
    "SELECT 'audit_head' AS name, id || ' ' || sequence || ' ' || hash AS told FROM audit_head",
    "SELECT 'alembic_version' AS name, version_num FROM alembic_version",
)
SQLITE = (
    "SELECT name, sql FROM sqlite_master",
    "SELECT m.name, c.cid || ' ' || c.name FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c",
    *ROWS,
)
POSTGRES = (
    "SELECT table_name, concat_ws(' ', ordinal_position, column_name, data_type, is_nullable, column_default, character_maximum_length)"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT conname, conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    *ROWS,
)


def test_a_migration_does_tomorrow_what_it_did_when_it_was_written() -> None:
    """It calls nothing of ours: who changes the schema would change what it did to ledgers that were made before."""
    written = sorted((MIGRATIONS / "versions").glob("*.py"))
    assert len(written) >= 3
    for path in written:
        assert "headrace" not in path.read_text(encoding="utf-8"), path.name


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(config_of()).get_current_head() == schema_version.HEAD


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(path, SystemClock()).close()
    with opened(str(path)) as database, database.begin(writing=True) as connection:
        connection.run("UPDATE alembic_version SET version_num = '9999'", {})
    with pytest.raises(LedgerIsNewer, match="9999"):
        Ledger.open(path, SystemClock())


@pytest.mark.parametrize("new", [True, False])
def test_a_ledger_that_is_new_or_current_opens_without_alembic(tmp_path: Path, new: bool) -> None:
    path = tmp_path / "ledger.db"
    if not new:
        Ledger.open(path, SystemClock()).close()
    program = (
        "import sys; from headrace.ledger.store import Ledger; from headrace.core.clock import SystemClock;"
        f"Ledger.open({str(path)!r}, SystemClock()).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_several_threads_may_make_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "100% new" / "ledger.db"
    with ThreadPoolExecutor(6) as pool:
        for ledger in pool.map(lambda _: Ledger.open(path, SystemClock()), range(6)):
            assert ledger.head().sequence == 0
            ledger.close()


def test_several_processes_may_make_it_at_once(tmp_path: Path) -> None:
    program = (
        "from headrace.ledger.store import Ledger; from headrace.core.clock import SystemClock\n"
        f"with Ledger.open({str(tmp_path / 'ledger.db')!r}, SystemClock()) as ledger:\n"
        "    with ledger.write('ana', 'first.use'): pass"
    )
    started = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(4)]
    assert [process.wait() for process in started] == [0, 0, 0, 0]
    with Ledger.open(tmp_path / "ledger.db", SystemClock()) as ledger:
        assert ledger.head().sequence == 4
