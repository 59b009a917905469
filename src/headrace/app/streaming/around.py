"""What a worker has that each table which it follows takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from headrace.app.scoring.questions import Asker
from headrace.app.streaming.patience import Patience
from headrace.app.workspace import Workspace
from headrace.features.stores.contract import StateStore
from headrace.ingest.stream.messages import Surroundings
from headrace.lake.lake import Lake


@dataclass(frozen=True)
class Around:
    """What following a table takes beside the table.

    `columns_known` is told when a table's columns are seen first; `askers` make questions of the rows of a table, by its name; `tell` is
    called while something takes long, for whoever watches.
    """

    workspace: Workspace
    lake: Lake
    store: StateStore
    patience: Patience
    surroundings: Surroundings
    columns_known: Callable[[], None]
    askers: Mapping[str, Sequence[Asker]] = field(default_factory=dict)
    tell: Callable[[], None] = lambda: None
