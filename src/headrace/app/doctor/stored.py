"""What is stored and served: the tables that the ledger names, the champions' bundles, the feature state beside them."""

from collections.abc import Iterator

from headrace.app.bundles import open_bundle
from headrace.app.doctor.patient import Patient, ill, mended, well
from headrace.app.learning.facts import snapshot_of
from headrace.app.models import label
from headrace.app.presence import presence_of
from headrace.app.publishing import publish, state_folder
from headrace.app.reports import CheckLine
from headrace.app.store import lake_of
from headrace.app.streamed import STREAM
from headrace.core.errors import HeadraceError
from headrace.core.storage import StorageFault
from headrace.core.units import counted
from headrace.features.state import FeatureState
from headrace.lake.errors import CorruptBlob, UnknownBlob
from headrace.lake.trying import try_lake
from headrace.ledger import models, tables
from headrace.ledger.models import ModelVersion

_STREAM_LOST = "Restore it from a backup: its rows came by a stream, and are nowhere else but where that came from."

_LEARNT_LOST = "Restore it from a backup: a stream has learnt it. The next version that passes its gates takes its place."


def check_lake(patient: Patient) -> Iterator[CheckLine]:
    """May the lake be written, where it is kept apart from the home?"""
    workspace = patient.workspace
    if workspace.settings.lake_url == str(patient.home):
        return
    try:
        at = try_lake(workspace.settings.lake_url, workspace.project.name, workspace.lake_options)
    except StorageFault as fault:
        yield ill("lake", fault.problem, "Mount it for writing, let this user write there, or name another: lake in headrace.toml.")
    else:
        yield well("lake", f"{at} can be written")


def check_tables(patient: Patient) -> Iterator[CheckLine]:
    """Is the newest version of every table where the ledger says?"""
    workspace = patient.workspace
    presence = presence_of(workspace)
    with workspace.ledger.read() as session:
        known = [tables.latest(session, workspace.project.name, table.name) for table in workspace.project.tables()]
    there = [table for table in known if table is not None]
    lost = [table for table in there if not presence.table(table.name, table.version)]
    if not lost:
        yield well("tables", f"{counted(len(there), 'table')}, each where the ledger says")
    for table in lost:
        again = _STREAM_LOST if STREAM in table.profile else "headrace run makes it again."
        yield ill("tables", f"version {table.version} of {table.name} is not in the lake", again)


def check_bundles(patient: Patient) -> Iterator[CheckLine]:
    """Are the champions' bundles the bytes that were signed, and do they score as they did?"""
    served = _champions(patient)
    if not served:
        yield well("bundles", "no model serves yet")
    for version in served:
        yield from _check_bundle(patient, version)


def check_state(patient: Patient) -> Iterator[CheckLine]:
    """Can published feature state be read?"""
    for version in _champions(patient):
        folder = state_folder(patient.workspace, version)
        if not folder.exists():
            continue
        try:
            state = FeatureState.load(folder)
        except Exception as error:  # noqa: BLE001 - damaged files fail in the words of whichever library reads them
            if patient.mending:
                publish(patient.workspace, None)
                yield mended("state", f"the feature state of {label(version)} could not be read and is published again")
            else:
                told = f"the feature state of {label(version)} cannot be read: {error}"
                yield ill("state", told, "headrace doctor --fix publishes it again.")
        else:
            yield well("state", f"feature state of {label(version)} as of {state.moment:%Y-%m-%d %H:%M} UTC")


def _champions(patient: Patient) -> list[ModelVersion]:
    project = patient.workspace.project
    with patient.workspace.ledger.read() as session:
        found = [models.champion(session, project.name, model.name) for model in project.models]
    return [version for version in found if version is not None]


def _check_bundle(patient: Patient, version: ModelVersion) -> Iterator[CheckLine]:
    workspace, blob = patient.workspace, version.bundle_location or ""
    again = _LEARNT_LOST if snapshot_of(version.details) else "headrace run makes it again."
    try:
        lake_of(workspace).blobs.get(blob)
    except UnknownBlob:
        yield ill("bundles", f"the bundle of {label(version)} is not in the lake", again)
        return
    except CorruptBlob as error:
        if patient.mending:
            lake_of(workspace).blobs.remove(blob)
            yield ill("bundles", f"the bundle of {label(version)} was damaged and is removed", again)
        else:
            yield ill("bundles", error.problem, f"headrace doctor --fix removes it; then {again}")
        return
    copy = workspace.settings.bundles / f"{blob}.zip"
    try:
        open_bundle(workspace, blob)
    except HeadraceError as error:
        if not patient.mending or not copy.exists():
            yield ill("bundles", error.problem, f"{error.remedy} headrace doctor --fix fetches it anew.")
            return
        copy.unlink()
        open_bundle(workspace, blob)
        yield mended("bundles", f"this machine's copy of the bundle of {label(version)} was damaged and is fetched anew")
    else:
        yield well("bundles", f"the bundle of {label(version)} is as it was signed, and scores as it did")
