"""Wiring the server: champions, their state, and where predictions are kept."""

from collections.abc import Callable
from datetime import datetime

from headrace.app.bundles import open_bundle
from headrace.app.champions import champions
from headrace.app.errors import LogNotWritable
from headrace.app.models import label
from headrace.app.prediction_table import LakeSink
from headrace.app.publishing import state_for
from headrace.app.reports import ServingEvent
from headrace.app.workspace import Workspace
from headrace.core.errors import SystemFault
from headrace.core.storage import named_fault
from headrace.lake.trying import try_lake
from headrace.serving.application import Application, ServingParts
from headrace.serving.scoring import ServedModel
from headrace.serving.server import serve
from headrace.serving.settings import ServerOptions


def serve_champions(
    workspace: Workspace, host: str, port: int, as_of: datetime | None, behind_proxy: bool, announce: Callable[[ServingEvent], None]
) -> None:
    """Serve the champion of every model until SIGTERM or SIGINT; `announce` is told what is served, where, and that it stopped.

    With `as_of` the state is built as of that moment, and questions that do not say when they are asked are asked then: for replays.

    Raises:
        LogNotWritable: if predictions could not be logged as things stand.
    """
    served = []
    chosen = champions(workspace)
    _try_log(workspace)
    for version in chosen:
        assert version.bundle_location is not None
        bundle = open_bundle(workspace, version.bundle_location)
        state = state_for(workspace, version, bundle, as_of)
        served.append(ServedModel.load(bundle, state))
        announce(ServingEvent(event="model", version=label(version), candidate=version.candidate, as_of=state.moment))
    parts = ServingParts(
        models=served, sink=LakeSink(workspace, "serve"), pseudonym_key=workspace.pseudonym_key(), clock=workspace.clock, as_of=as_of
    )
    serve(
        ServerOptions(host=host, port=port, behind_proxy=behind_proxy),
        Application(parts),
        lambda url: announce(ServingEvent(event="serving", url=url)),
    )
    announce(ServingEvent(event="stopped"))


def _try_log(workspace: Workspace) -> None:
    """Write where predictions are logged, and leave nothing: found out later, each of them is answered and may be lost."""
    try:
        workspace.ledger.try_writing()
        try_lake(workspace.settings.lake_url, workspace.project.name, workspace.lake_options)
    except SystemFault as error:
        fault = named_fault(error)
        assert isinstance(fault, SystemFault)
        raise LogNotWritable(fault.problem, fault.remedy) from fault
