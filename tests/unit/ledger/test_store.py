"""What is a file's own. What every store promises is in `headrace.testing.ledger`, and run over SQLite by tests/conformance."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from headrace.core.clock import SystemClock
from headrace.ledger import memo
from headrace.ledger.errors import LedgerDamaged, LedgerUnreachable
from headrace.ledger.store import Ledger


def test_ids_carry_the_clock(ledger: Ledger) -> None:
    first, second = ledger.new_id("run"), ledger.new_id("run")
    assert first < second


def test_without_a_head_nothing_is_written(ledger: Ledger) -> None:
    with ledger._database.begin(writing=True) as connection:
        for statement in ("DROP TRIGGER audit_head_is_never_deleted", "DELETE FROM audit_head"):
            connection.run(statement, {})
    with pytest.raises(LedgerDamaged, match="head"), ledger.write("ana", "anything"):
        pass


def test_a_ledger_that_stays_locked_is_a_fault_that_may_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.ledger.sqlite._BUSY_SECONDS", 0.05)
    with Ledger.open(tmp_path / "ledger.db", SystemClock()) as ledger:
        holder = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnreachable, match="locked"), ledger.write("rita", "note"):
            pass
        holder.close()
        with ledger.write("rita", "note"):
            pass
        assert ledger.head().sequence == 1


def test_a_damaged_file_is_a_fault_that_does_not_pass_with_the_backup_as_remedy(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(path, SystemClock()):
        pass
    with contextlib.closing(sqlite3.connect(path)) as store:
        pages = [page for (page,) in store.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'memo'")]
        (size,) = store.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
    with Ledger.open(path, SystemClock()) as ledger, pytest.raises(LedgerDamaged, match="malformed") as caught, ledger.read() as session:
        memo.find(session, "f")
    assert not caught.value.passing
    assert "backup" in caught.value.remedy
    for rest in tmp_path.iterdir():
        rest.unlink()
    path.write_bytes(b"no database, but long enough to be read as one" * 100)
    with pytest.raises(LedgerDamaged, match="not a database"):
        Ledger.open(path, SystemClock())


def test_what_breaks_a_rule_of_the_schema_is_no_fault_of_the_store(ledger: Ledger) -> None:
    with pytest.raises(sqlite3.IntegrityError), ledger.write("ana", "run.start") as session:
        session.run("INSERT INTO memo DEFAULT VALUES")
