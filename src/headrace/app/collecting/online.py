"""What of the online state of streams no description needs: groups of lookups, and what there is of scorings and learnings that are gone.

A worker may be at work: what it keeps it says, and each commit that removes something fails from then on (`app.streaming.unused`).
"""

from contextlib import closing
from dataclasses import dataclass

from headrace.app.learning.keeping import LEARNER, learner_space
from headrace.app.scoring.scorer import spaces_of
from headrace.app.streamed import streamed_tables
from headrace.app.streaming.groups import needed_groups
from headrace.app.streaming.opening import find_state
from headrace.app.streaming.unused import drop_unused, parts_of, unused
from headrace.app.workspace import Workspace
from headrace.core.errors import HeadraceError
from headrace.features.stores.contract import StateStore

_ANSWER_SECONDS = 5.0
_GROUPS, _SCORINGS, _LEARNINGS = ("state/",), ("asked/", "outgoing/"), (LEARNER,)
_AWAY = "Of the online state nothing is freed: "


@dataclass(frozen=True)
class Online:
    """What may go: how many groups, records of scorings and of learnings, and their bytes; `note` says why nothing is looked at."""

    groups: int = 0
    group_bytes: int = 0
    scorings: int = 0
    scoring_bytes: int = 0
    learnings: int = 0
    learning_bytes: int = 0
    note: str = ""


def find_online(workspace: Workspace) -> Online:
    """Return what may go of the online state."""
    try:
        store = find_state(workspace, _ANSWER_SECONDS)
        if store is None:
            return Online()
        with closing(store):
            groups, scorings, learnings = (_sizes(workspace, store, unders) for unders in (_GROUPS, _SCORINGS, _LEARNINGS))
            return Online(len(groups), sum(groups), len(scorings), sum(scorings), len(learnings), sum(learnings))
    except HeadraceError as fault:  # the rest can be freed all the same
        return Online(note=_AWAY + workspace.secrets.redact(fault.problem))


def free_online(workspace: Workspace) -> str:
    """Remove it; return why it was not, if so."""
    try:
        store = find_state(workspace, _ANSWER_SECONDS)
        if store is not None:
            with closing(store):
                for under in (*_GROUPS, *_SCORINGS, *_LEARNINGS):
                    needed = _needed(workspace, under)
                    if needed is not None:
                        drop_unused(store, under, needed, workspace.clock.now())
    except HeadraceError as fault:
        return _AWAY + workspace.secrets.redact(fault.problem)
    return ""


def _sizes(workspace: Workspace, store: StateStore, unders: tuple[str, ...]) -> list[int]:
    """Return the bytes of each space that may go."""
    found: list[int] = []
    for under in unders:
        needed = _needed(workspace, under)
        spaces = unused(store, under, needed, workspace.clock.now()) if needed is not None else {}
        found += [sum(_bytes(store, each) for each in parts_of(space)) for space in spaces]
    return found


def _needed(workspace: Workspace, under: str) -> set[str] | None:
    """Return the spaces that the description and its champions need; None: that cannot be told yet, and all stay."""
    if under in _LEARNINGS:
        return {learner_space(learning.model.name) for learning in workspace.project.learnings}
    if under in _SCORINGS:
        return {space for scoring in workspace.project.scorings for space in spaces_of(scoring)}
    if not streamed_tables(workspace.project):
        return set()
    needed = needed_groups(workspace, {})
    return None if needed.missing else {layout.space for layouts in needed.layouts.values() for layout in layouts}


def _bytes(store: StateStore, space: str) -> int:
    total, after, more = 0, None, True
    while more:
        records, after = store.walk(space, after)
        total += sum(len(key) + len(name) + len(value) for key, fields in records for name, value in fields)
        more = after is not None
    return total
