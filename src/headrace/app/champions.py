"""The versions that serve."""

from headrace.app.errors import NothingToServe
from headrace.app.workspace import Workspace
from headrace.ledger import models
from headrace.ledger.models import ModelVersion


def champions(workspace: Workspace) -> list[ModelVersion]:
    """Return the champion of every model that has one.

    Raises:
        NothingToServe: if no model has.
    """
    with workspace.ledger.read() as session:
        found = [models.champion(session, workspace.project.name, model.name) for model in workspace.project.models]
    served = [version for version in found if version is not None]
    return served or [champion(workspace, workspace.project.models[0].name)]


def champion(workspace: Workspace, model: str) -> ModelVersion:
    """Return the champion of one model.

    Raises:
        NothingToServe: if it has none.
        UnknownName: if there is no such model.
    """
    name = workspace.project.model(model).name
    with workspace.ledger.read() as session:
        found = models.champion(session, workspace.project.name, name)
        newest = models.latest(session, workspace.project.name, name)
    if found is None:
        raise NothingToServe(name, newest.state if newest else None)
    return found
