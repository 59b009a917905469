"""The version that a learner goes on from, and whether the description still means the same by it."""

from headrace.app.learning.facts import SNAPSHOT, TESTED_FROM, TRAINED_BEFORE, WHAT
from headrace.app.recorded_types import recorded_types
from headrace.app.workspace import Workspace
from headrace.features.plan import FeaturePlan, feature_meanings
from headrace.ledger import models
from headrace.ledger.models import APPROVED, AWAITING_APPROVAL, CHAMPION, REJECTED, RETIRED, ModelVersion
from headrace.spec.learning import BY_EVENT
from headrace.spec.model import Model

_PASSED = (AWAITING_APPROVAL, APPROVED, CHAMPION, RETIRED)
_FEW, _ALL = 100, 1_000_000
_LEARNERS = tuple(each().name for each in BY_EVENT)


def find_parent(workspace: Workspace, model: str) -> ModelVersion | None:
    """Return the newest version that a run trained, by a candidate that learns by event, and that passed its gates.

    Where none passed it is the newest that did not; None: there is none.
    """
    for limit in (_FEW, _ALL):
        with workspace.ledger.read() as session:
            versions = models.list_versions(session, workspace.project.name, model, limit=limit)
        trained = [each for each in versions if _is_trained(each)]
        passed = next((each for each in trained if each.state in _PASSED), None)
        if passed is not None:
            return passed
    return next((each for each in trained if each.state == REJECTED), None)


def is_described(workspace: Workspace, model: Model, plan: FeaturePlan, version: ModelVersion) -> bool:
    """Tell whether the description means the features and the target of a version, as far as the columns of its tables are known."""
    types = recorded_types(workspace)
    if any(table.name not in types for table in model.features.tables()):
        return False
    described = FeaturePlan.build(model.features, types[model.features.spine.name], types)
    return _meaning(described) == _meaning(plan) and str(model.target) == version.details[WHAT]


def _is_trained(version: ModelVersion) -> bool:
    said = version.details.keys()
    known = said >= {TRAINED_BEFORE, TESTED_FROM, WHAT} and SNAPSHOT not in said
    return known and version.candidate in _LEARNERS and version.bundle_location is not None


def _meaning(plan: FeaturePlan) -> tuple[object, ...]:
    return list(feature_meanings(plan).items()), plan.as_of, plan.spine
