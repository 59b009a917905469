"""A served model: a verified bundle, its features, and one row through both."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from headrace.bundles.manifest import Manifest
from headrace.bundles.reading import Bundle
from headrace.core.clock import Clock
from headrace.core.ids import new_id
from headrace.features.online import OnlineFeatures
from headrace.features.plan import FeaturePlan
from headrace.features.state import FeatureState
from headrace.models.decision import decide_row
from headrace.serving.records import PredictionRecord

# Where a binary model without outcome costs decides.
EVEN = 0.5


class FeatureSource(Protocol):
    """Gives the features of one row, as of a moment."""

    def compute(self, row: Mapping[str, object], as_of: datetime) -> Mapping[str, object]:
        """Return feature values by name."""
        ...


@dataclass(frozen=True)
class ServedModel:
    """A bundle and where its features come from; `state_moment` is the moment that the state was published for."""

    bundle: Bundle
    features: FeatureSource
    state_moment: datetime | None

    @classmethod
    def load(cls, bundle: Bundle, state: FeatureState) -> Self:
        """Return a bundle served from a published state.

        Raises:
            FeatureError: if the state was published for other features.
        """
        return cls(bundle, OnlineFeatures(FeaturePlan.from_json(bundle.plan), state), state.moment)

    @property
    def manifest(self) -> Manifest:
        """What the bundle says of itself."""
        return self.bundle.manifest


class Scorer:
    """Scores rows of one model."""

    def __init__(self, model: ServedModel, clock: Clock) -> None:
        self.model = model
        manifest = model.manifest
        self._name, self._version, self._task, self._classes = manifest.model, manifest.version, manifest.task, manifest.classes
        self._threshold = EVEN if manifest.threshold is None else manifest.threshold
        self._compute, self._clock = model.features.compute, clock
        self._encode, self._score = model.bundle.encoder.encode_row, model.bundle.predictor.score_row

    def score(self, row: Mapping[str, object], as_of: datetime) -> PredictionRecord:
        """Return the prediction of one validated row of given values."""
        started = time.perf_counter()
        features = self._compute(row, as_of)
        score = self._score(self._encode(features))
        decision = None if self._task == "regression" else decide_row(self._task, self._classes, score, self._threshold)
        seconds = time.perf_counter() - started
        moment = self._clock.now()
        return PredictionRecord(
            id=new_id("prd", moment),
            moment=moment,
            as_of=as_of,
            model=self._name,
            version=self._version,
            inputs=row,
            features=features,
            scores=score if isinstance(score, tuple) else (score,),
            decision=decision,  # type: ignore[arg-type]  # a number only for regression, which is excluded above
            seconds=seconds,
        )
