"""What learns by event, whichever kind it is."""

from typing import Protocol

from headrace.models.predictor import Score


class Learner(Protocol):
    """Learns one row after the other, and can be asked in between. Not thread safe; the same rows in the same order leave the same bytes.

    Rows are encoded (`headrace.models.encoder`); what a learner leaves in `files` is what its artifact needs to score, and what a
    learner that is made from it needs to go on as if it had never been put down.
    """

    @property
    def learned(self) -> int:
        """How many rows it has learnt."""
        ...

    def score(self, vector: list[float]) -> Score:
        """Return the score of a row, from what was learnt so far."""
        ...

    def learn(self, vector: list[float], target: float) -> None:
        """Learn a row and its answer: 0 or 1, or the code of its class."""
        ...

    def files(self) -> dict[str, bytes]:
        """Return the files of an artifact of what was learnt so far."""
        ...
