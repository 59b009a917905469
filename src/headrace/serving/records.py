"""What is kept of each prediction, and the sink that keeps it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from headrace.features.plan import STALE

_INFINITE = frozenset((math.inf, -math.inf))
_encode = msgspec.json.Encoder().encode


class PredictionRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One answered prediction.

    Attributes:
        id: the prediction id that the asker got, `prd_...`.
        moment: when it was answered, UTC.
        as_of: the moment as of which features were computed, UTC.
        inputs: the given columns as the features saw them: personal ones pseudonymised.
        features: the feature values, by name.
        scores: one probability for `binary`, one a class for `multiclass`, the value for `regression`.
        decision: the decided label or truth value; None for `regression`.
        seconds: from the validated row to the decision.
        state: the moment of the published state that was read; None: none was.
        watermarks: until when each streamed table was known that was read, None where nothing of it was certain; None: none was read.
        stale: the features that were older than they may be, with their age in seconds (None: not known); None: there were none.
    """

    id: str
    moment: datetime
    as_of: datetime
    model: str
    version: str
    inputs: Mapping[str, object]
    features: Mapping[str, object]
    scores: tuple[float, ...]
    decision: str | bool | None
    seconds: float
    state: datetime | None = None
    watermarks: Mapping[str, datetime | None] | None = None
    stale: Mapping[str, float | None] | None = None

    def inputs_json(self) -> str:
        """The inputs as JSON text: moments in ISO 8601, durations in seconds, NaN as null."""
        return values_json(self.inputs)

    def watermarks_json(self) -> str | None:
        """The watermarks as JSON text; None where no streamed table was read."""
        return None if self.watermarks is None else _encode(self.watermarks).decode()

    def features_json(self) -> str:
        """The features as JSON text, likewise, but infinities as the texts "inf" and "-inf": models tell them from null.

        `_stale` stands beside them where some were stale.
        """
        text = features_json(self.features)
        return text if not self.stale else f'{text[:-1]},"{STALE}":{_encode(self.stale).decode()}}}'


@dataclass(frozen=True)
class UsageWindow:
    """What the server process used while these predictions were answered: since the batch before, or since it started."""

    predictions: int
    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True)
class PredictionBatch:
    """Records in the order they were answered. A retried batch keeps its `id`, so that a sink can tell that it has it already."""

    id: str
    records: tuple[PredictionRecord, ...]
    usage: UsageWindow


class PredictionSink(Protocol):
    """Where predictions are kept.

    `write` is called by one thread, never twice at once. It returns when the batch is durable, or raises: then it is called again with
    the same batch until it returns. It must be idempotent by `batch.id`.
    """

    def write(self, batch: PredictionBatch) -> None:
        """Keep a batch."""
        ...


def features_json(features: Mapping[str, object]) -> str:
    """Return feature values as JSON text, infinities as the texts "inf" and "-inf": models tell them from null."""
    text = values_json(features)
    # Most rows have no null, hence no infinity: to look for one costs more than to write the row.
    if "null" in text and not _INFINITE.isdisjoint(features.values()):
        return values_json({name: str(value) if value in _INFINITE else value for name, value in features.items()})
    return text


def values_json(values: Mapping[str, object]) -> str:
    """Return row values as JSON text: moments in ISO 8601, durations in seconds, NaN and infinities as null."""
    text = _encode(values)
    # msgspec writes durations as texts such as "P1D" and "-PT2S": only where one may be are values looked at one by one.
    return (_encode(plain_values(values)) if b'"P' in text or b'"-P' in text else text).decode()


def plain_values(values: Mapping[str, object]) -> dict[str, object]:
    """Return row values as JSON takes them. msgspec writes NaN and infinities as null and moments as ISO 8601 by itself."""
    return {name: value.total_seconds() if isinstance(value, timedelta) else value for name, value in values.items()}
