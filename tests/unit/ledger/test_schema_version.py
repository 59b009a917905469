import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from headrace.core.clock import SystemClock
from headrace.ledger import schema_version
from headrace.ledger.database import begin, connect
from headrace.ledger.errors import LedgerIsNewer
from headrace.ledger.schema import metadata
from headrace.ledger.store import Ledger

MIGRATIONS = Path(schema_version.__file__).parent / "migrations"


def test_migrations_and_schema_agree(ledger: Ledger) -> None:
    with ledger.read() as session:
        context = MigrationContext.configure(session.connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_checks_and_partial_indexes_agree_too(ledger: Ledger, tmp_path: Path) -> None:
    """Alembic compares neither."""
    direct = connect(str(tmp_path / "direct.db"))
    with begin(direct, writing=True) as connection:
        metadata.create_all(connection)
    with begin(direct, writing=False) as made, ledger.read() as session:
        for table in metadata.tables:
            for kind in ("get_check_constraints", "get_indexes", "get_unique_constraints", "get_foreign_keys"):
                mine, migrated = (described(getattr(inspect(each), kind)(table)) for each in (made, session.connection))
                assert mine == migrated, (table, kind)
    direct.dispose()


def described(parts: list[dict[str, object]]) -> list[str]:
    return sorted(
        str({name: {k: str(v) for k, v in value.items()} if isinstance(value, dict) else value for name, value in part.items()})
        for part in parts
    )


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == schema_version.HEAD


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(path, SystemClock()).close()
    engine = connect(str(path))
    with begin(engine, writing=True) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(LedgerIsNewer, match="9999"):
        Ledger.open(path, SystemClock())


def test_a_current_ledger_opens_without_alembic(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
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
