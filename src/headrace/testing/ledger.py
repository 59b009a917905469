"""What the ledger must do on every store. A test class inherits `LedgerConformance` and gives the fixture `ledger_url`.

`ledger_url` is the URL of an empty store, a new one for each test; it may hold a password, which nothing may show.
"""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from headrace.core.clock import FixedClock, SystemClock
from headrace.ledger import approvals, audit, charges, evaluations, identities, memo, models, predictions, runs, tables
from headrace.ledger.database import connect
from headrace.ledger.errors import IllegalTransition, LedgerUnreachable, NestedWrite, NoSuchRecord
from headrace.ledger.schema import TABLES
from headrace.ledger.store import Ledger, NothingToWrite
from headrace.ledger.verification import verify_audit
from headrace.testing.ledger_at_work import LedgerAtWork

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
_REFUSED = (sqlite3.IntegrityError, DBAPIError)
"""What a driver says of a row that breaks a rule of the schema."""


class LedgerConformance(LedgerAtWork):
    """The contract of `headrace.ledger.store.Ledger`, and of the functions that query it, point by point."""

    @pytest.fixture
    def ledger(self, ledger_url: str) -> Iterator[Ledger]:
        """The ledger at `ledger_url`, in which it is noon."""
        with Ledger.open(ledger_url, FixedClock(NOON)) as opened:
            yield opened

    @pytest.fixture
    def run_id(self, ledger: Ledger) -> str:
        """A run that runs."""
        with ledger.write("rita", "run.start") as session:
            return runs.start(session, runs.NewRun(project="flights")).id

    def test_the_newest_is_what_was_recorded_last_though_the_clock_goes_back(self, ledger_url: str) -> None:
        clock = FixedClock(NOON)
        with Ledger.open(ledger_url, clock) as ledger:
            made: list[tables.TableVersion] = []
            for hour in (0, -1, -1, 1):
                clock.moment = NOON + timedelta(hours=hour)
                with ledger.write("ana", "table") as session:
                    new = tables.NewTableVersion(
                        project="p", name="t", version=len(made), fingerprint="f", types={}, rows_in=0, accepted=0, quarantined=0,
                        duplicates=0, run_id=runs.start(session, runs.NewRun(project="p")).id,
                    )  # fmt: skip
                    made.append(tables.record(session, new))
            with ledger.read() as session:
                assert tables.list_versions(session, "p", "t") == tuple(reversed(made))
                assert [run.id for run in runs.list_runs(session, "p")] == [each.run_id for each in reversed(made)]
            assert [each.created for each in made] == [NOON + timedelta(hours=hour) for hour in (0, -1, -1, 1)]
            assert verify_audit(ledger).whole

    def test_it_is_made_when_it_is_first_opened_and_found_again(self, ledger_url: str) -> None:
        """What was written is there for whoever opens it next."""
        with Ledger.open(ledger_url, SystemClock()) as ledger, ledger.write("ana", "first"):
            pass
        with Ledger.open(ledger_url, SystemClock()) as ledger:
            assert ledger.head().sequence == 1

    def test_nothing_shows_its_password(self, ledger: Ledger, ledger_url: str) -> None:
        """Neither its name nor an error does."""
        password = str(make_url(ledger_url).password or "") if "://" in ledger_url else ""
        assert not password or password not in ledger.url
        with pytest.raises(LedgerUnreachable) as caught, ledger.read() as session:
            session.run("INSERT INTO memo VALUES ('f', 's', '{}', '2026-01-01')")
        assert not password or password not in str(caught.value)

    def test_a_write_commits_rows_and_one_audit_row(self, ledger: Ledger) -> None:
        """Both are there afterwards."""
        with ledger.write("ana", "memo.save", "f", why="a test") as session:
            memo.save(session, "f", "step", {"x": 1})
        with ledger.read() as session:
            assert memo.find(session, "f") == {"x": 1}
            (row,) = audit.entries(session)
        assert (row.sequence, row.actor, row.action, row.subject, row.details) == (1, "ana", "memo.save", "f", {"why": "a test"})
        assert row.moment == NOON

    def test_a_failed_write_leaves_neither(self, ledger: Ledger) -> None:
        """And the next one goes on as if it had not been."""
        with pytest.raises(ZeroDivisionError), ledger.write("ana", "memo.save") as session:
            memo.save(session, "f", "step", {"x": 1 // 0})
        with ledger.read() as session:
            assert memo.find(session, "f") is None
        assert ledger.head().sequence == 0
        with ledger.write("ana", "after"):
            pass
        with ledger.read() as session:
            assert memo.find(session, "f") is None
        assert ledger.head().sequence == 1

    def test_a_write_that_finds_nothing_to_write_leaves_neither_and_nobody_is_told(self, ledger: Ledger) -> None:
        """As one that fails, but that it is no failure."""
        with ledger.write("ana", "memo.save") as session:
            memo.save(session, "f", "step", {})
            raise NothingToWrite
        with ledger.read() as session:
            assert memo.find(session, "f") is None
        assert ledger.head().sequence == 0

    def test_a_write_inside_a_write_is_told_what_to_do(self, ledger: Ledger) -> None:
        """It would wait for itself."""
        with pytest.raises(NestedWrite, match="'outer'"), ledger.write("ana", "outer"), ledger.write("ana", "inner"):
            pass

    def test_a_read_sees_one_state_and_cannot_write(self, ledger: Ledger) -> None:
        """What is committed meanwhile is seen by the next."""
        with ledger.read() as session:
            assert memo.find(session, "f") is None
            with ledger.write("ana", "memo.save") as writing:
                memo.save(writing, "f", "step", {})
            assert memo.find(session, "f") is None
        with ledger.read() as session:
            assert memo.find(session, "f") == {}
        with pytest.raises(LedgerUnreachable), ledger.read() as session:
            memo.save(session, "g", "step", {})

    def test_a_reference_to_nothing_is_refused(self, ledger: Ledger) -> None:
        """The store keeps the records together."""
        step = runs.Step(run_id="run_none", name="s", fingerprint="f", state="done", finished=NOON)
        with pytest.raises(_REFUSED, match=r"(?i)foreign key"), ledger.write("ana", "step") as session:
            runs.record_step(session, step)

    def test_the_audit_only_grows(self, ledger: Ledger) -> None:
        """The store itself refuses to change or to remove a row."""
        with ledger.write("ana", "something"):
            pass
        for statement in ("UPDATE audit SET actor = 'bob'", "DELETE FROM audit"):
            with pytest.raises((*_REFUSED, LedgerUnreachable), match="append-only"), ledger.write("bob", "edit") as session:
                session.run(statement)
        assert verify_audit(ledger).rows == 1

    def test_values_come_back_as_they_went_in(self, ledger: Ledger, run_id: str) -> None:
        """Moments to the microsecond, money to twelve places, large counts, nested JSON."""
        details = {"é": [1, 2.5, None, True], "a": {"b": "c'\"\n"}, "large": 2**53}
        third = Decimal(1) / 3
        with ledger.write("ana", "all") as session:
            memo.save(session, "f", "step", details)
            (charge,) = charges.add(session, [_charge(run_id, third)])
            step = runs.Step(run_id=run_id, name="s", fingerprint="f", state="done", finished=NOON, peak_bytes=2**40, wall_seconds=0.1)
            runs.record_step(session, step)
        with ledger.read() as session:
            assert memo.find(session, "f") == details
            assert charges.of_run(session, run_id) == (charge,)
            assert charge.amount_usd == round(third, 12)
            assert runs.steps_of(session, run_id) == (step,)
            assert runs.get(session, run_id).started == NOON

    def test_words_that_no_store_can_hold_are_written_out(self, ledger: Ledger, run_id: str) -> None:
        """A NUL, and what Python makes of the name of a file that is not in UTF-8; in JSON they come back as they were."""
        words = "caf\udce9\0.csv"
        with ledger.write("ana", "run.finish", words=words) as session:
            runs.finish(session, run_id, runs.FAILED, error=words, summary={"words": words})
        with ledger.read() as session:
            found = runs.get(session, run_id)
        assert (found.error, found.summary) == ("caf\\udce9\\x00.csv", {"words": words})
        assert verify_audit(ledger).whole

    def test_runs_start_end_and_are_listed(self, ledger: Ledger, run_id: str) -> None:
        """Newest first; an end is an end."""
        with ledger.write("rita", "run.start") as session:
            second = runs.start(session, runs.NewRun(project="flights", kind="publish", details={"a": 1})).id
        with ledger.write("rita", "run.finish") as session:
            runs.finish(session, run_id, runs.FAILED, error="words", summary={"n": 1})
        with pytest.raises(IllegalTransition), ledger.write("rita", "run.finish") as session:
            runs.finish(session, run_id)
        with ledger.read() as session:
            assert [run.id for run in runs.list_runs(session, "flights")] == [second, run_id]
            assert [run.id for run in runs.list_runs(session, state=runs.RUNNING)] == [second]
            first = runs.get(session, run_id)
            assert (first.state, first.error, first.summary, first.finished) == ("failed", "words", {"n": 1}, NOON)
            newest = runs.latest(session, "flights", "publish")
            assert newest is not None
            assert newest.id == second
            with pytest.raises(NoSuchRecord):
                runs.get(session, "run_none")

    def test_a_column_that_a_newer_version_adds_is_not_noticed(self, ledger: Ledger, ledger_url: str, run_id: str) -> None:
        """By whoever has it open: a server of predictions goes on."""
        for _ in range(8):  # after some a server keeps how it reads
            with ledger.read() as session:
                assert runs.get(session, run_id).project == "flights"
        newer = connect(ledger_url)
        with newer.begin(writing=True) as connection:
            for table in TABLES:
                connection.run(f"ALTER TABLE {table.name} ADD COLUMN later TEXT", {})
        newer.close()
        with ledger.write("rita", "run.finish") as session:
            runs.finish(session, run_id)
        with ledger.read() as session:
            assert runs.get(session, run_id).state == "finished"
        assert verify_audit(ledger).whole

    def test_a_step_recorded_again_replaces_the_first(self, ledger: Ledger, run_id: str) -> None:
        """A run that was resumed tells of it once."""
        for state in ("failed", "done"):
            with ledger.write("rita", "step") as session:
                runs.record_step(session, runs.Step(run_id=run_id, name="s", fingerprint="f", state=state, finished=NOON))
        with ledger.read() as session:
            assert [step.state for step in runs.steps_of(session, run_id)] == ["done"]

    def test_a_model_has_one_champion(self, ledger: Ledger, run_id: str) -> None:
        """Versions count up, states follow each other, the next champion retires the one before it."""
        with ledger.write("ana", "models") as session:
            table = tables.record(session, _table(run_id), [tables.ContractResult(rule="r", severity="warn", passed=True, failing_rows=0)])
            made = [models.create(session, _model(run_id), (table.id,)) for _ in range(3)]
            for each in made[:2]:
                models.change_state(session, each.id, models.APPROVED)
                models.promote(session, each.id)
            approvals.add(session, made[1].id, role="reviewer", comment="fine")
        with ledger.read() as session:
            assert [each.number for each in models.list_versions(session, "flights", "late")] == [3, 2, 1]
            assert models.made_from(session, "flights", "late", made[0].fingerprint) == models.get(session, made[2].id)
            assert models.made_from(session, "flights", "late", "another") is None
            champion = models.champion(session, "flights", "late")
            assert champion is not None
            assert (champion.id, champion.promoted) == (made[1].id, NOON)
            assert models.get(session, made[0].id).state == models.RETIRED
            assert models.table_versions(session, made[0].id) == (table,)
            assert len(tables.contract_results(session, table.id)) == 1
            assert [each.identity for each in approvals.of_version(session, made[1].id)] == ["ana"]

    def test_evaluations_looks_and_gates_are_kept(self, ledger: Ledger, run_id: str) -> None:
        """With their metrics; a look is counted once for each version; gates judge once."""
        metrics = (evaluations.Metric("auc", 0.1 + 0.2, 0.25, 0.35), evaluations.Metric("none", None))
        gates = [evaluations.GateOutcome(gate="g", passed=True, message="m", measured={"x": 0.5})]
        with ledger.write("ana", "evaluations") as session:
            versions = [models.create(session, _model(run_id)).id for _ in range(2)]
            new = evaluations.NewEvaluation(
                run_id=run_id, model="late", candidate="c", split="test", rows=5, rows_fingerprint="f", model_version_id=versions[0],
                metrics=metrics,
            )  # fmt: skip
            evaluation = evaluations.record(session, new)
            assert [evaluations.record_look(session, "test", each) for each in (*versions, versions[0])] == [1, 2, 1]
            evaluations.record_gates(session, versions[0], gates)
            assert evaluations.record_gates(session, versions[0], []) == tuple(gates)
        with ledger.read() as session:
            assert evaluations.of_run(session, run_id) == evaluations.of_version(session, versions[0]) == (evaluation,)
            assert evaluations.looks(session, "test") == 2
            assert evaluations.gates_of(session, versions[0]) == tuple(gates)

    def test_totals_are_exact_and_of_plain_types(self, ledger: Ledger, run_id: str) -> None:
        """Sums are the same values of the same types on every store."""
        with ledger.write("ana", "totals") as session:
            version = models.create(session, _model(run_id)).id
            charges.add(session, [_charge(run_id, Decimal("0.1")), _charge(run_id, Decimal("0.2"), step="b")])
            for count in (2**40, 3):
                batch = predictions.NewPredictionBatch(
                    project="flights", model="late", model_version_id=version, source="serve", predictions=count, cpu_seconds=0.5,
                    wall_seconds=0.25, first=NOON - timedelta(hours=count % 2), last=NOON,
                )  # fmt: skip
                predictions.add(session, batch)
        with ledger.read() as session:
            assert charges.totals(session, "project") == (charges.Total("flights", Decimal("0.3"), 2),)
            assert [total.key for total in charges.totals(session, "step", run_id=run_id)] == ["b", "a"]
            (total,) = predictions.totals(session, "flights")
            assert (total.batches, total.predictions, total.cpu_seconds) == (2, 2**40 + 3, 1.0)
            assert (type(total.predictions), type(total.cpu_seconds)) == (int, float)
            assert (total.first, total.last) == (NOON - timedelta(hours=1), NOON)
            assert len(predictions.list_batches(session, "flights", "late")) == 2

    def test_tokens_are_found_by_their_hash_until_they_are_revoked(self, ledger: Ledger) -> None:
        """A name is lowercase or not: they are different."""
        with ledger.write("ana", "token") as session:
            token = identities.add_token(session, "Ben", "laptop", "0f")
        with ledger.write("ana", "token") as session:
            identities.revoke_token(session, "Ben", "laptop")
        with ledger.read() as session:
            found = identities.find_token(session, "0f")
            assert found is not None
            assert (found.id, found.revoked) == (token.id, NOON)
            assert identities.find_token(session, "0F") is None
            assert identities.tokens_of(session, "Ben", live=True) == identities.tokens_of(session, "ben") == ()

    def test_many_fingerprints_are_found_at_once(self, ledger: Ledger) -> None:
        """More than a statement of the store takes parameters."""
        with ledger.write("ana", "memo") as session:
            for number in range(0, 2000, 100):
                memo.save(session, f"f{number}", "s", {"n": number})
        with ledger.read() as session:
            found = memo.find_many(session, [f"f{number}" for number in range(2000)])
        assert found == {f"f{number}": {"n": number} for number in range(0, 2000, 100)}


def _charge(run_id: str, amount: Decimal, step: str = "a") -> charges.NewCharge:
    return charges.NewCharge(
        project="flights", resource="cpu", quantity=1.5, unit="s", unit_price_usd=amount, amount_usd=amount, catalogue="c", run_id=run_id,
        step=step,
    )  # fmt: skip


def _table(run_id: str) -> tables.NewTableVersion:
    return tables.NewTableVersion(
        project="flights", name="t", version=0, fingerprint="f", types={"a": "int"}, rows_in=3, accepted=1, quarantined=1, duplicates=1,
        run_id=run_id,
    )  # fmt: skip


def _model(run_id: str) -> models.NewModelVersion:
    return models.NewModelVersion(project="flights", model="late", run_id=run_id, candidate="c", task="binary")
