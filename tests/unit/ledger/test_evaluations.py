from concurrent.futures import ThreadPoolExecutor

import pytest

from headrace.ledger import evaluations, models
from headrace.ledger.evaluations import GateOutcome, Metric, NewEvaluation
from headrace.ledger.models import NewModelVersion
from headrace.ledger.store import Ledger


@pytest.fixture
def version_ids(ledger: Ledger, run_id: str) -> list[str]:
    new = NewModelVersion(project="flights", model="late", run_id=run_id, candidate="Logistic", task="binary")
    with ledger.write("rita", "model.create") as session:
        return [models.create(session, new).id for _ in range(8)]


def test_evaluations_come_back_with_their_metrics(ledger: Ledger, run_id: str, version_ids: list[str]) -> None:
    common = {"run_id": run_id, "model": "late", "rows": 100, "rows_fingerprint": "r"}
    metrics = (Metric("brier", 0.1, 0.09, 0.11), Metric("recall", None))
    with ledger.write("rita", "evaluate") as session:
        first = evaluations.record(session, NewEvaluation(candidate="Baseline", split="validation", details={"threshold": 0.5}, **common))
        second = evaluations.record(
            session, NewEvaluation(candidate="Logistic", split="test", metrics=metrics, model_version_id=version_ids[0], **common)
        )
    with ledger.read() as session:
        assert evaluations.of_run(session, run_id) == (first, second)
        assert evaluations.of_version(session, version_ids[0]) == (second,)
        assert evaluations.of_version(session, version_ids[1]) == ()


def test_looks_count_model_versions(ledger: Ledger, version_ids: list[str]) -> None:
    with ledger.write("rita", "look") as session:
        assert [evaluations.record_look(session, "t", each) for each in (version_ids[0], version_ids[1], version_ids[0])] == [1, 2, 1]
        assert evaluations.record_look(session, "another test", version_ids[1]) == 1
        assert (evaluations.looks(session, "t"), evaluations.looks(session, "none")) == (2, 0)


def test_looks_at_once_get_different_numbers(ledger: Ledger, version_ids: list[str]) -> None:
    def look(version_id: str) -> int:
        with ledger.write("rita", "look") as session:
            return evaluations.record_look(session, "t", version_id)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(look, version_ids)) == list(range(1, 9))


def test_gates_come_back_in_order(ledger: Ledger, version_ids: list[str]) -> None:
    said = (
        GateOutcome(gate="beats(champion)", passed=True, message="there is none yet"),
        GateOutcome(gate="at_least(recall)", passed=False, message="0.2 is below 0.5", measured={"recall": 0.2}),
    )
    with ledger.write("rita", "judge") as session:
        evaluations.record_gates(session, version_ids[0], said)
    with ledger.read() as session:
        assert evaluations.gates_of(session, version_ids[0]) == said
        assert evaluations.gates_of(session, version_ids[1]) == ()


def test_what_gates_said_first_holds(ledger: Ledger, version_ids: list[str]) -> None:
    first = (GateOutcome(gate="latency", passed=True, message="4 ms"),)
    with ledger.write("rita", "judge") as session:
        assert evaluations.record_gates(session, version_ids[0], first) == first
    with ledger.write("rita", "judge") as session:
        again = (GateOutcome(gate="latency", passed=False, message="6 ms"),)
        assert evaluations.record_gates(session, version_ids[0], again) == first
    with ledger.read() as session:
        assert evaluations.gates_of(session, version_ids[0]) == first
