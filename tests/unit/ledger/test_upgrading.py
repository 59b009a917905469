"""A ledger that an older Headrace wrote: `ledger_0001.sql` is the dump of one."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from headrace.core.clock import SystemClock
from headrace.ledger import models, runs, schema_version
from headrace.ledger.database import connect
from headrace.ledger.errors import LedgerInUse, LedgerIsNewer, LedgerIsOlder
from headrace.ledger.store import Ledger
from headrace.ledger.upgrading import plan_upgrade, upgrade
from headrace.ledger.verification import verify_audit

DUMP = Path(__file__).parents[2] / "data" / "ledger_0001.sql"


@pytest.fixture
def old_file(tmp_path: Path) -> str:
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.executescript(DUMP.read_text(encoding="utf-8"))
    connection.close()
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def old_server(postgres_url: str) -> str:
    server = connect(postgres_url)
    with server.relational() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(schema_version.__file__).parent / "migrations"))
        command.upgrade(config, "0001")
        row = "INSERT INTO run VALUES ('run_1', 'returns', 'run', 'running', 'ana', 'c', 0, now(), NULL, NULL, '{}', '{}')"
        connection.execute(text(row))
    server.close()
    return postgres_url


def set_version(url: str, version: str) -> None:
    database = connect(url)
    with database.begin(writing=True) as connection:
        connection.run("UPDATE alembic_version SET version_num = :version", {"version": version})
    database.close()


def test_an_old_file_opens_in_this_version_with_everything_it_held(old_file: str) -> None:
    with Ledger.open(old_file, SystemClock()) as ledger:
        with ledger.read() as session:
            (run,) = runs.list_runs(session)
            champion = models.champion(session, "returns", "returned")
        assert (run.project, run.state, run.actor) == ("returns", "finished", "ana")
        assert champion is not None
        assert champion.number == 1
        assert (verify_audit(ledger).whole, verify_audit(ledger).rows) == (True, 4)
        with ledger.write("ana", "after"):
            pass
    assert plan_upgrade(old_file).migrations == ()


def test_a_plan_says_what_would_be_done_and_does_nothing(old_file: str) -> None:
    planned = plan_upgrade(old_file)
    assert (planned.found, planned.head) == ("0001", schema_version.HEAD)
    assert [each.version for each in planned.migrations][:1] == ["0002"]
    assert all(each.title.endswith(".") for each in planned.migrations)
    assert plan_upgrade(old_file) == upgrade(old_file) == planned
    assert plan_upgrade(old_file).found == schema_version.HEAD


def test_where_there_is_no_ledger_none_is_made(tmp_path: Path, postgres_url: str) -> None:
    for url in (f"sqlite:///{tmp_path}/home/ledger.db", postgres_url):
        assert plan_upgrade(url).found is None
        assert upgrade(url).found is None
        assert plan_upgrade(url).found is None
    assert list(tmp_path.iterdir()) == []


def test_an_old_ledger_on_a_server_waits_until_somebody_asks(old_server: str) -> None:
    with pytest.raises(LedgerIsOlder, match="headrace upgrade"):
        Ledger.open(old_server, SystemClock())
    assert plan_upgrade(old_server).found == "0001"
    assert upgrade(old_server).found == "0001"
    with Ledger.open(old_server, SystemClock()) as ledger, ledger.read() as session:
        assert [run.id for run in runs.list_runs(session)] == ["run_1"]


def test_a_ledger_is_not_changed_under_a_run(old_server: str) -> None:
    server = connect(old_server)
    with server.hold_lock("returns", "here") as held:
        assert held is not None
        with pytest.raises(LedgerInUse, match="a run of returns"):
            upgrade(old_server)
    server.close()
    assert plan_upgrade(old_server).found == "0001"


@pytest.mark.parametrize("ask", [plan_upgrade, upgrade, lambda url: Ledger.open(url, SystemClock())])
def test_a_newer_ledger_is_refused(ask: object, old_file: str, postgres_url: str) -> None:
    Ledger.open(postgres_url, SystemClock()).close()
    for url in (old_file, postgres_url):
        set_version(url, "9999")
        with pytest.raises(LedgerIsNewer, match="9999"):
            ask(url)  # type: ignore[operator]
