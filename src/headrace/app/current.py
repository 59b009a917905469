"""What the description now stands for, where its steps were reused: going back to an earlier description goes back to its tables, too."""

from collections.abc import Mapping
from typing import Any

from headrace.app.models import label
from headrace.app.workspace import Workspace
from headrace.engine.graph import Graph
from headrace.ledger import models, tables
from headrace.ledger.tables import NewTableVersion

_SETTLED = (models.CHAMPION, models.AWAITING_APPROVAL)


def make_current(workspace: Workspace, graph: Graph, outputs: Mapping[str, Mapping[str, Any]]) -> None:
    """Make the table versions that these steps gave the newest ones in the ledger, where they are not, and their bundles those that serve.

    Publishing, predicting and comparing read the newest version of a table. A step that is reused because the description, or a file,
    went back to what it was records nothing by itself.
    """
    project = workspace.project.name
    with workspace.ledger.read() as session:
        newest = {table.name: tables.latest(session, project, table.name) for table in workspace.project.tables()}
    for name, output in outputs.items():
        latest = newest.get(output.get("table", ""))
        if "record" in output and latest is not None and latest.fingerprint != graph.steps[name].fingerprint:
            _record_again(workspace, output["record"])
    for model in workspace.project.models:
        _attach(workspace, outputs[f"bundle:{model.name}"])


def notes_on_models(workspace: Workspace, outputs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each model whose version by this description neither serves nor waits to."""
    notes = []
    with workspace.ledger.read() as session:
        for model in workspace.project.models:
            version = models.get(session, outputs[f"judge:{model.name}"]["version"])
            champion = models.champion(session, version.project, version.model)
            if version.state not in _SETTLED:
                serving = f"{label(champion)} serves" if champion else "none serves"
                notes.append(f"{label(version)}, which this description gives, is {version.state}; {serving}.")
    return notes


def _attach(workspace: Workspace, output: Mapping[str, Any]) -> None:
    """Have a version served from this bundle: it was from another one where only how it is served had been declared otherwise."""
    with workspace.ledger.read() as session:
        attached = models.get(session, output["version"]).bundle_location
    if attached != output["blob"]:
        with workspace.ledger.write(workspace.identity.name, "model.bundle") as session:
            models.attach_bundle(session, output["version"], output["fingerprint"], output["blob"])


def _record_again(workspace: Workspace, record_id: str) -> None:
    with workspace.ledger.write(workspace.identity.name, "table.current") as session:
        record = tables.get(session, record_id)
        values = {field: getattr(record, field) for field in NewTableVersion.__struct_fields__}
        tables.record(session, NewTableVersion(**values), tables.contract_results(session, record_id))
