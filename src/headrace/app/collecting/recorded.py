"""What is on record, as marking wants it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from headrace.app.collecting.marking import BLOB, TABLE, Item, LandingRecord, ModelRecord, Recorded, Rules, StepOutput, TableRecord
from headrace.app.learning.facts import snapshot_of
from headrace.app.lifecycle import build_graph
from headrace.app.models import label
from headrace.app.workspace import Workspace
from headrace.costs.prices import Prices
from headrace.ledger import naming
from headrace.ledger.landing import Landing
from headrace.ledger.models import CHAMPION, ModelVersion
from headrace.ledger.session import Session
from headrace.ledger.tables import TableVersion

QUARANTINE = "quarantine"


def rules_of(workspace: Workspace) -> Rules:
    """Return the rules of the present description, now."""
    project, retained = workspace.project, workspace.project.retained
    graph = build_graph(workspace, Prices.load(workspace.settings.prices_file).vcpu_second)
    kept = {table.name: table.keep_versions for table in project.tables()}
    return Rules(
        now=workspace.clock.now(),
        steps=frozenset(step.fingerprint for step in graph.steps.values()),
        tables=frozenset(table.name for table in project.tables()),
        versions=retained.of("versions"),
        models=retained.of("models"),
        predictions=retained.of("predictions"),
        landings=retained.of("landings"),
        keep_versions={name: duration for name, duration in kept.items() if duration is not None and not isinstance(duration, str)},
    )


def recorded_of(workspace: Workspace, predicted: Mapping[tuple[str, int], datetime]) -> Recorded:
    """Return what the ledger names. `predicted` is when each model version predicted last according to the log, by name and number."""
    project = workspace.project.name
    with workspace.ledger.read() as session:
        mine, others = naming.remembered(session, project)
        tables = naming.all_table_versions(session, project)
        versions = naming.all_model_versions(session)
        landings = naming.all_landings(session)
        return Recorded(
            outputs=tuple(StepOutput(each.fingerprint, items_of(each.output), each.used) for each in mine),
            running=_union(items_of(output) for output in naming.running(session)),
            tables=tuple(_table(each) for each in tables),
            models=_models(session, project, versions, predicted),
            landings=_landings([each for each in landings if each.project == project]),
            others=_blobs_of_others(project, others, versions, landings),
        )


def items_of(output: Mapping[str, Any]) -> frozenset[Item]:
    """Return what a step's output names: its blob or blobs, or its table and version (see `recording`)."""
    blobs = [*output.get("blobs", ()), *([output["blob"]] if "blob" in output else ())]
    table = {Item(TABLE, output["table"], output["version"])} if "table" in output else frozenset[Item]()
    return frozenset(Item(BLOB, name) for name in blobs) | table


def _table(record: TableVersion) -> TableRecord:
    items = {Item(TABLE, record.name, record.version)}
    if record.quarantine_version is not None:
        items.add(Item(TABLE, f"{record.name}/{QUARANTINE}", record.quarantine_version))
    return TableRecord(record.id, record.name, frozenset(items), record.created)


def _models(
    session: Session, project: str, versions: Iterable[ModelVersion], logged: Mapping[tuple[str, int], datetime]
) -> tuple[ModelRecord, ...]:
    mine = [each for each in versions if each.project == project]
    lines, trained = _lines(mine), {label(each): _bundle(each) for each in mine}
    inputs, counted = naming.all_inputs(session), naming.last_predictions(session, project)
    made = []
    for each in mine:
        moments = [moment for moment in (counted.get(each.id), logged.get((each.model, each.number))) if moment is not None]
        predicted = max(moments, default=None)
        kept = _kept_with(each, lines, trained)
        made.append(ModelRecord(label(each), each.state, each.created, each.retired, predicted, kept, inputs.get(each.id, frozenset())))
    return tuple(made)


def _kept_with(
    version: ModelVersion, lines: Mapping[tuple[str, str], frozenset[Item]], trained: Mapping[str, frozenset[Item]]
) -> frozenset[Item]:
    """Return a version's bundle. With one that a stream has learnt go what was said of its questions, for the champion those of the whole
    line, and the bundle that the learner began from."""
    found = snapshot_of(version.details)
    if found is None:
        return _bundle(version)
    questions = lines[version.model, found.parent] if version.state == CHAMPION else frozenset({Item(BLOB, found.questions)})
    return _bundle(version) | questions | trained.get(found.parent, frozenset())


def _lines(versions: Iterable[ModelVersion]) -> dict[tuple[str, str], frozenset[Item]]:
    """Return the questions of the snapshots of each learner, by its model and the version that it began from."""
    found: dict[tuple[str, str], set[Item]] = {}
    for each in versions:
        facts = snapshot_of(each.details)
        if facts is not None:
            found.setdefault((each.model, facts.parent), set()).add(Item(BLOB, facts.questions))
    return {key: frozenset(items) for key, items in found.items()}


def _bundle(version: ModelVersion) -> frozenset[Item]:
    return frozenset() if version.bundle_location is None else frozenset({Item(BLOB, version.bundle_location)})


def _landings(mine: list[Landing]) -> tuple[LandingRecord, ...]:
    """Return the answers of a project, given oldest first."""
    after: dict[str, datetime] = {}
    made = []
    for each in reversed(mine):
        made.append(LandingRecord(each.name, _pages(each), after.get(each.name)))
        after[each.name] = each.landed
    return tuple(made)


def _pages(record: Landing) -> frozenset[Item]:
    return frozenset(Item(BLOB, page[0]) for page in record.pages)


def _blobs_of_others(
    project: str, outputs: Iterable[naming.Remembered], versions: Iterable[ModelVersion], landings: Iterable[Landing]
) -> frozenset[Item]:
    """Return the blobs that other projects name. Their tables lie elsewhere."""
    named = _union(items_of(each.output) for each in outputs)
    foreign = [each for each in versions if each.project != project]
    named |= _union(_bundle(each) for each in foreign) | _union(_lines(foreign).values())
    named |= _union(_pages(each) for each in landings if each.project != project)
    return frozenset(item for item in named if item.kind == BLOB)


def _union(several: Iterable[frozenset[Item]]) -> frozenset[Item]:
    return frozenset[Item]().union(*several)
