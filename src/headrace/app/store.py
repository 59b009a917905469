"""The lake of a workspace. Apart from the workspace, so that a command which only reads the ledger loads no table engine."""

from pathlib import Path
from typing import TYPE_CHECKING

from headrace.app.workspace import Workspace
from headrace.lake.claims import Claims

if TYPE_CHECKING:
    from headrace.lake.lake import Lake
    from headrace.lake.reference import LakeReference


def lake_of(workspace: Workspace) -> "Lake":
    """Return the project's lake."""
    # Kept here: a run that finds nothing to do opens no table, and Delta, pyarrow and NumPy are a fifth of what it would import.
    from headrace.lake.lake import Lake

    project = workspace.project.name
    # A lake belongs to one ledger, so the ledger's lock is among all who use the lake. It is opened when it is needed.
    return Lake(workspace.settings.lake_url, project, workspace.lake_options, lambda: workspace.ledger.locked(f"{project}.upkeep"))


def reference_to(workspace: Workspace) -> "LakeReference":
    """Return the project's lake as a value that can be sent to whoever is to work on it."""
    from headrace.lake.reference import LakeReference  # as above

    settings, options = workspace.settings, workspace.lake_options
    hidden = tuple(options[each.name] for each in settings.lake_options if each.is_secret)
    home = settings.lake_url if "://" in settings.lake_url else str(Path(settings.lake_url).absolute())
    return LakeReference(home, workspace.project.name, tuple(sorted(options.items())), hidden)


def claim_lake(workspace: Workspace) -> tuple[Claims, str]:
    """Say in the lake that this ledger uses it, before anything is kept there; return who else does, and by what name we go."""
    ledger = workspace.ledger.identity()
    if ledger is None:
        with workspace.ledger.write(workspace.identity.name, "lake.claim", workspace.project.name):
            pass  # its row in the audit is the ledger's first, and its name from then on
        return claim_lake(workspace)
    claims = Claims(workspace.settings.lake_url, workspace.lake_options)
    claims.add(ledger)
    return claims, ledger
