"""What may go, as it lies in the lake and the home: found by looking, nothing is changed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from headrace.app.collecting.home import Found, abandoned_scratch, published_state, unpacked_bundles
from headrace.app.collecting.marking import BLOB, TABLE, Item, Marked, Recorded, Rules, mark
from headrace.app.collecting.online import Online, find_online
from headrace.app.collecting.recorded import recorded_of, rules_of
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.store import lake_of
from headrace.app.streamed import streamed_tables
from headrace.app.workspace import Workspace
from headrace.lake.sweeping import Kept, Sweeper, TableFiles
from headrace.ledger import freed

MANY_FILES = 50
"""Small files of the log of predictions: from so many on they are made one."""


@dataclass(frozen=True)
class Findings:
    """What may go, and what is needed.

    Attributes:
        blobs: those that go, by hash, with the rule; those that nobody names have none.
        tables: files of tables, with the needed versions of each.
        newly: table versions that are not on record as freed yet.
        expired: rows of the log of predictions before `cutoff`. Their bytes go with the files that held them, after `grace`.
        small_files: of the log of predictions.
        online: what no description needs of the online state.
        commits: of that log, removed because a checkpoint stands for them: how many, and their bytes.
    """

    recorded: Recorded
    rules: Rules
    grace: timedelta
    marked: Marked
    blobs: dict[str, Kept]
    tables: dict[str, TableFiles]
    versions: dict[str, list[int]]
    newly: dict[Item, str]
    staged: list[Kept]
    home: dict[str, list[Found]]
    online: Online
    cutoff: datetime | None = None
    expired: int = 0
    small_files: int = 0
    commits: tuple[int, int] = (0, 0)


def sweeper_of(workspace: Workspace) -> Sweeper:
    """Return the sweeper of the project's lake."""
    return Sweeper(workspace.settings.lake_url, workspace.project.name, workspace.lake_options)


def find(workspace: Workspace, grace: timedelta) -> Findings:
    """Return what may go now. What nobody names is left alone until it is older than `grace`."""
    rules = rules_of(workspace)
    until = rules.now - grace
    recorded = recorded_of(workspace, _logged(workspace))
    marked = mark(recorded, rules)
    sweeper = sweeper_of(workspace)
    versions = _versions(marked)
    streamed = {table.name for table in streamed_tables(workspace.project)}
    tables = {
        name: sweeper.files(name, versions.get(name, []), until, growing=_is_growing(name, streamed))
        for name in sweeper.tables()
        if name != PREDICTIONS
    }
    if sweeper.newest(PREDICTIONS) is not None:
        tables[PREDICTIONS] = predictions_files(workspace, until)
    cutoff = None if rules.predictions is None else rules.now - rules.predictions
    return Findings(
        recorded=recorded,
        rules=rules,
        grace=grace,
        marked=marked,
        blobs={name: kept for name, kept in sweeper.blobs().items() if _blob_may_go(name, kept, marked, until)},
        tables=tables,
        versions=versions,
        newly=_newly(workspace, marked, tables),
        staged=sweeper.staged(until),
        home={
            "unpacked bundle": unpacked_bundles(workspace, {item.name for item in marked.needed if item.kind == BLOB}, until),
            "published state": published_state(workspace, _served(recorded, marked), until),
            "left-over": abandoned_scratch(workspace, until),
        },
        cutoff=cutoff,
        expired=_expired(workspace, cutoff),
        small_files=lake_of(workspace).upkeep(PREDICTIONS).small_files(),
        online=find_online(workspace),
    )


def _is_growing(name: str, streamed: Collection[str]) -> bool:
    """Tell whether rows are appended to a table by who does not record each version: what it holds now is needed then."""
    return name.partition("/")[0] in streamed or name.startswith(f"{PREDICTIONS.partition('/')[0]}/")


def predictions_files(workspace: Workspace, until: datetime) -> TableFiles:
    """Return the files of the log of predictions: its newest version is needed, whoever wrote it, and so is what was replaced since."""
    return sweeper_of(workspace).files(PREDICTIONS, (), until, growing=True)


def _versions(marked: Marked) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for item in marked.needed:
        if item.kind == TABLE and item.version is not None:
            found.setdefault(item.name, []).append(item.version)
    return {name: sorted(versions) for name, versions in found.items()}


def _blob_may_go(name: str, kept: Kept, marked: Marked, until: datetime) -> bool:
    item = Item(BLOB, name)
    return item in marked.free or (item not in marked.needed and kept.modified < until)


def _newly(workspace: Workspace, marked: Marked, tables: dict[str, TableFiles]) -> dict[Item, str]:
    with workspace.ledger.read() as session:
        gone = freed.table_versions(session, workspace.project.name)
    free = {item: rule for item, rule in marked.free.items() if item.kind == TABLE and item.name in tables}
    return {item: rule for item, rule in free.items() if (item.name, item.version) not in gone}


def _served(recorded: Recorded, marked: Marked) -> set[tuple[str, int]]:
    """Return the model versions that may serve: state of others is not needed."""
    served = [version.label for version in recorded.models if version.bundle and version.bundle <= marked.needed.keys()]
    return {(model, int(number)) for model, _, number in (each.rpartition("@") for each in served)}


def _logged(workspace: Workspace) -> dict[tuple[str, int], datetime]:
    """Return when each model version predicted last, as the log of predictions has it: servers log before the ledger knows."""
    tables = lake_of(workspace).tables
    if tables.version(PREDICTIONS) is None:
        return {}
    found = tables.scan(PREDICTIONS).group_by("model", "version").agg(pl.col("moment").max()).collect(engine="streaming")
    return {(model, int(version)): moment for model, version, moment in found.iter_rows()}


def _expired(workspace: Workspace, cutoff: datetime | None) -> int:
    """Return how many predictions were made before a moment."""
    tables = lake_of(workspace).tables
    if cutoff is None or tables.version(PREDICTIONS) is None:
        return 0
    return int(tables.scan(PREDICTIONS).select((pl.col("moment") < cutoff).sum()).collect().item())
