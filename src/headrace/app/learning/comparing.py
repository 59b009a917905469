"""A snapshot against the baseline and the champion, on questions of which neither had learnt the answer."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from headrace.app.bundles import open_bundle
from headrace.app.learning.facts import CONSTANTS
from headrace.app.learning.fairness import fair_rows
from headrace.app.learning.snapshot import TARGET
from headrace.app.learning.work import Work
from headrace.app.models import label
from headrace.app.steps.comparing import How
from headrace.bundles.reading import Bundle
from headrace.core.errors import HeadraceError
from headrace.features.plan import FeaturePlan, feature_meanings
from headrace.ledger.models import ModelVersion
from headrace.spec.metrics import MULTICLASS
from headrace.stats.bootstrap import Interval
from headrace.training.evaluation import ScoredRows, among, compare, score_rows, support


class Compared(NamedTuple):
    """By how much a snapshot is better than an opponent, and on how many rows that rests; or why that is not known."""

    difference: Interval | None
    support: int = 0
    why_not: str = ""


def against_baseline(work: Work, how: How) -> Compared:
    """Compare with what the baseline scores every row that was trained beside the version that the learner began from."""
    constants, scored = work.parent.details.get(CONSTANTS), work.scored
    if constants is None:
        return Compared(None, why_not=f"{label(work.parent)}, from which it began, does not say what its baseline scores")
    said, rows = np.array(constants["scores"], dtype=np.float64), len(scored.target)
    scores = np.tile(said, (rows, 1)) if scored.task == MULTICLASS else np.full(rows, said[0])
    return _compared(work, scored, replace(scored, scores=scores, threshold=constants["threshold"]), how)


def against_champion(work: Work, champion: ModelVersion, how: How) -> Compared:
    """Compare with the champion: on the questions that it may be asked, from the same features."""
    assert champion.bundle_location is not None
    try:
        bundle = open_bundle(work.workspace, champion.bundle_location)
    except HeadraceError as error:  # whatever keeps it from being read: a snapshot is a version all the same, and its gate says why not
        return Compared(None, why_not=f"{label(champion)} cannot be read: {error.problem}")
    other = _other_question(work, bundle)
    if other:
        return Compared(None, why_not=f"{label(champion)} {other}")
    fair = fair_rows(work.workspace, champion, work.questions)
    classes = tuple(dict.fromkeys((*work.artifact.classes, *bundle.artifact.classes)))
    mine, theirs = _both(work, bundle, classes)
    said = replace(theirs, scores=fair.scores(theirs.scores, bundle.artifact.classes, classes))
    return _compared(work, mine.take(fair.places), said.take(fair.places), how)


def _other_question(work: Work, champion: Bundle) -> str:
    """Return why a champion cannot answer from these features, or nothing."""
    if champion.manifest.task != work.artifact.task:
        return f"answers a {champion.manifest.task} question, this one a {work.artifact.task} one"
    mine, theirs = feature_meanings(work.plan), feature_meanings(FeaturePlan.from_json(champion.plan))
    other = sorted(name for name, meaning in theirs.items() if mine.get(name) != meaning)
    return f"reads features that are not among these: {', '.join(other)}" if other else ""


def _both(work: Work, champion: Bundle, classes: tuple[str, ...]) -> tuple[ScoredRows, ScoredRows]:
    """Return what both say of the questions; each may know classes that the other does not."""
    threshold = 0.5 if champion.manifest.threshold is None else champion.manifest.threshold
    opponent = score_rows(champion.artifact, work.features, work.questions[TARGET], threshold, classes)
    scores = among(work.scored.scores, work.artifact.classes, classes) if work.scored.task == MULTICLASS else work.scored.scores
    return replace(opponent, scores=scores, threshold=work.threshold), opponent


def _compared(work: Work, mine: ScoredRows, theirs: ScoredRows, how: How) -> Compared:
    return Compared(compare(work.model.metric, mine, theirs, **how._asdict()), support(work.model.metric, mine))
