import sqlite3
from pathlib import Path

import pytest

from headrace.core.clock import SystemClock
from headrace.ledger.database import connect, file_of
from headrace.ledger.errors import LedgerDamaged, LedgerUnreachable, UnusableUrl
from headrace.ledger.postgres_engine import open_engine
from headrace.ledger.schema import step
from headrace.ledger.store import Ledger


def test_sqlite_runs_with_wal_foreign_keys_and_full_durability(ledger: Ledger) -> None:
    with ledger.read() as session:
        pragmas = [session.value(f"PRAGMA {name}") for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")]
    assert pragmas == ["wal", 1, 2, 60_000]


def test_a_reference_to_nothing_is_refused(ledger: Ledger) -> None:
    row = {"run_id": "run_none", "name": "s", "fingerprint": "f", "state": "done", "finished": ledger.clock.now(), "output": {}}
    numbers = dict.fromkeys(("wall_seconds", "cpu_seconds", "peak_bytes", "read_bytes", "written_bytes"), 0)
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), ledger.write("ana", "step") as session:
        session.insert(step, row | numbers)


def test_a_read_cannot_write(ledger: Ledger) -> None:
    with pytest.raises(LedgerUnreachable, match="readonly"), ledger.read() as session:
        session.run("INSERT INTO memo VALUES ('f', 's', '{}', '2026-01-01')")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite://", "memory"),
        (":memory:", "memory"),
        ("sqlite:///:memory:", "memory"),
        ("sqlite:///l.db?mode=ro", "options"),
        ("sqlite://l.db", "three slashes"),
        ("sqlite://home/l.db", "three slashes"),
        ("mysql://host/db", "mysql"),
        ("nonsense://host/db", "nonsense"),
        ("://", "parse"),
    ],
)
def test_an_unusable_url_says_why_and_what_would_do(url: str, reason: str) -> None:
    with pytest.raises(UnusableUrl, match=reason) as caught:
        connect(url)
    assert "sqlite:///" in caught.value.remedy


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/my%20home/l.db", "/var/my home/l.db"),
        ("sqlite:////var/100%25%3F/l.db", "/var/100%?/l.db"),
        ("/var/100%25?/l.db", "/var/100%25?/l.db"),
    ],
)
def test_the_path_in_a_url_is_decoded_as_in_any_url(url: str, path: str) -> None:
    """Or a ledger that was kept at such a URL by SQLAlchemy would not be found again, and an empty one be made beside it."""
    assert file_of(url) == Path(path)


def test_a_password_is_never_shown() -> None:
    with pytest.raises(UnusableUrl) as caught:
        connect("mysql://ana:s3cret@host/db")
    assert "s3cret" not in str(caught.value)
    assert "ana:***@host" in str(caught.value)


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("these are only words, and many of them, in a file that is no database" * 20)
    with pytest.raises(LedgerDamaged, match="not a database"):
        Ledger.open(tmp_path / "ledger.db", SystemClock())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerUnreachable, match="Not a directory"):
        Ledger.open(tmp_path / "file" / "home" / "ledger.db", SystemClock())


def test_a_server_that_does_not_answer_is_named() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerUnreachable, match="refused"):
        Ledger.open("postgresql://ana:s3cret@127.0.0.1:1/headrace", SystemClock())


def test_a_plain_postgres_url_gets_our_driver() -> None:
    pytest.importorskip("psycopg")
    assert open_engine("postgresql://ana@localhost/headrace").dialect.driver == "psycopg"
