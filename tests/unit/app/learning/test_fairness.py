"""A champion that learns in a stream is compared by what it said before it knew."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.e2e.learnt import DAY, LOGISTIC, Stream, write_project
from tests.e2e.small_project import orders_csv

import headrace as hr
from headrace.app.collecting.marking import BLOB, Item, mark
from headrace.app.collecting.recorded import recorded_of, rules_of
from headrace.app.learning.facts import TESTED_FROM, moment_in, snapshot_of
from headrace.app.learning.fairness import fair_rows
from headrace.app.learning.recording import record
from headrace.app.learning.snapshot import ASKED, KNOWN, Snapshot
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.ledger import models
from headrace.ledger.models import ModelVersion


def learn(workspace: Workspace, stream: Stream, times: int) -> list[Snapshot]:
    snapshots = [stream.snapshot(stream.clock + 6 * DAY) for _ in range(times)]
    for each in snapshots:
        assert record(workspace, workspace.project.models[0], each) is not None
    return snapshots


def version(workspace: Workspace, number: int) -> ModelVersion:
    with workspace.ledger.read() as session:
        found = models.find(session, "returns", "returned", number)
    assert found is not None
    return found


def test_what_a_champion_may_be_asked_and_what_the_next_run_makes_of_it(tmp_path: Path, trained: Callable[..., Path]) -> None:
    path = trained()
    project = hr.load(path, environment={"HEADRACE_USER": "ana"})
    workspace = project.workspace
    stream = Stream(workspace)
    *_, last = learn(workspace, stream, 3)
    rows = stream.rows.select("_arrival", ASKED, KNOWN)

    of_run = fair_rows(workspace, version(workspace, 1), rows)
    begun = moment_in(version(workspace, 1).details, TESTED_FROM)
    assert of_run.places.tolist() == rows.with_row_index().filter(pl.col(ASKED) >= begun)["index"].to_list()
    assert not len(of_run.said_places)

    fair = fair_rows(workspace, version(workspace, 4), rows)
    said = {place: score for place, score in stream.said.items() if rows[KNOWN][place] < last.clock}
    assert dict(zip(fair.said_places.tolist(), fair.said.tolist(), strict=True)) == said
    later = rows.with_row_index().filter(pl.col(KNOWN) >= last.clock)["index"].to_list()
    assert fair.places.tolist() == sorted([*said, *later])
    assert len(said) > 300
    assert 0 < len(later) < rows.height - len(said), "some rows were learnt without having been asked about"

    other = fair_rows(workspace, version(workspace, 4), rows.with_columns(pl.col(ASKED) - pl.duration(microseconds=1)))
    assert other.places.tolist() == later, "a row that was asked about at another moment is another row"

    at_once = replace(rules_of(workspace), versions=timedelta(0), models=timedelta(0))
    marked = mark(recorded_of(workspace, {}), at_once)
    versions = [version(workspace, number) for number in (1, 2, 3, 4)]
    said_blobs = {facts.questions for each in versions if (facts := snapshot_of(each.details))}
    assert {Item(BLOB, name) for name in said_blobs | {versions[0].bundle_location, versions[3].bundle_location}} <= marked.needed.keys()
    assert {Item(BLOB, versions[1].bundle_location), Item(BLOB, versions[2].bundle_location)} <= marked.free.keys()

    found = snapshot_of(versions[2].details)
    assert found is not None
    lake_of(workspace).blobs.remove(found.questions)
    fewer = fair_rows(workspace, version(workspace, 4), rows)
    assert len(fair.places) - len(fewer.places) == found.rows
    project.close()

    (tmp_path / "orders.csv").write_text(orders_csv(50), encoding="utf-8")
    write_project(tmp_path, LOGISTIC, '[hr.gate.beats("champion")]')
    project = hr.load(path, environment={"HEADRACE_USER": "ana"})
    (again,) = project.run().models
    (gate,) = again.gates
    assert (again.version, gate.passed) == ("returned@5", False)
    assert "the champion returned@4" in gate.message
    assert "on the test rows whose answers the champion had not learnt" in gate.message
    assert pytest.approx(0, abs=0.1) == float(gate.message.split()[0]), "what it has learnt does not count for it"
    project.close()


def test_a_champion_that_reads_other_features_cannot_be_compared_with(tmp_path: Path, trained: Callable[..., Path]) -> None:
    path = trained()
    project = hr.load(path, environment={"HEADRACE_USER": "ana"})
    stream = Stream(project.workspace)
    project.close()
    other = path.read_text(encoding="utf-8").replace('"amount": col("amount"),', '"amount": col("amount") * 2,')
    path.write_text(other.replace('[hr.gate.beats("baseline")]', '[hr.gate.beats("champion")]'), encoding="utf-8")
    project = hr.load(path, environment={"HEADRACE_USER": "ana"})
    model = project.workspace.project.models[0]
    assert project.run().models[0].state == "rejected", "it does not beat the same model in other units"
    with project.workspace.ledger.write("ana", "model.judge") as session:
        (newest,) = models.list_versions(session, "returns", "returned", limit=1)
        session.run("UPDATE model_version SET state = 'approved' WHERE id = :id", id=newest.id)
        models.promote(session, newest.id)
    made = record(project.workspace, model, stream.snapshot(stream.clock + 15 * DAY))
    assert made is not None
    (gate,) = project.show(made.label).gates
    assert (gate.passed, gate.message) == (False, "returned@2 reads features that are not among these: amount")
    project.close()
