"""A model that learns in a stream, from its first version to a description that no longer fits it."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from tests.e2e import learning_crashing
from tests.e2e.small_project import orders_csv

import headrace as hr
from headrace.app.learning.facts import snapshot_of
from headrace.app.learning.progress import earliest_lesson
from headrace.app.locking import run_lock
from headrace.app.stream_reports import LearntLine, StreamReport
from headrace.app.streaming.counting import prometheus
from headrace.app.streaming.opening import open_state
from headrace.engine.errors import StepFailed
from headrace.ledger import models

PROJECT = learning_crashing.PROJECT.replace('    gates=[hr.gate.beats("baseline")],\n', "").replace(
    "streams=[", "streams=[hr.Scoring(returned), "
)


def stream(project: Path) -> tuple[StreamReport, LearntLine]:
    """What a worker did that took what there is."""
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        report = handle.stream(once=True)
    finally:
        handle.close()
    (line,) = report.learners
    return report, line


def run(project: Path) -> str:
    """The version that a run makes."""
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        (made,) = handle.run().models
    finally:
        handle.close()
    return str(made.version)


def snapshots(project: Path) -> list[tuple[str, int, str]]:
    """The versions that were made in the stream, the oldest first: whose they are, their number among them, and their id."""
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        with handle.workspace.ledger.read() as session:
            versions = models.list_versions(session, "returns", "returned")
    finally:
        handle.close()
    found = [snapshot_of(each.details) for each in reversed(versions)]
    return [(each.parent, each.number, each.id) for each in found if each is not None]


def held(project: Path) -> int | None:
    """The moment from which on rows stay in the state because of what is learnt."""
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    with closing(handle), closing(open_state(handle.workspace)) as store:
        return earliest_lesson(store, ["returned"])


def test_a_stream_learns_what_training_left_and_leaves_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project.py"
    project.write_text(PROJECT)
    (tmp_path / "orders.csv").write_text(orders_csv(45))

    report, line = stream(project)
    assert (line.version, line.learned, line.versions) == (None, 0, 0)
    assert "returned does not learn yet: no version of it learns by event. Train one: headrace run" in report.notes
    assert run(project) == "returned@1"

    def fails(*_: object) -> None:
        raise StepFailed({"judge:returned": ValueError("no")}, ())

    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    with closing(handle), run_lock(handle.workspace):
        report, line = stream(project)
    assert line.learned > 100
    assert line.versions == 0  # a run is at work
    with monkeypatch.context() as broken:
        broken.setattr("headrace.app.learning.learner.record", fails)
        report, _ = stream(project)
    assert any("is kept and tried again: step 'judge:returned' failed" in each for each in report.notes)
    report, again = stream(project)
    assert (again.learned, again.waiting) == (0, line.waiting)  # it goes on from where it was
    made = snapshots(project)
    assert [(parent, number) for parent, number, _ in made] == [("returned@1", number) for number in range(1, again.versions + 1)]
    assert len(made) > 1
    assert f"returned@{1 + len(made)}, champion: roc_auc 0." in report.notes[-1]
    assert f'headrace_stream_versions_total{{model="returned"}} {len(made)}' in prometheus({}, report.models, report.learners)

    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    state = Path(handle.workspace.state_url)
    handle.close()
    shutil.rmtree(state)
    report, anew = stream(project)
    assert (anew.learned, anew.waiting, anew.versions) == (line.learned, line.waiting, len(made))
    assert snapshots(project) == made  # made again, and known to be on record
    assert held(project) is not None

    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    with closing(handle), run_lock(handle.workspace):
        shutil.rmtree(state)
        stream(project)

    project.write_text(PROJECT.replace('"amount": col("amount")', '"euros": col("amount")'))
    report, other = stream(project)
    assert other.learned == 0
    assert any("its features or its target are not those of returned@1" in each for each in report.notes)
    assert held(project) is None  # nothing stays in the state for who knows how long
    trained = run(project)
    with monkeypatch.context() as broken:
        broken.setattr("headrace.app.learning.learner.record", fails)
        report, other = stream(project)
    assert other.learned == line.learned
    assert any(f"what returned had learnt before {trained} is dropped: step 'judge:returned' failed" in each for each in report.notes)
    report, other = stream(project)
    assert (other.learned, other.versions) == (0, len(made))  # learnt before, and kept
    assert {parent for parent, _, _ in snapshots(project)} == {"returned@1", trained}
