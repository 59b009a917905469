"""The contract of the ledger, on SQLite and on a real Postgres."""

import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from services.postgres import Postgres

from headrace.core.clock import SystemClock
from headrace.engine.patience import Patience
from headrace.ledger.errors import LedgerUnreachable, LockLost
from headrace.ledger.store import Ledger
from headrace.testing.ledger import LedgerConformance


def restart(postgres: Postgres) -> None:
    postgres.stop()
    postgres.start()


class TestSqlite(LedgerConformance):
    @pytest.fixture
    def ledger_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/home/ledger.db"


class TestPostgres(LedgerConformance):
    @pytest.fixture
    def ledger_url(self, postgres_url: str) -> str:
        return postgres_url

    def test_a_wrong_password_is_told_at_once_without_any_password(self, postgres: Postgres) -> None:
        started = time.monotonic()
        with pytest.raises(LedgerUnreachable, match="password authentication failed") as caught:
            Ledger.open(postgres.url("postgres", "gu3ss"), SystemClock())
        assert "gu3ss" not in str(caught.value)
        assert time.monotonic() - started < 30

    def test_a_restart_between_two_transactions_is_not_noticed(self, postgres: Postgres, ledger: Ledger) -> None:
        for stop in (postgres.stop, postgres.kill):
            with ledger.write("ana", "before"):
                pass
            stop()
            postgres.start()
            with ledger.write("ana", "after"):
                pass
        assert ledger.head().sequence == 4

    def test_a_restart_inside_a_transaction_is_told_and_nothing_is_written(self, postgres: Postgres, ledger: Ledger) -> None:
        with pytest.raises(LedgerUnreachable, match="try again"), ledger.write("ana", "lost"):
            restart(postgres)
        assert ledger.head().sequence == 0
        with ledger.write("ana", "again"):
            pass
        assert ledger.head().sequence == 1

    def test_a_server_that_stays_away_is_told(self, postgres: Postgres, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("headrace.ledger.store.AWAY_SECONDS", 0.5)  # a minute, which no test should wait
        postgres.stop()
        try:
            with pytest.raises(LedgerUnreachable, match="server runs"), ledger.write("ana", "lost"):
                pass
        finally:
            postgres.start()

    def test_a_lock_is_taken_again_after_a_restart_unless_another_was_quicker(self, postgres: Postgres, ledger: Ledger) -> None:
        with ledger.locked("shop") as held:
            assert held is not None
            restart(postgres)
            held.confirm()
            with ledger.locked("shop") as other:
                assert other is None
            restart(postgres)
            with ledger.locked("shop") as other:
                assert other is not None
                with pytest.raises(LockLost, match="another process has taken the lock 'shop'"):
                    held.confirm()

    def test_a_lost_lock_stays_lost_however_often_it_is_asked(self, postgres: Postgres, ledger: Ledger) -> None:
        """Neither patience, nor that the other one has ended, makes two of them go on."""
        with ledger.locked("shop") as held:
            assert held is not None
            restart(postgres)
            with ledger.locked("shop") as other:
                assert other is not None
                with pytest.raises(LockLost):
                    Patience(first_pause_seconds=0.01).try_again(held.confirm, time.sleep)
            with pytest.raises(LockLost):
                held.confirm()
            with ledger.locked("shop") as next_one:
                assert next_one is not None

    def test_a_lock_is_confirmed_once_the_server_is_back(self, postgres: Postgres, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        with ledger.locked("shop") as held:
            assert held is not None
            postgres.stop()
            returning = threading.Timer(1, postgres.start)
            returning.start()
            try:
                held.confirm()
            finally:
                returning.join()
            monkeypatch.setattr("headrace.ledger.postgres_locks.AWAY_SECONDS", 0.5)  # a minute, which no test should wait
            postgres.stop()
            try:
                for _ in range(2):
                    with pytest.raises(LedgerUnreachable, match="server runs"):
                        held.confirm()
            finally:
                postgres.start()
            held.confirm()
            with ledger.locked("shop") as other:
                assert other is None

    def test_that_all_connections_are_in_use_is_told(self, ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("headrace.ledger.postgres_engine._WAIT_SECONDS", 0.1)
        with Ledger.open(ledger_url, SystemClock()) as ledger:
            with ExitStack() as reading:
                for _ in range(15):
                    reading.enter_context(ledger.read())
                for ask in (ledger.head, lambda: ledger.is_locked("shop"), ledger.try_writing):
                    with pytest.raises(LedgerUnreachable, match="all 15 connections of this process were in use"):
                        ask()
            assert ledger.head().sequence == 0

    def test_locks_take_no_connections_from_those_who_read_and_write(self, ledger: Ledger) -> None:
        with ExitStack() as held:
            assert all(held.enter_context(ledger.locked(f"project {number}")) for number in range(20))
            with ledger.write("ana", "note"):
                pass
            assert ledger.head().sequence == 1
