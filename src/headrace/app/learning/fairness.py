"""What a champion may be asked: a question whose answer it has learnt is none.

A champion that was trained by a run has learnt, or was chosen by, whatever was asked before its test part began. One that learns in a
stream has learnt every answer that became known before its clock; what was said of those questions before their answers were learnt, by it
or by an earlier snapshot of the same learner, is on record, and counts as its answer.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.app.learning.facts import TESTED_FROM, SnapshotFacts, moment_in, snapshot_of
from headrace.app.learning.snapshot import ASKED, KNOWN, TARGET, scores
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.lake.errors import UnknownBlob
from headrace.lake.frames import bytes_frame
from headrace.ledger import models
from headrace.ledger.models import ModelVersion
from headrace.training.evaluation import among

_VERSIONS = 100_000
_ROW = "_row"
_SAME = (ARRIVAL_COLUMN, ASKED)
"""By which a question is known again. Its place alone would do, unless the table has been filled from another source since."""


class Fair(NamedTuple):
    """Of rows, in their order: the places (m,) of those that a champion may be asked about, and of those whose answer is on record
    (k,) with the scores (k,) or (k, classes)."""

    places: NDArray[np.int64]
    said_places: NDArray[np.int64]
    said: NDArray[np.float64]

    def scores(self, now: NDArray[np.float64], own: tuple[str, ...], classes: tuple[str, ...]) -> NDArray[np.float64]:
        """Return what the champion, which knows its `own` of the `classes`, says of all rows: what is on record, else its scores `now`."""
        if not len(self.said_places):
            return now
        whole = now.copy()
        whole[self.said_places] = among(self.said, own, classes) if self.said.ndim > 1 else self.said
        return whole


def fair_rows(workspace: Workspace, champion: ModelVersion, rows: pl.DataFrame) -> Fair:
    """Return which of the rows (`_arrival`, `_asked`, `_known`; null is never known) a champion can be compared on."""
    facts = snapshot_of(champion.details)
    if facts is None:
        begun = moment_in(champion.details, TESTED_FROM)
        unlearnt = rows[ASKED].is_not_null() & (rows[ASKED] >= begun) if begun else pl.Series([False]).new_from_index(0, rows.height)
        return Fair(np.flatnonzero(unlearnt.to_numpy()), np.empty(0, dtype=np.int64), np.empty(0))
    on_record = _on_record(workspace, champion, facts, rows)
    unlearnt = rows[KNOWN].is_null() | (rows[KNOWN] >= facts.clock)
    places = np.union1d(np.flatnonzero(unlearnt.to_numpy()), on_record[_ROW].to_numpy())
    return Fair(places, on_record[_ROW].to_numpy(), scores(on_record))


def _on_record(workspace: Workspace, champion: ModelVersion, facts: SnapshotFacts, rows: pl.DataFrame) -> pl.DataFrame:
    """Return what the champion's line said of rows before their answers were learnt, with their places."""
    wanted = rows.select(*_SAME).with_columns(pl.int_range(pl.len()).alias(_ROW))
    known = rows[KNOWN].drop_nulls()
    first = known.min()
    if not isinstance(first, datetime):
        return _nothing(wanted)
    found = [wanted.join(each, on=_SAME) for each in _questions(workspace, champion, facts, first)]
    return pl.concat(found).sort(_ROW) if found else _nothing(wanted)


def _nothing(wanted: pl.DataFrame) -> pl.DataFrame:
    return wanted.clear().with_columns(_score=pl.lit(0.0))


def _questions(workspace: Workspace, champion: ModelVersion, facts: SnapshotFacts, first: datetime) -> Iterator[pl.DataFrame]:
    """Yield the questions of the line's snapshots up to the champion whose answers became known at `first` or later. Those that a
    retention rule freed are left out."""
    with workspace.ledger.read() as session:
        versions = models.list_versions(session, champion.project, champion.model, limit=_VERSIONS)
    line = (found for each in versions if (found := snapshot_of(each.details)) is not None and found.parent == facts.parent)
    blobs = lake_of(workspace).blobs
    for each in line:
        if each.clock > facts.clock or each.clock <= first:
            continue
        try:
            yield bytes_frame(blobs.get(each.questions)).drop(KNOWN, TARGET)
        except UnknownBlob:
            continue
