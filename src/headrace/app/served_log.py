"""The log of predictions as something to learn from: what a run sees of it, and the rows of a spine that it answers for.

A prediction counts where it was made by features that mean what the description says now, whichever model asked; of several about one
row the first counts, by when they were asked as of. What is left out is counted, with the reason.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from headrace.app.bundles import freed_bundle, open_bundle
from headrace.app.errors import NothingLogged
from headrace.app.logged_values import logged_frame
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.bundles.errors import BundleError
from headrace.core.fingerprints import fingerprint
from headrace.features.errors import FeatureError
from headrace.features.frames import framed
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.features.plan import PREDICTION, SERVED_AS_OF, FeaturePlan, feature_meanings
from headrace.ledger import models
from headrace.ledger.models import ModelVersion
from headrace.spec.model import Model

OTHERWISE = "made from features that are declared otherwise now"
UNREADABLE = "made by a version whose bundle was freed or cannot be read here"
NAMELESS = "of a question that did not say which row it is about"
NOT_THERE = "about a row that is not there yet"
AGAIN = "about a row that was asked about before"
FEATURES, ANSWERED = "_features", "_answered"
_MADE_AT, _GIVEN, _MODEL, _VERSION = "_made_at", "_given", "_model", "_version"
_COLUMNS = {
    PREDICTION: "id", SERVED_AS_OF: "as_of", _MADE_AT: "moment", _MODEL: "model", _VERSION: "version", _GIVEN: "inputs",
    FEATURES: "features",
}  # fmt: skip
_AT_ONCE = 1 << 16
_SUMMED = 1 << 31


class LogState(NamedTuple):
    """A version of the log, and a fingerprint of the predictions that it holds: to put its files together changes only the version."""

    version: int
    fingerprint: str


@dataclass(frozen=True)
class ServedRows:
    """The rows of a spine that were asked about: `_arrival`, in order, when each was asked as of, the prediction, its features as JSON.

    `waiting` of them have no answer yet.
    """

    frame: pl.DataFrame
    waiting: int
    served_by: dict[str, int]
    left_out: dict[str, int]


def log_state(workspace: Workspace) -> LogState | None:
    """Return what the log holds now; None: nothing was ever logged."""
    tables = lake_of(workspace).tables
    version = tables.version(PREDICTIONS)
    if version is None:
        return None
    moments = [pl.col(name).to_physical() for name in ("moment", "as_of")]
    held = [each for moment in moments for each in (moment.min(), moment.max(), (moment % _SUMMED).sum())]
    sums = tables.scan(PREDICTIONS, version).select(pl.len(), *(each.alias(str(number)) for number, each in enumerate(held)))
    return LogState(version, fingerprint("predictions", list(sums.collect(engine="streaming").row(0))))


def require_log(workspace: Workspace) -> None:
    """Check that something was logged where a model learns from what was.

    Raises:
        NothingLogged: naming the first such model, if nothing was.
    """
    for model in workspace.project.models:
        if model.features.from_log and lake_of(workspace).tables.version(PREDICTIONS) is None:
            raise NothingLogged(model.name, model.features.location)


def served_rows(workspace: Workspace, model: Model, plan: FeaturePlan, spine: pl.LazyFrame, version: int) -> ServedRows:
    """Return the rows of the spine that a version of the log answers for; the spine has a column that says whether each is `ANSWERED`."""
    log = lake_of(workspace).tables.scan(PREDICTIONS, version)
    ids = model.features.spine.id
    taken, left_out = _versions(workspace, model, plan, log)
    wanted = pl.LazyFrame(taken, schema={"model": pl.String, "version": pl.String}, orient="row")
    asked = pl.concat(_asked_about(log.join(wanted, on=["model", "version"], how="semi"), plan, ids))
    named = asked.drop_nulls(list(ids))
    there = spine.select(ARRIVAL_COLUMN, ANSWERED, *ids).collect().join(named, on=list(ids), how="inner").drop(ids)
    first = there.sort(ARRIVAL_COLUMN, SERVED_AS_OF, _MADE_AT, PREDICTION).unique(ARRIVAL_COLUMN, keep="first", maintain_order=True)
    left_out.update({NAMELESS: asked.height - named.height, NOT_THERE: named.height - there.height, AGAIN: there.height - first.height})
    by = first.group_by(pl.concat_str(_MODEL, _VERSION, separator="@").alias("by")).len().sort("len", "by", descending=[True, False])
    return ServedRows(
        frame=first.select(ARRIVAL_COLUMN, SERVED_AS_OF, PREDICTION, FEATURES),
        waiting=int((~first[ANSWERED]).sum()),
        served_by=dict(by.iter_rows()),
        left_out=dict(+left_out),
    )


def _versions(workspace: Workspace, model: Model, plan: FeaturePlan, log: pl.LazyFrame) -> tuple[list[tuple[str, str]], Counter[str]]:
    """Return the versions whose predictions can be learned from, and how many of the model's own cannot, by reason."""
    taken, left_out = [], Counter[str]()
    counts = log.group_by("model", "version").agg(pl.len()).collect()
    for name, number, count in sorted(counts.iter_rows(), key=lambda row: (row[0], int(row[1]))):
        why = _why_not(workspace, _find(workspace, name, number), plan, model.features.spine.id)
        if why is None:
            taken.append((name, number))
        elif name == model.name:  # another model's own features are nobody's loss here
            left_out[why] += count
    return taken, left_out


def _find(workspace: Workspace, model: str, number: str) -> ModelVersion | None:
    with workspace.ledger.read() as session:
        return models.find(session, workspace.project.name, model, int(number))


def _why_not(workspace: Workspace, version: ModelVersion | None, plan: FeaturePlan, ids: tuple[str, ...]) -> str | None:
    """Return why a version's predictions cannot be learned from; None: they can."""
    if version is None or version.bundle_location is None or freed_bundle(workspace, version.bundle_location) is not None:
        return UNREADABLE
    try:
        served = FeaturePlan.from_json(open_bundle(workspace, version.bundle_location).plan)
    except (BundleError, FeatureError):  # made by another Headrace, or signed by a key that is not trusted any more: others may do
        return UNREADABLE
    if not feature_meanings(plan).items() <= feature_meanings(served).items() or served.spine != plan.spine:
        return OTHERWISE
    said = {name for name in ids if name in served.given}
    if any((served.given[name], name in served.personal) != (plan.given[name], name in plan.personal) for name in said):
        return OTHERWISE
    return None


def _asked_about(log: pl.LazyFrame, plan: FeaturePlan, ids: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    types = {name: plan.given[name] for name in ids}
    for frame in framed(log.select(pl.col(column).alias(name) for name, column in _COLUMNS.items()), _AT_ONCE):
        yield frame.drop(_GIVEN).with_columns(logged_frame(frame[_GIVEN].to_list(), types).get_columns())
