"""Logistic, multinomial and ridge regression on a sparse design.

The objective is scikit-learn's (and LIBLINEAR's), minimised by SciPy's L-BFGS, which can be stopped between iterations when the budget
is spent.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, special

from headrace.models.artifact import Artifact
from headrace.training.budget import Budget
from headrace.training.dataset import Dataset
from headrace.training.linear_design import learn_design
from headrace.training.trainer import Parameters, Progress

Floats = NDArray[np.float64]
_MOST_ITERATIONS = 300
_GRADIENT = 1e-4  # as scikit-learn; a tenth of it took five times the iterations on the flights for the same score


class LogisticTrainer:
    """Minimises C times the summed log-loss plus half the squared weights; the intercept is free. Trials start where the last one ended."""

    defaults: ClassVar[Parameters] = {"c": 1.0}

    def __init__(self, dataset: Dataset, seed: int = 0, threads: int = 1) -> None:  # noqa: ARG002 - nothing is drawn
        self._dataset = dataset
        self._design = learn_design(dataset.columns, dataset.train.matrix)
        self._outputs = len(dataset.classes) if dataset.task == "multiclass" else 1
        codes = dataset.train.target.astype(np.int64)
        self._labels = np.eye(self._outputs)[codes] if self._outputs > 1 else dataset.train.target[:, None]
        self._shape = (self._design.matrix.shape[1] + 1, self._outputs)
        self._start = np.zeros(self._shape[0] * self._outputs)

    @property
    def memory(self) -> bytes:
        """See `Trainer.memory`: the weights that the last trial found."""
        return self._start.tobytes()

    @memory.setter
    def memory(self, left: bytes) -> None:
        self._start = np.frombuffer(left, np.float64).copy()

    def fit(self, parameters: Parameters, budget: Budget, progress: Progress) -> Artifact:
        """See `Trainer.fit`."""
        iterations = 0

        def after_iteration(intermediate_result: optimize.OptimizeResult) -> None:
            nonlocal iterations
            iterations += 1
            progress(iterations / _MOST_ITERATIONS, f"iteration {iterations}: loss {intermediate_result.fun:.5f}")
            if budget.spent():
                raise StopIteration

        penalty = 1.0 / (parameters["c"] * len(self._labels))
        found = optimize.minimize(
            self._objective, self._start, args=(penalty,), jac=True, method="L-BFGS-B", callback=after_iteration,
            options={"maxiter": _MOST_ITERATIONS, "gtol": _GRADIENT, "ftol": 1e-12},
        )  # fmt: skip
        self._start = found.x
        weights = found.x.reshape(self._shape)
        files = self._design.files(weights[:-1], weights[-1])
        return self._dataset.artifact("linear", files, {**parameters, "iterations": iterations, "trained_rows": len(self._labels)})

    def _objective(self, flat: Floats, penalty: float) -> tuple[float, Floats]:
        """Return the mean loss with its penalty, and the gradient."""
        weights = flat.reshape(self._shape)
        matrix, labels = self._design.matrix, self._labels
        raw = matrix @ weights[:-1] + weights[-1]
        if self._outputs == 1:
            loss, probability = np.logaddexp(0.0, raw) - labels * raw, special.expit(raw)
        else:
            log_probability = special.log_softmax(raw, axis=1)
            loss, probability = -labels * log_probability, np.exp(log_probability)
        error = (probability - labels) / len(labels)
        gradient = np.vstack((matrix.T @ error + penalty * weights[:-1], error.sum(axis=0)))
        return float(loss.sum() / len(labels) + 0.5 * penalty * (weights[:-1] ** 2).sum()), gradient.ravel()


class RidgeTrainer:
    """Minimises the squared error plus alpha times the squared weights (Hoerl & Kennard, 1970), by normal equations that trials share."""

    defaults: ClassVar[Parameters] = {"alpha": 1.0}
    memory = b""

    def __init__(self, dataset: Dataset, seed: int = 0, threads: int = 1) -> None:  # noqa: ARG002 - nothing is drawn
        self._dataset = dataset
        self._design = learn_design(dataset.columns, dataset.train.matrix)
        matrix, target, means = self._design.matrix, dataset.train.target, self._design.means
        self._mean = float(target.mean())
        self._gram = (matrix.T @ matrix).toarray() - len(target) * np.outer(means, means)
        self._moment = matrix.T @ (target - self._mean)

    def fit(self, parameters: Parameters, budget: Budget, progress: Progress) -> Artifact:  # noqa: ARG002 - it is done at once
        """See `Trainer.fit`."""
        penalised = self._gram + parameters["alpha"] * np.eye(len(self._gram))
        # Without a penalty, columns that say the same leave no single solution: the smallest one is taken.
        weights = linalg.solve(penalised, self._moment, assume_a="pos") if parameters["alpha"] else linalg.lstsq(penalised, self._moment)[0]
        intercept = self._mean - float(self._design.means @ weights)
        files = self._design.files(weights[:, None], np.array([intercept]))
        return self._dataset.artifact("linear", files, {**parameters, "trained_rows": len(self._dataset.train.target)})
