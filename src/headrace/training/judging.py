"""What a trial is made by and judged by: the trainer of its candidate, and the model's metric on validation."""

import msgspec
import numpy as np

from headrace.models.artifact import Artifact
from headrace.models.lightgbm_library import let_waiting_threads_sleep
from headrace.models.predictor import load_predictor
from headrace.spec.candidates import Baseline, Candidate, HoeffdingTree, Logistic, OnlineLogistic, Outcomes, Ridge
from headrace.spec.metrics import BINARY
from headrace.training.dataset import Dataset
from headrace.training.errors import UnsuitableTarget
from headrace.training.evaluation import ScoredRows
from headrace.training.thresholds import Threshold, choose_threshold
from headrace.training.trainer import Trainer


class Judging(msgspec.Struct, frozen=True):
    """What decides a candidate's trials beside its rows and its parameters."""

    candidate: Candidate
    metric: str
    costs: Outcomes | None
    seed: int
    threads: int

    def trainer_kind(self) -> type[Trainer]:
        """Return the class of the candidate's trainer."""
        # LightGBM takes 1.5 s to import and SciPy 0.3 s; each is loaded by the step that trains with it.
        if isinstance(self.candidate, Baseline):
            from headrace.training.baseline import BaselineTrainer

            return BaselineTrainer
        if isinstance(self.candidate, Logistic | Ridge):
            from headrace.training.linear import LogisticTrainer, RidgeTrainer

            return LogisticTrainer if isinstance(self.candidate, Logistic) else RidgeTrainer
        if isinstance(self.candidate, OnlineLogistic | HoeffdingTree):
            from headrace.training.online.trainer import HoeffdingTrainer, OnlineLogisticTrainer

            return OnlineLogisticTrainer if isinstance(self.candidate, OnlineLogistic) else HoeffdingTrainer
        let_waiting_threads_sleep()
        from headrace.training.boosting import BoostingTrainer

        return BoostingTrainer

    def trainer(self, dataset: Dataset) -> Trainer:
        """Return the candidate's trainer of these rows."""
        return self.trainer_kind()(dataset, self.seed, self.threads)

    def judge(self, dataset: Dataset, artifact: Artifact) -> float:
        """Return the metric of an artifact on the validation rows.

        Raises:
            UnsuitableTarget: if it is undefined there.
        """
        rows, _ = with_threshold(self.costs, validation_rows(dataset, artifact))
        value = rows.measure(self.metric)(np.ones(len(rows.target)))
        if value != value:
            remedy = "Choose another metric, or make the validation part larger."
            raise UnsuitableTarget(f"{self.metric} is undefined on the {len(rows.target)} validation rows.", remedy=remedy)
        return value


def validation_rows(dataset: Dataset, artifact: Artifact) -> ScoredRows:
    """Score the validation rows through the predictor that serves."""
    scores = load_predictor(artifact).scores(dataset.validation.matrix)
    return ScoredRows(task=dataset.task, target=dataset.validation.target, scores=scores)


def with_threshold(costs: Outcomes | None, rows: ScoredRows) -> tuple[ScoredRows, float | None]:
    """Return the rows with the threshold that costs least, and what a decision costs then; as they are without costs."""
    if costs is None or rows.task != BINARY:
        return rows, None
    chosen: Threshold = choose_threshold(rows.target, rows.scores, costs)
    return ScoredRows(task=rows.task, target=rows.target, scores=rows.scores, threshold=chosen.value), chosen.mean_cost
