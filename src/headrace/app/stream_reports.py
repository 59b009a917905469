"""What following streams came to: frozen values that every face can print or send as JSON."""

from datetime import datetime

import msgspec

from headrace.app.reports import Report


class StreamedLine(Report, frozen=True, kw_only=True):
    """What a worker did with a streamed table since it began. `behind` is None while that is not known.

    `filled` is how many rows of how many in the lake were read, while the table's state is made of them; else None.
    """

    table: str
    events: int
    accepted: int
    late: int
    duplicates: int
    quarantined: int
    flushed: int
    behind: int | None
    watermark: datetime | None
    trouble: str = ""
    filled: list[int] | None = None


class ScoredLine(Report, frozen=True, kw_only=True):
    """What a worker did with the questions of a model since it began; `waiting` are those that have no answer yet."""

    model: str
    version: str | None
    answered: int
    refused: int
    waiting: int


class LearntLine(Report, frozen=True, kw_only=True):
    """What a worker's learner did since the worker began. `version` is the newest that it made, else the one that it goes on from.

    `unasked` of the rows learnt came when the moment that they ask about was over; `waiting` were asked about, and wait for their answer.
    """

    model: str
    version: str | None
    learned: int
    unasked: int
    waiting: int
    versions: int


class StreamProgress(Report, frozen=True, kw_only=True):
    """How a worker stands."""

    seconds: float
    tables: list[StreamedLine]
    models: list[ScoredLine] = msgspec.field(default_factory=list)
    learners: list[LearntLine] = msgspec.field(default_factory=list)


class StreamReport(Report, frozen=True, kw_only=True):
    """What a worker did; `notes` are what it had to say on the way."""

    seconds: float
    tables: list[StreamedLine]
    models: list[ScoredLine] = msgspec.field(default_factory=list)
    learners: list[LearntLine] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
