"""Which follower follows which source."""

from headrace.core.errors import SystemFault
from headrace.ingest.stream.messages import Follower, Listener, Surroundings
from headrace.ingest.stream.replay import ReplayFollower
from headrace.spec.streams import Replay
from headrace.spec.tables import Entity, Events


def follower_of(table: Events | Entity, listener: Listener, surroundings: Surroundings) -> Follower:
    """Return the follower of a table's source. Nothing is connected to before it is polled.

    Raises:
        SystemFault: if the source is none that is followed.
    """
    source = table.source
    if isinstance(source, Replay):
        return ReplayFollower(table, listener, surroundings)
    raise SystemFault(f"{type(source).__name__} is not followed.", remedy="Use hr.Replay.", location=source.location)
