"""Train one candidate, and choose among those trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl

from headrace.models.artifact import FAMILIES, Artifact
from headrace.models.lightgbm_library import let_waiting_threads_sleep
from headrace.models.predictor import load_predictor
from headrace.spec.candidates import Baseline, Candidate, Logistic, Outcomes, Ridge
from headrace.spec.metrics import BINARY, METRICS
from headrace.training.budget import Budget, Caps
from headrace.training.dataset import Dataset, build_dataset
from headrace.training.errors import UnsuitableTarget
from headrace.training.evaluation import Evaluation, ScoredRows, evaluate
from headrace.training.splits import Parts
from headrace.training.thresholds import Threshold, choose_threshold
from headrace.training.trainer import Progress, Trainer
from headrace.training.trial import Trial


def silent(share: float, line: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """One candidate to train.

    `features`, `target` and `parts` are as long as the spine, in one order; a part's rows have a target. `metric` and `costs` are the
    model's. `cpu_seconds` is the clock that the cap on cost is held to.
    """

    candidate: Candidate
    task: str
    metric: str
    features: pl.DataFrame
    target: pl.Series
    parts: Parts
    caps: Caps
    seed: int
    costs: Outcomes | None = None
    threads: int = 2
    progress: Progress = silent
    cpu_seconds: Callable[[], float] | None = None


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate at its best.

    `validation` is measured on the rows that parameters, rounds and threshold were chosen on: good for choosing, too good to promise.
    `mean_cost` is what a decision costs there, by the model's `costs`. `stopped_by` is the cap that ended the search.
    """

    candidate: str
    artifact: Artifact
    threshold: float
    mean_cost: float | None
    validation: Evaluation
    trials: tuple[Trial, ...]
    stopped_by: str
    seconds: float
    cpu_seconds: float


def train_candidate(request: TrainRequest) -> Trained:
    """Search one candidate's parameters on the train rows, judged on the validation rows; the test rows are not read.

    The same request gives the same artifact, byte for byte, on one machine, unless a cap on time or cost cut the search. There is no
    refit on train and validation together: the model that was judged is the model that is kept.

    Raises:
        UnsuitableFeature: for a feature that models do not take.
        UnsuitableTarget: if the target does not fit the task, or the metric is undefined on the validation rows.
    """
    # Optuna takes 0.3 s to import; a run that trains nothing does without.
    from headrace.training.tuning import Search, search

    budget = Budget(request.caps, request.cpu_seconds) if request.cpu_seconds else Budget(request.caps)
    dataset = build_dataset(request.task, request.features, request.target, request.parts)
    trainer = _trainer(request, dataset)
    found = search(
        Search(
            candidate=request.candidate, trainer=trainer, judge=lambda artifact: _judge(request, dataset, artifact), caps=request.caps,
            higher_is_better=METRICS[request.metric].higher_is_better, budget=budget, seed=request.seed, progress=request.progress,
        )
    )  # fmt: skip
    rows, cost = _with_threshold(request.costs, validation_rows(dataset, found.artifact))
    return Trained(
        candidate=request.candidate.name, artifact=found.artifact, threshold=rows.threshold, mean_cost=cost, trials=found.trials,
        validation=evaluate(rows, seed=request.seed), stopped_by=found.stopped_by, seconds=budget.seconds, cpu_seconds=budget.cpu_seconds,
    )  # fmt: skip


def choose(metric: str, trained: Sequence[Trained]) -> Trained:
    """Return the candidate that is best on validation by the metric; of equals the simplest family, then the first."""
    sign = -1.0 if METRICS[metric].higher_is_better else 1.0

    def rank(each: Trained) -> tuple[float, int]:
        value = each.validation.metrics[metric].value
        return (np.inf if value is None else sign * value), FAMILIES.index(each.artifact.family)

    return min(trained, key=rank)


def validation_rows(dataset: Dataset, artifact: Artifact) -> ScoredRows:
    """Score the validation rows through the predictor that serves."""
    scores = load_predictor(artifact).scores(dataset.validation.matrix)
    return ScoredRows(task=dataset.task, target=dataset.validation.target, scores=scores)


def _judge(request: TrainRequest, dataset: Dataset, artifact: Artifact) -> float:
    rows, _ = _with_threshold(request.costs, validation_rows(dataset, artifact))
    value = rows.measure(request.metric)(np.ones(len(rows.target)))
    if value != value:
        remedy = "Choose another metric, or make the validation part larger."
        raise UnsuitableTarget(f"{request.metric} is undefined on the {len(rows.target)} validation rows.", remedy=remedy)
    return value


def _with_threshold(costs: Outcomes | None, rows: ScoredRows) -> tuple[ScoredRows, float | None]:
    if costs is None or rows.task != BINARY:
        return rows, None
    chosen: Threshold = choose_threshold(rows.target, rows.scores, costs)
    return ScoredRows(task=rows.task, target=rows.target, scores=rows.scores, threshold=chosen.value), chosen.mean_cost


def _trainer(request: TrainRequest, dataset: Dataset) -> Trainer:
    # LightGBM takes 1.5 s to import and SciPy 0.3 s; each is loaded by the step that trains with it.
    if isinstance(request.candidate, Baseline):
        from headrace.training.baseline import BaselineTrainer

        return BaselineTrainer(dataset)
    if isinstance(request.candidate, Logistic | Ridge):
        from headrace.training.linear import LogisticTrainer, RidgeTrainer

        return LogisticTrainer(dataset) if isinstance(request.candidate, Logistic) else RidgeTrainer(dataset)
    let_waiting_threads_sleep()
    from headrace.training.boosting import BoostingTrainer

    return BoostingTrainer(dataset, request.seed, request.threads)
