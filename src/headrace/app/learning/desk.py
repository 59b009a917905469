"""A learner at work: what it has learnt, the rows that it knows of, and how each step changes both here and in the store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl

from headrace.app.learning.keeping import (
    PendingSnapshot,
    Pieces,
    put_files,
    put_snapshot,
    questions_key,
    read_pieces,
    waiting_key,
)
from headrace.app.learning.lessons import Taught
from headrace.app.learning.progress import Progress, learning_mark
from headrace.app.learning.rows import Range, Taken
from headrace.app.learning.snapshot import ASKED, KNOWN
from headrace.app.streaming.partitions import joined
from headrace.features.stores.contract import Commit, StateStore
from headrace.ingest.requests import ARRIVAL
from headrace.training.online.learner import Learner

_MOST_EVENTS = 10_000


class Step(NamedTuple):
    """Where a step ends, how far apart snapshots are, and which columns of its rows are features, and given beside them."""

    end_us: int
    every_us: int
    names: tuple[list[str], list[str]]


@dataclass(frozen=True)
class Desk:
    """What lies before a learner.

    Attributes:
        mark: the value of its mark in the store, and `progress` what it will be.
        ahead: rows that it knows of and was not asked about, by moment.
        waiting: rows that it was asked about, and whose answer it was not told.
        questions: the last rows that it was told since the last snapshot.
    """

    model: str
    mark: bytes
    progress: Progress
    ahead: pl.DataFrame
    waiting: Pieces
    questions: Pieces

    @classmethod
    def opened(cls, store: StateStore, model: str, mark: bytes, progress: Progress) -> "Desk":
        """Return a desk as the store has it; the rows ahead are yet to be taken."""
        waiting = read_pieces(store, waiting_key(model))
        left, _ = waiting.changed(pl.col(KNOWN) < progress.clock_us, pl.DataFrame(), 0)
        return cls(model, mark, progress, pl.DataFrame(), left, Pieces(questions_key(model, progress.snapshots + 1)))

    @property
    def wanted(self) -> Range:
        """Which rows are to be taken."""
        progress = self.progress
        cursors = {int(name): offset for name, offset in progress.cursors.items()}
        return Range(cursors, progress.clock_us, progress.began_us, progress.scored_from_us)

    def with_rows(self, taken: Taken) -> "Desk":
        """Return it with more rows ahead."""
        cursors = {str(partition): offset for partition, offset in taken.cursors.items()}
        progress = msgspec.structs.replace(self.progress, cursors=cursors, left_out=self.progress.left_out + taken.left_out)
        ahead = pl.concat([self.ahead, taken.rows]).sort(ASKED, ARRIVAL) if self.ahead.height else taken.rows
        return replace(self, progress=progress, ahead=ahead)

    def end_of_step(self, until_us: int, every_us: int) -> int:
        """Return the moment at which the next step ends: at a boundary that may be judged at the latest, and not after too many events."""
        clock = self.progress.clock_us
        judged_us = clock if self.progress.scored_since else max(clock, self.progress.scored_from_us)
        columns = [self.ahead[ASKED], self.ahead[KNOWN], *(each[KNOWN] for each in self.waiting.rows)]
        moments = np.maximum(np.concatenate([each.to_numpy() for each in columns]), clock)  # what came later than its moment is due now
        moments = moments[moments < until_us]
        limit = min(until_us, (judged_us // every_us + 1) * every_us)
        inside = moments[moments < limit]
        if len(inside) > _MOST_EVENTS:
            return int(np.partition(inside, _MOST_EVENTS - 1)[_MOST_EVENTS - 1]) + 1
        if len(inside) or self.progress.can_be_judged:
            return limit
        return int(moments.min()) if len(moments) else until_us

    def due(self, end_us: int) -> pl.DataFrame:
        """Return the rows that are to be asked about before a moment."""
        return self.ahead.filter(pl.col(ASKED) < end_us)

    def is_idle(self, end_us: int, every_us: int) -> bool:
        """Tell whether nothing is to be asked, learnt or made a snapshot of by a moment."""
        known = any((each[KNOWN] < end_us).any() for each in self.waiting.rows)
        return not (known or self.due(end_us).height or self._is_boundary(end_us, every_us))

    def _is_boundary(self, end_us: int, every_us: int) -> bool:
        """Tell whether what was learnt becomes a snapshot there: not without a question by which to judge it."""
        return end_us % every_us == 0 and self.progress.can_be_judged

    def moved(self, end_us: int) -> "Desk":
        """Return it with the clock at a moment before which nothing was to be done."""
        return replace(self, progress=msgspec.structs.replace(self.progress, clock_us=end_us))

    def stepped(self, taught: Taught, learner: Learner, step: Step) -> tuple["Desk", Commit]:
        """Return it with the clock at the end of a step, and what makes it so in the store."""
        end_us, every_us, names = step
        before, model = self.progress, self.model
        waiting, kept = self.waiting.changed(pl.col(KNOWN) < end_us, taught.waiting, before.pieces)
        questions, told = self.questions.changed(None, taught.scored, before.pieces + 1)
        files = learner.files()
        filed, chunks = put_files(model, files, before.chunks)
        progress = msgspec.structs.replace(
            before,
            clock_us=end_us,
            learned=before.learned + taught.learned,
            learned_since=before.learned_since + taught.learned,
            scored_since=before.scored_since + taught.scored.height,
            unasked=before.unasked + taught.unasked,
            unasked_since=before.unasked_since + taught.unasked,
            left_out=before.left_out + taught.left_out,
            pieces=before.pieces + 2,
            chunks=chunks,
        )
        parts, after = [filed, kept, told], replace(self, ahead=self.ahead.filter(pl.col(ASKED) >= end_us), waiting=waiting)
        if replace(self, progress=progress)._is_boundary(end_us, every_us):
            snapshot = _snapshot(progress, learner.learned, files, names)
            parts.append(put_snapshot(model, snapshot))
            progress = msgspec.structs.replace(
                progress, snapshots=snapshot.number, since_us=end_us, learned_since=0, scored_since=0, unasked_since=0
            )
            questions = Pieces(questions_key(model, snapshot.number + 1))
        return replace(after, questions=questions.last()).committed(progress, parts)

    def saved(self) -> tuple["Desk", Commit]:
        """Return it with its progress on record."""
        return self.committed(self.progress, [])

    def committed(self, progress: Progress, parts: Sequence[Commit]) -> tuple["Desk", Commit]:
        """Return it with this progress, and what makes it so in the store with all that belongs to it."""
        name, mark = learning_mark(self.model), progress.to_bytes()
        marked = Commit(expect={name: self.mark}, marks={name: mark})
        return replace(self, mark=mark, progress=progress), joined(marked, *parts)


def _snapshot(progress: Progress, learned: int, files: dict[str, bytes], names: tuple[list[str], list[str]]) -> PendingSnapshot:
    return PendingSnapshot(
        number=progress.snapshots + 1, parent=progress.parent, clock_us=progress.clock_us, since_us=progress.since_us,
        learned=learned, learned_since=progress.learned_since, unasked=progress.unasked_since, files=files,
        features=names[0], given=names[1],
    )  # fmt: skip
