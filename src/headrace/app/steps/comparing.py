"""A new model against the baseline and against the champion, on the same test rows."""

import numpy as np
import polars as pl

from headrace.app.bundles import open_bundle
from headrace.app.steps.training import ModelRows
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.features.batch import compute
from headrace.features.plan import FeaturePlan
from headrace.ledger import tables as ledger_tables
from headrace.ledger.models import ModelVersion
from headrace.spec.candidates import Baseline
from headrace.spec.model import Model
from headrace.stats.bootstrap import Interval
from headrace.training.evaluation import ScoredRows, compare, score_rows
from headrace.training.splits import TEST
from headrace.training.train import Trained


def against_baseline(model: Model, trained: list[Trained], rows: ModelRows, scored: ScoredRows, seed: int, level: float) -> Interval:
    """Return by how much the scores are better than the baseline's on the model's metric."""
    name = Baseline().name
    baseline = next(each for each in trained if each.candidate == name)
    test = rows.parts.rows(TEST)
    opponent = score_rows(baseline.artifact, rows.features[test], rows.target[test], baseline.threshold)
    return compare(model.metric, scored, opponent, seed=seed, level=level)


def against_champion(
    workspace: Workspace, model: Model, champion: ModelVersion, rows: ModelRows, scored: ScoredRows, seed: int, level: float
) -> Interval:
    """Return by how much the scores are better than the champion's, whose own features are computed for these rows."""
    assert champion.bundle_location is not None
    bundle = open_bundle(workspace, champion.bundle_location)
    plan = FeaturePlan.from_json(bundle.plan)
    test = rows.parts.rows(TEST)
    features = compute(plan, rows.spine[test].lazy(), newest_tables(workspace, plan))
    threshold = 0.5 if bundle.manifest.threshold is None else bundle.manifest.threshold
    opponent = score_rows(bundle.artifact, features, rows.target[test], threshold)
    if not np.array_equal(opponent.target, scored.target):
        opponent = ScoredRows(task=opponent.task, target=scored.target, scores=opponent.scores, threshold=threshold)
    return compare(model.metric, scored, opponent, seed=seed, level=level)


def newest_tables(workspace: Workspace, plan: FeaturePlan) -> dict[str, pl.LazyFrame]:
    """Return the newest version of every table that a plan looks into, in order of arrival."""
    lake = lake_of(workspace)
    with workspace.ledger.read() as session:
        versions = {name: ledger_tables.latest(session, workspace.project.name, name) for name in plan.tables}
    return {name: lake.tables.scan(name, version.version).sort("_arrival") for name, version in versions.items() if version is not None}
