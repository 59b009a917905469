"""Learners taken up again from what they left."""

from headrace.models.artifact import Artifact
from headrace.spec.candidates import OnlineLogistic
from headrace.training.errors import LearnerNeedsExtra
from headrace.training.online.learner import Learner
from headrace.training.online.logistic import LogisticLearner


def restored(candidate: str, artifact: Artifact) -> Learner:
    """Return the learner that left an artifact, ready to go on; `candidate` is the name of its kind.

    Raises:
        BrokenArtifact: if the artifact does not hold one.
        LearnerNeedsExtra: if the library that it takes is not installed.
    """
    if candidate == OnlineLogistic().name:
        return LogisticLearner.restored(artifact)
    try:
        from headrace.training.online.tree import HoeffdingLearner  # River is an extra
    except ModuleNotFoundError as error:
        raise LearnerNeedsExtra("hr.HoeffdingTree()", "River", "online") from error
    return HoeffdingLearner.restored(artifact)
