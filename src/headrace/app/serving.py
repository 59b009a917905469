"""Wiring the server: champions, their state, and where predictions are kept."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime

from headrace.app.bundles import open_bundle
from headrace.app.champions import champions
from headrace.app.errors import LogNotWritable
from headrace.app.live_state import LiveState, reads_streams
from headrace.app.models import label
from headrace.app.prediction_table import SERVED, LakeSink
from headrace.app.publishing import published_part, state_for
from headrace.app.reports import ServingEvent
from headrace.app.workspace import Workspace
from headrace.core.errors import SystemFault
from headrace.core.storage import named_fault
from headrace.lake.trying import try_lake
from headrace.ledger.models import ModelVersion
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
        NotFilled: if a model looks into a streamed table of which the online state does not hold all rows.
        StoreFault: if that does not answer.
    """
    chosen = champions(workspace)
    _try_log(workspace)
    with ExitStack() as stack:
        source = LiveState(workspace, stack.enter_context)
        served = []
        for version in chosen:
            served.append(_loaded(workspace, version, source, as_of))
            announce(_model_event(version, served[-1]))
        parts = ServingParts(
            models=served,
            sink=LakeSink(workspace, SERVED),
            pseudonym_key=workspace.pseudonym_key(),
            clock=workspace.clock,
            as_of=as_of,
            link=source.link if any(model.streamed for model in served) else None,
        )
        serve(
            ServerOptions(host=host, port=port, behind_proxy=behind_proxy),
            Application(parts),
            lambda url: announce(ServingEvent(event="serving", url=url)),
        )
    announce(ServingEvent(event="stopped"))


def _loaded(workspace: Workspace, version: ModelVersion, live: LiveState, as_of: datetime | None) -> ServedModel:
    assert version.bundle_location is not None
    bundle = open_bundle(workspace, version.bundle_location)
    if reads_streams(workspace, bundle):
        published = state_for(workspace, version, bundle, as_of) if published_part(workspace, bundle).lookups else None
        return live.follow(version, bundle, published)
    return ServedModel.load(bundle, state_for(workspace, version, bundle, as_of))


def _model_event(version: ModelVersion, model: ServedModel) -> ServingEvent:
    return ServingEvent(
        event="model", version=label(version), candidate=version.candidate, as_of=model.state_moment, streamed=list(model.streamed)
    )


def _try_log(workspace: Workspace) -> None:
    """Write where predictions are logged, and leave nothing: found out later, each of them is answered and may be lost."""
    try:
        workspace.ledger.try_writing()
        try_lake(workspace.settings.lake_url, workspace.project.name, workspace.lake_options)
    except SystemFault as error:
        fault = named_fault(error)
        assert isinstance(fault, SystemFault)
        raise LogNotWritable(fault.problem, fault.remedy) from fault
