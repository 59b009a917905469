"""A snapshot becomes a version as one that a run has trained does: measured, bundled, judged and charged, once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from tests.e2e.learnt import DAY, LOGISTIC, TREE, Stream

import headrace as hr
from headrace.app.bundles import open_bundle
from headrace.app.learning.facts import snapshot_of
from headrace.app.learning.recording import RecordedSnapshot, record
from headrace.app.learning.snapshot import TARGET, Snapshot, scores
from headrace.app.locking import run_lock
from headrace.app.workspace import Workspace
from headrace.engine.errors import StepFailed
from headrace.lake.frames import bytes_frame, frame_bytes
from headrace.ledger import charges, models, runs
from headrace.ledger.errors import LedgerUnreachable
from headrace.ledger.models import ModelVersion
from headrace.ledger.verification import verify_audit
from headrace.stats.measures import OF_SCORES

Trained = Callable[..., Path]
GATES = '[hr.gate.beats("baseline"), hr.gate.beats("champion"), hr.gate.latency(p99_ms=1000)]'


@contextmanager
def opened(project: Path, who: str = "ana") -> Iterator[hr.ProjectHandle]:
    handle = hr.load(project, environment={"HEADRACE_USER": who})
    try:
        yield handle
    finally:
        handle.close()


def recorded(workspace: Workspace, snapshot: Snapshot) -> RecordedSnapshot:
    found = record(workspace, workspace.project.models[0], snapshot)
    assert found is not None
    return found


def versions(workspace: Workspace) -> list[ModelVersion]:
    with workspace.ledger.read() as session:
        return list(reversed(models.list_versions(session, "returns", "returned")))


def bundle_of(workspace: Workspace, number: int):
    location = versions(workspace)[number - 1].bundle_location
    assert location is not None
    return open_bundle(workspace, location)


@pytest.mark.parametrize("candidate", [LOGISTIC, TREE])
def test_snapshots_go_the_way_of_trained_versions(trained: Trained, candidate: str) -> None:
    with opened(trained(candidate, GATES)) as project:
        workspace = project.workspace
        stream = Stream(workspace)
        learnt = [stream.snapshot(stream.clock + 7 * DAY) for _ in range(3)]
        found = [recorded(workspace, each) for each in learnt]
        assert [each.number for each in found] == [2, 3, 4]
        assert {each.state for each in found} <= {"rejected", "champion", "retired"}
        for snapshot, made in zip(learnt, found, strict=True):
            asked = bytes_frame(snapshot.questions)
            measure = OF_SCORES["average_precision"](asked[TARGET].cast(pl.Float64).to_numpy(), scores(asked))
            assert made.value == pytest.approx(measure(np.ones(asked.height)))
            report = project.show(made.label)
            assert (report.test_rows, report.looks, report.run_id) == (asked.height, 1, versions(workspace)[made.number - 1].run_id)
            assert report.learnt.began_from == "returned@1"
            assert (report.learnt.rows, report.learnt.rows_since, report.learnt.clock) == (
                snapshot.learned, snapshot.learned_since, snapshot.clock,
            )  # fmt: skip
            assert [gate.gate for gate in report.gates] == ["beats baseline", "beats champion", "latency"]
            bundle = bundle_of(workspace, made.number)
            assert bundle.artifact.files == snapshot.files
            assert bundle.manifest.threshold == bundle_of(workspace, 1).manifest.threshold
        with workspace.ledger.read() as session:
            assert [run.kind for run in runs.list_runs(session, "returns")] == ["stream"] * 3 + ["run"]
            for version in models.list_versions(session, "returns", "returned"):
                assert {table.name for table in models.table_versions(session, version.id)} == {"orders"}
                assert {charge.model for charge in charges.of_run(session, version.run_id)} >= {"returned"}
        assert verify_audit(workspace.ledger).whole
        first = project.show("returned@2").gates[1]
        assert not first.passed
        assert first.message.startswith("of the questions whose answers the champion returned@1 had not learnt 0 count: too few to tell")


def test_the_champion_answers_and_is_explained(tmp_path: Path, trained: Trained) -> None:
    with opened(trained()) as project:
        stream = Stream(project.workspace)
        made = recorded(project.workspace, stream.snapshot(stream.clock + 12 * DAY))
        assert (made.state, project.show("returned@1").state) == ("champion", "retired")
        (tmp_path / "rows.csv").write_text("shop,amount,email,placed\ns1,150.0,b4@example.org,2024-02-15T10:00:00Z\n", encoding="utf-8")
        project.predict("returned", tmp_path / "rows.csv", tmp_path / "answers.csv")
        told = project.why(pl.read_csv(tmp_path / "answers.csv")["prediction_id"][0])
        assert told.model.version == made.label
        raw = told.bias + sum(line.contribution for line in told.features)
        assert 1 / (1 + np.exp(-raw)) == pytest.approx(told.score, abs=1e-9)
        with project.workspace.ledger.read() as session:
            assert told.code.startswith(f"description {runs.get(session, versions(project.workspace)[0].run_id).code[:16]}")
        nothing = project.run()
        assert nothing.run_id is None
        assert nothing.notes == [f"returned@1, which this description gives, is retired; {made.label} serves."]


def test_a_snapshot_waits_for_a_run_and_for_approval(trained: Trained) -> None:
    path = trained(approve='hr.Approve(role="reviewer")')
    path.write_text(
        path.read_text(encoding="utf-8").replace("seed=7", 'seed=7, team=[hr.Person("ben", roles="reviewer")]'), encoding="utf-8"
    )
    with opened(path) as project:
        stream = Stream(project.workspace)
        snapshot = stream.snapshot(stream.clock + 12 * DAY)
        with run_lock(project.workspace) as held, opened(path) as other:
            assert held is not None
            assert record(other.workspace, other.workspace.project.models[0], snapshot) is None
        assert recorded(project.workspace, snapshot).state == "awaiting_approval"
    with opened(path, "ben") as project:
        assert project.approve("returned", "it learns well").missing == 0
        assert project.show("returned").state == "champion"


def test_nothing_asked_is_no_evidence(trained: Trained) -> None:
    with opened(trained(gates='[hr.gate.beats("baseline"), hr.gate.at_least("recall", 0.0)]')) as project:
        stream = Stream(project.workspace)
        learnt = stream.snapshot(stream.clock + DAY)
        frames = {name: frame_bytes(bytes_frame(getattr(learnt, name)).clear()) for name in ("questions", "features")}
        made = recorded(project.workspace, msgspec.structs.replace(learnt, **frames))
        assert (made.state, made.value, made.questions) == ("rejected", None, 0)
        assert [gate.passed for gate in project.show(made.label).gates] == [False, False]
        assert bundle_of(project.workspace, 2).artifact.files == learnt.files


class Killed(Exception):
    """Nothing that the process did from here on has had an effect."""


def kill_at(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, number: int, fault: Exception) -> None:
    """Let no write into the ledger happen from the given one on."""
    write, count = workspace.ledger.write, [0]

    def dying(*args: object, **details: object):
        count[0] += 1
        if count[0] >= number:
            raise fault
        return write(*args, **details)  # type: ignore[arg-type]

    monkeypatch.setattr(workspace.ledger, "write", dying)


def unless_killed(workspace: Workspace, snapshot: Snapshot) -> RecordedSnapshot | None:
    try:
        return recorded(workspace, snapshot)
    except (Killed, StepFailed):  # a step that was killed is a failed step
        return None


def test_killed_before_any_write_it_is_one_version_all_the_same(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    path = trained()
    with opened(path) as project:
        stream = Stream(project.workspace)
        snapshots = [stream.snapshot(stream.clock + DAY) for _ in range(20)]
    killed, whole = 0, None
    for number, snapshot in enumerate(snapshots, start=1):
        with opened(path) as project, monkeypatch.context() as patch:
            kill_at(patch, project.workspace, number, Killed())
            whole = unless_killed(project.workspace, snapshot)
            killed += whole is None
        with opened(path) as project:
            again = recorded(project.workspace, snapshot)
            assert recorded(project.workspace, snapshot) == again
            assert whole is None or whole == again
            assert [found.id for each in versions(project.workspace)[1:] if (found := snapshot_of(each.details))] == [
                each.id for each in snapshots[:number]
            ]
            with project.workspace.ledger.read() as session:
                assert not runs.list_runs(session, "returns", state=runs.RUNNING)
        if whole is not None:
            break
    assert killed > 8


def test_what_is_away_fails_no_run(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(trained()) as project:
        stream = Stream(project.workspace)
        snapshot = stream.snapshot(stream.clock + DAY)
        with monkeypatch.context() as patch:
            kill_at(patch, project.workspace, 2, LedgerUnreachable("ledger.db", "it is full"))
            with pytest.raises(LedgerUnreachable):
                record(project.workspace, project.workspace.project.models[0], snapshot)
        recorded(project.workspace, snapshot)
        with project.workspace.ledger.read() as session:
            found = runs.list_runs(session, "returns", kind=runs.STREAM)
        assert [run.state for run in found] == [runs.FINISHED]


def test_who_was_killed_before_another_became_the_champion_is_compared_with_that_one(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(trained(gates='[hr.gate.beats("champion")]')) as project:
        workspace = project.workspace
        stream = Stream(workspace)
        first, second = (stream.snapshot(stream.clock + 11 * DAY) for _ in range(2))
        with monkeypatch.context() as patch:
            kill_at(patch, workspace, 6, LedgerUnreachable("ledger.db", "it is full"))  # evaluated, not judged
            with pytest.raises(LedgerUnreachable):
                record(workspace, workspace.project.models[0], second)
        made = recorded(workspace, first)
        with workspace.ledger.write("ana", "model.judge") as session:
            session.run("UPDATE model_version SET state = 'approved' WHERE number = :number", number=made.number)
            models.promote(session, versions(workspace)[made.number - 1].id)
        again = recorded(workspace, second)
        assert (again.number, made.number) == (2, 3)
        assert "champion returned@3" in project.show(again.label).gates[0].message
        with workspace.ledger.read() as session:
            assert [run.state for run in runs.list_runs(session, "returns", kind=runs.STREAM)] == ["finished", "finished", "interrupted"]
