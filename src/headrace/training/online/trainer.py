"""Online candidates as tuning takes them: a trial is one pass over the training rows, each asked about before it is learnt."""

from collections.abc import Callable
from typing import ClassVar

import msgspec

from headrace.models.artifact import Artifact
from headrace.spec.metrics import MULTICLASS
from headrace.training.budget import Budget
from headrace.training.dataset import Dataset
from headrace.training.errors import LearnerNeedsExtra
from headrace.training.online.learner import Learner
from headrace.training.online.logistic import FAMILY as LINEAR
from headrace.training.online.logistic import LogisticLearner
from headrace.training.online.measured import PROGRESSIVE
from headrace.training.online.progressive import Lessons, learn_rows, measure
from headrace.training.trainer import Parameters, Progress

_LOOK_UP = 500
"""Rows between looks at the budget."""


class _OnlineTrainer:
    """Fits one learner; a budget that is spent ends the lessons."""

    family: ClassVar[str]
    memory = b""

    def __init__(self, dataset: Dataset, seed: int = 0, threads: int = 1) -> None:  # noqa: ARG002 - nothing is drawn
        self._dataset = dataset
        self._lessons = Lessons(len(dataset.train.target), dataset.moments)

    def learner(self, parameters: Parameters) -> Learner:
        """Return one that has learnt nothing."""
        raise NotImplementedError  # each family does

    @property
    def _outputs(self) -> int:
        """How many scores a row has: one a class, or one for yes or no."""
        return len(self._dataset.classes) if self._dataset.task == MULTICLASS else 1

    def fit(self, parameters: Parameters, budget: Budget, progress: Progress) -> Artifact:
        """See `Trainer.fit`."""
        data, learner = self._dataset, self.learner(parameters)
        asked, scores = learn_rows(learner, data.train, self._lessons, _while(budget, progress, len(data.train.target)))
        found = measure(data.task, data.train, self._lessons, asked, scores)
        details = {**parameters, "trained_rows": learner.learned, PROGRESSIVE: msgspec.to_builtins(found)}
        return data.artifact(self.family, learner.files(), details)


class OnlineLogisticTrainer(_OnlineTrainer):
    """Logistic regression by event."""

    family = LINEAR
    defaults: ClassVar[Parameters] = {"learning_rate": 0.02, "l2": 1.0}

    def learner(self, parameters: Parameters) -> Learner:
        """See `_OnlineTrainer.learner`."""
        return LogisticLearner.new(self._dataset.columns, self._outputs, parameters)


class HoeffdingTrainer(_OnlineTrainer):
    """Hoeffding trees."""

    family = "hoeffding_tree"
    defaults: ClassVar[Parameters] = {"grace_period": 200, "delta": 1e-7, "tau": 0.05, "max_depth": 20}

    def learner(self, parameters: Parameters) -> Learner:
        """See `_OnlineTrainer.learner`.

        Raises:
            LearnerNeedsExtra: if River is not installed.
        """
        try:
            from headrace.training.online.tree import HoeffdingLearner  # River is an extra
        except ModuleNotFoundError as error:
            raise LearnerNeedsExtra("hr.HoeffdingTree()", "River", "online") from error
        return HoeffdingLearner.new(self._dataset.columns, self._outputs, parameters)


def _while(budget: Budget, progress: Progress, rows: int) -> Callable[[int], bool]:
    """Return what tells of the rows learnt, and says when to stop: at least a first few are learnt."""

    def go_on(learned: int) -> bool:
        if learned % _LOOK_UP:
            return True
        progress(learned / rows, f"row {learned:,} of {rows:,}")
        return not budget.spent()

    return go_on
