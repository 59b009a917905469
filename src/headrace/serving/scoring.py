"""A served model: a verified bundle, its features, and one row through both."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, Self

from headrace.bundles.manifest import Manifest
from headrace.bundles.reading import Bundle
from headrace.core.clock import Clock
from headrace.core.errors import SystemFault
from headrace.core.ids import new_id
from headrace.features.online import OnlineFeatures
from headrace.features.plan import FeaturePlan
from headrace.features.state import FeatureState
from headrace.features.stream.live import LiveFeatures
from headrace.models.decision import decide_row
from headrace.serving.freshness import NOTHING_ASKED, AskedFreshness, Freshness, Moments, Stale
from headrace.serving.records import PredictionRecord
from headrace.serving.state_link import StateLink

# Where a binary model without outcome costs decides.
EVEN = 0.5


class FeatureSource(Protocol):
    """Gives the features of one row, as of a moment."""

    def compute(self, row: Mapping[str, object], as_of: datetime) -> Mapping[str, object]:
        """Return feature values by name."""
        ...


class LiveSource:
    """Features from a store that is written meanwhile, beside a published state. Thread safe."""

    def __init__(self, features: LiveFeatures, link: StateLink) -> None:
        self._features, self._link = features, link
        published = features.state
        self._published = {} if published is None else dict.fromkeys(features.plan.tables, published.moment)

    def compute(self, row: Mapping[str, object], as_of: datetime) -> Mapping[str, object]:
        """Return feature values by name.

        Raises:
            StateAway: if the store cannot be read, at once where that is known.
        """
        return self.answer([row], as_of)[0][0]

    def answer(self, rows: Sequence[Mapping[str, object]], as_of: datetime) -> tuple[Sequence[Mapping[str, object]], Moments]:
        """Return the features of rows, read in one go, and until when each table is known.

        Raises:
            StateAway: if the store cannot be read, at once where that is known.
        """
        self._link.check()
        try:
            answered = self._features.answer(rows, as_of)
        except SystemFault as fault:
            raise self._link.lost(fault) from fault
        return answered.values, {**self._published, **answered.watermarks}


@dataclass(frozen=True)
class ServedModel:
    """A bundle and where its features come from.

    Attributes:
        state_moment: the moment that the published state is of; None where nothing is read from one.
        freshness: what the features ask.
        streamed: the tables that are read from a store which is written meanwhile.
        waits: whether that store is on another machine, so that its answers are waited for.
    """

    bundle: Bundle
    features: FeatureSource
    state_moment: datetime | None
    freshness: Freshness | None = None
    streamed: tuple[str, ...] = ()
    waits: bool = False

    @classmethod
    def load(cls, bundle: Bundle, state: FeatureState) -> Self:
        """Return a bundle served from a published state.

        Raises:
            FeatureError: if the state was published for other features.
        """
        plan = FeaturePlan.from_json(bundle.plan)
        return cls(bundle, OnlineFeatures(plan, state), state.moment, Freshness(plan))

    @classmethod
    def follow(cls, bundle: Bundle, features: LiveFeatures, link: StateLink, *, waits: bool) -> Self:
        """Return a bundle served from a store that is written meanwhile, and a published state for what is not streamed."""
        streamed = features.followed.tables
        moment = None if features.state is None else features.state.moment
        return cls(bundle, LiveSource(features, link), moment, Freshness(features.plan, streamed), streamed, waits)

    @property
    def manifest(self) -> Manifest:
        """What the bundle says of itself."""
        return self.bundle.manifest

    def answer(self, rows: Sequence[Mapping[str, object]], as_of: datetime) -> tuple[Sequence[Mapping[str, object]], Moments]:
        """Return the features of rows, and until when each table is known that they look into."""
        source = self.features
        if isinstance(source, LiveSource):
            return source.answer(rows, as_of)
        tables = () if self.freshness is None else self.freshness.all_tables
        return [source.compute(row, as_of) for row in rows], dict.fromkeys(tables, self.state_moment)


class Scorer:
    """Scores rows of one model."""

    def __init__(self, model: ServedModel, clock: Clock) -> None:
        self.model = model
        manifest = model.manifest
        self._name, self._version, self._task, self._classes = manifest.model, manifest.version, manifest.task, manifest.classes
        self._threshold = EVEN if manifest.threshold is None else manifest.threshold
        self._compute, self._clock = model.features.compute, clock
        self._encode, self._score = model.bundle.encoder.encode_row, model.bundle.predictor.score_row
        self.together = bool(model.streamed) or bool(model.freshness and model.freshness.limits)
        """Whether rows are to be scored by `score_rows`: from a store, or with limits on how old features may be."""

    def score(self, row: Mapping[str, object], as_of: datetime, found: "_Found | None" = None) -> PredictionRecord:
        """Return the prediction of one validated row of given values, whatever the age of its features."""
        started = time.perf_counter()
        features = self._compute(row, as_of) if found is None else found.features
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
            seconds=seconds if found is None else seconds + found.seconds,
            state=self.model.state_moment,
            watermarks=None if found is None else found.watermarks,
            stale=None if found is None else found.stale,
        )

    def score_rows(
        self, rows: Sequence[Mapping[str, object]], as_of: datetime, asked: AskedFreshness = NOTHING_ASKED
    ) -> list[PredictionRecord]:
        """Return the predictions of rows whose features are read in one go, and dealt with by their age.

        Each row is said to take its share of that time.

        Raises:
            StaleFeatures: if features are too old to answer.
            StateAway: if the store of their state does not answer.
        """
        if not self.together and asked is NOTHING_ASKED:
            return [self.score(row, as_of) for row in rows]
        started = time.perf_counter()
        values, moments = self.model.answer(rows, as_of)
        stale, null = self.model.freshness.stale(moments, as_of, asked) if self.model.freshness else ({}, ())
        watermarks = {table: moments[table] for table in self.model.streamed} or None
        nothing, share = dict.fromkeys(null), (time.perf_counter() - started) / len(rows)
        found = [_Found({**features, **nothing} if null else features, stale or None, share, watermarks) for features in values]
        return [self.score(row, as_of, each) for row, each in zip(rows, found, strict=True)]


class _Found(NamedTuple):
    """The features of a row, those of them that are too old, what it took to find them, and how far the streams were then."""

    features: Mapping[str, object]
    stale: Stale | None
    seconds: float
    watermarks: Moments | None
