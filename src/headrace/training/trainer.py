"""What every kind of candidate offers to tuning."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol

from headrace.models.artifact import Artifact
from headrace.training.budget import Budget
from headrace.training.dataset import Dataset

Parameters = Mapping[str, float | int]
Progress = Callable[[float, str], None]
"""Takes the share done, 0 to 1, and a line for people."""


class Trainer(Protocol):
    """Fits one kind of model to one dataset, again and again. Made once a search, so that what trials share is computed once."""

    defaults: ClassVar[Parameters]
    """Where a search starts."""
    memory: bytes
    """What a trial leaves to the next, which may start from it; settable."""

    def __init__(self, dataset: Dataset, seed: int, threads: int) -> None:
        """Get ready to fit models to these rows."""
        ...

    def fit(self, parameters: Parameters, budget: Budget, progress: Progress) -> Artifact:
        """Return a fitted model: the same for the same arguments, unless the budget is spent; then early, with the best so far."""
        ...
