"""A new model against the baseline and against the champion, on the same test rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import polars as pl

from headrace.app.bundles import open_bundle
from headrace.app.learning.facts import snapshot_of
from headrace.app.learning.fairness import Fair, fair_rows
from headrace.app.learning.snapshot import ASKED as ASKED_AT
from headrace.app.learning.snapshot import KNOWN
from headrace.app.models import label
from headrace.app.steps.training import ModelRows
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.core.errors import UserError
from headrace.features.batch import compute
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.features.plan import SERVED_AS_OF, FeaturePlan, feature_meanings
from headrace.features.restricting import ASKED, asked_with_moments
from headrace.ledger import tables as ledger_tables
from headrace.ledger.models import ModelVersion
from headrace.models.artifact import Artifact
from headrace.spec.candidates import Baseline
from headrace.spec.model import Model
from headrace.stats.bootstrap import Interval
from headrace.training.evaluation import Sampler, ScoredRows, compare, score_rows, support
from headrace.training.splits import TEST
from headrace.training.train import Trained


class How(NamedTuple):
    """How intervals are made: from which seed, at which level, and by whom the samples are drawn."""

    seed: int
    level: float
    sampler: Sampler


def baseline_of(trained: list[Trained]) -> Trained:
    """Return the baseline, which is among the candidates of every model."""
    name = Baseline().name
    return next(each for each in trained if each.candidate == name)


def against_baseline(model: Model, trained: list[Trained], rows: ModelRows, scored: ScoredRows, how: How) -> Interval:
    """Return by how much the scores are better than the baseline's on the model's metric."""
    baseline = baseline_of(trained)
    test = rows.parts.rows(TEST)
    opponent = score_rows(baseline.artifact, rows.features[test], rows.target[test], baseline.threshold)
    return compare(model.metric, scored, opponent, **how._asdict())


@dataclass(frozen=True)
class Opponent:
    """A champion, and its own features of the test rows. `computed` are those that were not logged, where others were.

    `fair` says which of the rows it may be asked about, where it has learnt in a stream; None: all of them.
    """

    label: str
    artifact: Artifact
    features: pl.DataFrame
    threshold: float
    computed: tuple[str, ...] = ()
    fair: Fair | None = None


class Compared(NamedTuple):
    """By how much a version is better than an opponent; on how many rows that rests, where these are some of them only."""

    difference: Interval
    support: int | None = None


def prepare_champion(workspace: Workspace, champion: ModelVersion, rows: ModelRows) -> Opponent:
    """Return the champion ready to be compared. The test's answers are not looked at.

    Raises:
        UserError: if it answers another kind of question, or reads columns that are gone.
    """
    assert champion.bundle_location is not None
    bundle = open_bundle(workspace, champion.bundle_location)
    plan = FeaturePlan.from_json(bundle.plan)
    if champion.task != rows.task:
        raise _incomparable(champion, f"it answers a {champion.task} question, this description a {rows.task} one")
    tables = newest_tables(workspace, plan)
    _require_columns(champion, rows.plan.spine, plan.given, rows.spine.collect_schema().names())
    for lookup in plan.lookups:
        _require_columns(champion, lookup.table, lookup.columns, tables[lookup.table].collect_schema().names())
    features, computed = _own_features(plan, rows, tables)
    threshold = 0.5 if bundle.manifest.threshold is None else bundle.manifest.threshold
    fair = fair_rows(workspace, champion, _moments(rows)) if snapshot_of(champion.details) else None
    return Opponent(label(champion), bundle.artifact, features, threshold, computed, fair)


def _moments(rows: ModelRows) -> pl.DataFrame:
    """Return which rows are tested, when they were asked about, and when their answers became known."""
    test = rows.parts.rows(TEST)
    asked, known = rows.moments.real()
    return rows.spine_rows(TEST, [ARRIVAL_COLUMN]).with_columns(asked[test].alias(ASKED_AT), known[test].alias(KNOWN))


def _own_features(plan: FeaturePlan, rows: ModelRows, tables: Mapping[str, pl.LazyFrame]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return a champion's features of the test rows. Where the others were logged its own are the same ones, as far as it has the same;
    batch computes what is left, as of when each row was asked about, and that is told."""
    if rows.log is None:
        return compute(plan, rows.spine_rows(TEST, [*plan.given, ARRIVAL_COLUMN]).lazy(), tables), ()
    mine, theirs = feature_meanings(rows.plan), feature_meanings(plan)
    logged = rows.features[rows.parts.rows(TEST)].select(name for name, meaning in theirs.items() if mine.get(name) == meaning)
    computed = tuple(name for name in plan.types if name not in logged.columns)
    if not computed:
        return logged, ()
    asked = rows.spine_rows(TEST, [*plan.given, ARRIVAL_COLUMN, SERVED_AS_OF]).rename({SERVED_AS_OF: ASKED})
    return compute(asked_with_moments(plan), asked.lazy(), tables).with_columns(logged.get_columns()), computed


def against_champion(model: Model, best: Trained, opponent: Opponent, rows: ModelRows, how: How) -> Compared:
    """Return by how much the scores are better than the champion's on the model's metric; each may know classes that the other does not."""
    classes = tuple(dict.fromkeys((*best.artifact.classes, *opponent.artifact.classes)))
    test = rows.parts.rows(TEST)
    mine = score_rows(best.artifact, rows.features[test], rows.target[test], best.threshold, classes)
    theirs = score_rows(opponent.artifact, opponent.features, rows.target[test], opponent.threshold, classes)
    fair = opponent.fair
    if fair is None:
        return Compared(compare(model.metric, mine, theirs, **how._asdict()))
    said = replace(theirs, scores=fair.scores(theirs.scores, opponent.artifact.classes, classes))
    mine, theirs = mine.take(fair.places), said.take(fair.places)
    return Compared(compare(model.metric, mine, theirs, **how._asdict()), support(model.metric, mine))


def _require_columns(champion: ModelVersion, table: str, needed: Iterable[str], present: Iterable[str]) -> None:
    gone = sorted(set(needed) - set(present))
    if gone:
        raise _incomparable(champion, f"it reads {', '.join(map(repr, gone))} of {table!r}, which is gone")


def _incomparable(champion: ModelVersion, reason: str) -> UserError:
    return UserError(
        f"{label(champion)} serves, and cannot be compared with: {reason}.",
        remedy="Undo that until a version that does without serves; or give the model another name, which starts anew.",
    )


def newest_tables(workspace: Workspace, plan: FeaturePlan) -> dict[str, pl.LazyFrame]:
    """Return the newest version of every table that a plan looks into, in order of arrival."""
    lake = lake_of(workspace)
    return {name: lake.tables.scan(name, version) for name, version in newest_versions(workspace, plan).items()}


def newest_versions(workspace: Workspace, plan: FeaturePlan) -> dict[str, int]:
    """Return the number of the newest version of each of those tables that is there."""
    with workspace.ledger.read() as session:
        versions = {name: ledger_tables.latest(session, workspace.project.name, name) for name in plan.tables}
    return {name: version.version for name, version in versions.items() if version is not None}
