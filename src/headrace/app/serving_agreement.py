"""What was served and logged, held to what batch now says."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from headrace.app.agreement_reports import DifferingPrediction, ServedVersion
from headrace.app.bundles import freed_bundle, open_bundle
from headrace.app.explaining_differences import AS_OF, MOMENT, STATE, WATERMARKS, WITHHELD, Explainer
from headrace.app.logged_values import logged_frame, withheld
from headrace.app.models import label
from headrace.app.prediction_table import PREDICTIONS, SERVED, as_logged
from headrace.app.publishing import state_folder
from headrace.app.steps.comparing import newest_tables
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.features.batch import compute
from headrace.features.frames import framed
from headrace.features.parity import differing
from headrace.features.plan import FeaturePlan
from headrace.features.restricting import ASKED, asked_with_moments
from headrace.features.state import FeatureState
from headrace.ledger import models
from headrace.ledger.models import ModelVersion

Progress = Callable[[str, int, int], None]
UNEXPLAINED = "unexplained"
_AT_ONCE = 1 << 16
_WITHHELD = "_withheld"
_EXAMPLES = 3
"""Of each explanation so many differing predictions are shown."""


def served_agreement(
    workspace: Workspace, model: str, since: datetime | None, until: datetime | None, progress: Progress
) -> list[ServedVersion]:
    """Compare the logged predictions of a model that were made between two moments with what batch now says, version by version."""
    tables = lake_of(workspace).tables
    if tables.version(PREDICTIONS) is None:
        return []
    log = tables.scan(PREDICTIONS).filter(pl.col("model") == model)
    log = log if since is None else log.filter(pl.col(MOMENT) >= since)
    log = log if until is None else log.filter(pl.col(MOMENT) < until)
    counts = dict(log.group_by("version").agg(pl.len()).collect().iter_rows())
    found = []
    for number in sorted(counts, key=int):
        with workspace.ledger.read() as session:
            version = models.find(session, workspace.project.name, model, int(number))
        if version is not None:
            rows = log.filter(pl.col("version") == number)
            found.append(_compared(workspace, version, rows, counts[number], progress))
    return found


def _compared(workspace: Workspace, version: ModelVersion, log: pl.LazyFrame, total: int, progress: Progress) -> ServedVersion:
    assert version.bundle_location is not None
    if freed_bundle(workspace, version.bundle_location) is not None:
        note = "its bundle was freed, so that nobody can say what its features were"
        return ServedVersion(
            version=label(version), predictions=total, same=0, explained={}, unexplained=0, features={}, examples=[], notes=[note]
        )
    plan = FeaturePlan.from_json(open_bundle(workspace, version.bundle_location).plan)
    held = _Held(workspace, version, plan)
    done = 0
    for frame in framed(as_logged(log).select("id", MOMENT, AS_OF, "source", STATE, WATERMARKS, "inputs", "features"), _AT_ONCE):
        held.add(frame)
        done += frame.height
        progress(f"served by {label(version)}", done, total)
    return held.report(total)


class _Held:
    """The predictions of one version, held to batch."""

    def __init__(self, workspace: Workspace, version: ModelVersion, plan: FeaturePlan) -> None:
        self._version, self._plan = version, plan
        self._tables = newest_tables(workspace, plan)
        self._explainer = Explainer(workspace, plan, self._tables, self._differs)
        self._published = _published_moment(workspace, version)
        self._same = 0
        self._causes = Counter[str]()
        self._features = Counter[str]()
        self._examples: list[DifferingPrediction] = []

    def add(self, log: pl.DataFrame) -> None:
        """Take some predictions."""
        given = logged_frame(log["inputs"].to_list(), self._plan.given)
        texts = log["features"].to_list()
        served = logged_frame(texts, self._plan.types).with_columns(withheld(texts).alias(_WITHHELD))
        asked = given.with_columns(log.select(pl.col(AS_OF).alias(ASKED), MOMENT, AS_OF, self._state(), WATERMARKS).get_columns())
        now = compute(asked_with_moments(self._plan), asked.lazy(), self._tables)
        differs = _any(differing(self._plan, _logged(now), served))
        self._same += int((~differs).sum())
        if differs.any():
            self._explain(log.filter(differs), asked.filter(differs), served.filter(differs), now.filter(differs))

    def _state(self) -> pl.Expr:
        """The moment of the published state that was read. Servers did not write that down once: where nothing is said, the one of now."""
        silent = pl.col(STATE).is_null() & pl.col(WATERMARKS).is_null() & (pl.col("source") == SERVED)
        return pl.when(silent).then(pl.lit(self._published, pl.Datetime("us", "UTC"))).otherwise(STATE).alias(STATE)

    def report(self, predictions: int) -> ServedVersion:
        """Return what was found."""
        unexplained = self._causes.pop(UNEXPLAINED, 0)
        return ServedVersion(
            version=label(self._version), predictions=predictions, same=self._same, explained=dict(self._causes.most_common()),
            unexplained=unexplained, features=dict(self._features.most_common()), examples=self._examples, notes=[],
        )  # fmt: skip

    def _explain(self, log: pl.DataFrame, asked: pl.DataFrame, served: pl.DataFrame, now: pl.DataFrame) -> None:
        masks = differing(self._plan, _logged(now), served)
        for name, mask in masks.items():
            self._features[name] += int(mask.sum())
        self._features = +self._features
        # Where nothing else differs, values that were withheld are the reason; elsewhere they are left out of account.
        others = self._differs(served, now)
        causes = iter(self._explainer.explain(asked.filter(others), served.filter(others)))
        for row, other in enumerate(others):
            told = (next(causes) or UNEXPLAINED) if other else WITHHELD
            self._causes[told] += 1
            if self._causes[told] <= _EXAMPLES:
                names = [name for name, mask in masks.items() if mask[row]]
                self._examples.append(
                    _example(log.row(row, named=True), told, *(each.select(names).row(row, named=True) for each in (served, now)))
                )

    def _differs(self, served: pl.DataFrame, batch: pl.DataFrame) -> pl.Series:
        """Tell which rows are not the same, values aside that were null since they were too old."""
        masks = differing(self._plan, _logged(batch), served)
        return _any({name: mask & ~served[_WITHHELD].list.contains(name) for name, mask in masks.items()})


def _any(masks: Mapping[str, pl.Series]) -> pl.Series:
    return pl.DataFrame(masks).select(pl.any_horizontal(pl.all())).to_series()


def _logged(features: pl.DataFrame) -> pl.DataFrame:
    """Return features as the log keeps them: NaN is null."""
    return features.with_columns(pl.col(pl.Float64).fill_nan(None))


def _published_moment(workspace: Workspace, version: ModelVersion) -> datetime | None:
    """Return the moment of the state that lies published now: older logs do not say which one was read."""
    folder = state_folder(workspace, version)
    return FeatureState.load(folder).moment if (folder / "state.json").exists() else None


def _example(row: Mapping[str, Any], explanation: str, served: dict[str, Any], batch: dict[str, Any]) -> DifferingPrediction:
    return DifferingPrediction(
        prediction_id=row["id"], moment=row[MOMENT], as_of=row[AS_OF], explanation=explanation, served=served, batch=batch
    )
