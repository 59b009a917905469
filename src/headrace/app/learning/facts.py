"""What the details of a model version say of learning by event. Apart from what learns: it loads no engine."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

SNAPSHOT = "snapshot"
"""Where they say which snapshot it was; those of other versions lack it."""
TRAINED_BEFORE = "trained_before"
"""Where they say the moment before which answers were its to learn in training; a version whose split is not by time lacks it."""
TESTED_FROM = "tested_from"
"""Where they say the moment from which on it has learnt no answer, and was not chosen by any: where the test part began."""
WHAT = "target"
"""Where they say what was to be predicted, as it was written."""
CONSTANTS = "constants"
"""Where they say what the baseline scores every row that was trained beside it."""


class SnapshotFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot, without what it learnt; see `Snapshot`.

    `parent` is the label of the version that it began from, `questions` the blob that has what was said of each question, in `rows`
    rows.
    """

    id: str
    number: int
    parent: str
    clock: datetime
    since: datetime
    learned: int
    learned_since: int
    unasked: int
    rows: int
    questions: str


def snapshot_of(details: Mapping[str, Any]) -> SnapshotFacts | None:
    """Return which snapshot a version was made from; None if it was trained by a run."""
    return msgspec.convert(details[SNAPSHOT], SnapshotFacts) if SNAPSHOT in details else None


def moment_in(details: Mapping[str, Any], name: str) -> datetime | None:
    """Return one of the moments that the details say, or None."""
    return datetime.fromisoformat(details[name]) if details.get(name) else None
