"""The types of a project's tables, as their newest versions were recorded."""

from headrace.app.workspace import Workspace
from headrace.expressions import DType
from headrace.ledger import tables as ledger_tables

Types = dict[str, dict[str, DType]]


def recorded_types(workspace: Workspace) -> Types:
    """Return the types of each table's columns by the table's name; a table of which no version is recorded is not there."""
    with workspace.ledger.read() as session:
        found = [ledger_tables.latest(session, workspace.project.name, table.name) for table in workspace.project.tables()]
    return {each.name: {name: DType(kind) for name, kind in each.types.items()} for each in found if each is not None}
