"""Feature state for servers: built from the newest tables, as of a moment. What streams bring is not in it."""

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from headrace.app.bundles import open_bundle
from headrace.app.champions import champions
from headrace.app.models import label
from headrace.app.reports import PublishedState
from headrace.app.steps.comparing import newest_tables
from headrace.app.streamed import streamed_tables
from headrace.app.workspace import Workspace, replace_folder
from headrace.bundles.reading import Bundle
from headrace.features.plan import FeaturePlan
from headrace.features.publish import build_state
from headrace.features.state import FeatureState
from headrace.ledger.models import ModelVersion


def publish(workspace: Workspace, as_of: datetime | None) -> Sequence[PublishedState]:
    """Build and keep the state of every champion."""
    moment = as_of or workspace.clock.now()
    return [_publish(workspace, version, moment) for version in champions(workspace)]


def state_for(workspace: Workspace, version: ModelVersion, bundle: Bundle, as_of: datetime | None) -> FeatureState:
    """Return the published state of a version; build one where none is, or where a moment is asked for."""
    folder = state_folder(workspace, version)
    if as_of is None and (folder / "state.json").exists():
        return FeatureState.load(folder)
    return _build(workspace, bundle, as_of or workspace.clock.now())


def _publish(workspace: Workspace, version: ModelVersion, moment: datetime) -> PublishedState:
    assert version.bundle_location is not None
    state = _build(workspace, open_bundle(workspace, version.bundle_location), moment)
    target = state_folder(workspace, version)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        state.save(Path(folder) / "state")
        replace_folder(Path(folder) / "state", target)
    return PublishedState(version=label(version), as_of=moment, folder=str(target), size_bytes=state.size_bytes)


def published_part(workspace: Workspace, bundle: Bundle) -> FeaturePlan:
    """Return a bundle's plan with the lookups into tables that no stream brings: those are read from the online state."""
    plan, streamed = FeaturePlan.from_json(bundle.plan), {table.name for table in streamed_tables(workspace.project)}
    return msgspec.structs.replace(plan, lookups=tuple(lookup for lookup in plan.lookups if lookup.table not in streamed))


def _build(workspace: Workspace, bundle: Bundle, moment: datetime) -> FeatureState:
    plan = published_part(workspace, bundle)
    return build_state(plan, newest_tables(workspace, plan), moment)


def state_folder(workspace: Workspace, version: ModelVersion) -> Path:
    """Return where a version's published state lies, if there is any."""
    return workspace.settings.home / "state" / workspace.project.name / version.model / str(version.number)
