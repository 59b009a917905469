"""Train one candidate, and choose among those trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import numpy as np
import polars as pl

from headrace.models.artifact import FAMILIES, Artifact
from headrace.spec.candidates import Candidate, Outcomes
from headrace.spec.metrics import METRICS
from headrace.training.budget import Budget, Caps
from headrace.training.dataset import build_dataset
from headrace.training.evaluation import Evaluation, evaluate, sample_here
from headrace.training.judging import Judging, validation_rows, with_threshold
from headrace.training.moments import Moments
from headrace.training.splits import Parts
from headrace.training.spread_sampling import SpreadSampler
from headrace.training.spreading import Spread
from headrace.training.trainer import Progress
from headrace.training.trial import Trial


def silent(share: float, line: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """One candidate to train.

    `features`, `target`, `parts` and `moments` are as long as the spine, in order of arrival; a part's rows have a target. `metric` and
    `costs` are the model's. `cpu_seconds` is the clock that the cap on cost is held to. `at_once` is that of `Tune`; `spread` shares the
    trials and the bootstrap out to an executor's tasks, else this process does them.
    """

    candidate: Candidate
    task: str
    metric: str
    features: pl.DataFrame
    target: pl.Series
    parts: Parts
    caps: Caps
    seed: int
    moments: Moments | None = None
    costs: Outcomes | None = None
    threads: int = 2
    progress: Progress = silent
    cpu_seconds: Callable[[], float] | None = None
    at_once: int = 1
    spread: Spread | None = None


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
    from headrace.training.spread_trials import SpreadWork
    from headrace.training.tuning import Search, WorkHere, search

    budget = Budget(request.caps, request.cpu_seconds) if request.cpu_seconds else Budget(request.caps)
    dataset = build_dataset(request.task, request.features, request.target, request.parts, request.moments)
    judging = Judging(request.candidate, request.metric, request.costs, request.seed, request.threads)
    spread = request.spread
    work = SpreadWork(spread, judging, dataset) if spread else WorkHere(judging.trainer(dataset), partial(judging.judge, dataset))
    found = search(
        Search(
            candidate=request.candidate, defaults=judging.trainer_kind().defaults, work=work, at_once=request.at_once, caps=request.caps,
            higher_is_better=METRICS[request.metric].higher_is_better, budget=budget, seed=request.seed, progress=request.progress,
        )
    )  # fmt: skip
    rows, cost = with_threshold(request.costs, validation_rows(dataset, found.artifact))
    sampler = SpreadSampler(spread.executor, spread.shared, lambda: request.progress(1.0, "bootstrap")) if spread else sample_here
    return Trained(
        candidate=request.candidate.name, artifact=found.artifact, threshold=rows.threshold, mean_cost=cost, trials=found.trials,
        validation=evaluate(rows, seed=request.seed, sampler=sampler), stopped_by=found.stopped_by,
        seconds=budget.seconds, cpu_seconds=budget.cpu_seconds,
    )  # fmt: skip


def choose(metric: str, trained: Sequence[Trained]) -> Trained:
    """Return the candidate that is best on validation by the metric; of equals the simplest family, then the first."""
    sign = -1.0 if METRICS[metric].higher_is_better else 1.0

    def rank(each: Trained) -> tuple[float, int]:
        value = each.validation.metrics[metric].value
        return (np.inf if value is None else sign * value), FAMILIES.index(each.artifact.family)

    return min(trained, key=rank)
