"""The facts of a model card, from the description and the ledger."""

from collections.abc import Mapping
from typing import Any

from headrace.app.models import label
from headrace.app.steps.training import ModelRows
from headrace.bundles.card import CandidateTried, CardFacts, DataUsed, Measured
from headrace.core.units import counted
from headrace.ledger import evaluations, models
from headrace.ledger.evaluations import Metric
from headrace.ledger.models import ModelVersion
from headrace.ledger.session import Session
from headrace.spec.model import Model
from headrace.spec.project import Project
from headrace.training.splits import PARTS

LEFT_OUT = {
    "target_null": "the target is null",
    "target_not_finite": "the target is not a finite number",
    "time_null": "the time is null",
    "target_known_before_the_question": "the target was known before the question",
    "purged": "too near the boundary of the next part",
    "target_not_known": "the target was not known at the boundary of the next part",
}


def card_facts(
    session: Session, project: Project, model: Model, version: ModelVersion, evaluated: Mapping[str, Any], rows: ModelRows
) -> CardFacts:
    """Return what the card of a version tells."""
    measured = evaluations.of_version(session, version.id)
    test = next(each for each in measured if each.split == "test")
    asked = f", asked as of {model.features.as_of}" if model.features.as_of is not None else ""
    asked = asked if rows.log is None else ", asked as of when it was served"
    left_out = [
        f"{counted(count, 'row is', 'rows are')} in no part: {LEFT_OUT[reason]}." for reason, count in evaluated["left_out"].items()
    ]
    if rows.log is not None:
        left_out += [
            f"{counted(count, 'logged prediction is', 'logged predictions are')} left out: {why}."
            for why, count in rows.log.left_out.items()
        ]
    return CardFacts(
        project=project.name, model=model.name, version=label(version), task=version.task,
        purpose=f"Predicts {model.target} for a row of {model.features.spine.name}{asked}.",
        # Not the version's number: it counts what this home wrote, attempts that were killed too; the fingerprint is the same anywhere.
        data=[*(DataUsed(table.name, table.accepted, table.fingerprint[:16]) for table in models.table_versions(session, version.id)),
              *([DataUsed("features as they were served", rows.log.rows, f"version {rows.log.version} of the log of predictions")]
                if rows.log else [])],
        split=[DataUsed(name, evaluated["parts"][name]) for name in PARTS],
        candidates=[tried(facts, version) for facts in version.details["candidates"]],
        metrics=[measured_fact(metric) for metric in test.metrics if metric.value is not None],
        looks=evaluated["evidence"]["look"], given=[f"{name} ({kind})" for name, kind in rows.plan.given.items()],
        features=[f"{name} = {value}" for name, value in model.features.values.items()],
        threshold=threshold_text(model, version), limits=left_out,
    )  # fmt: skip


def tried(facts: Mapping[str, Any], version: ModelVersion) -> CandidateTried:
    """Return a candidate of a version from what its details say."""
    measured = facts["measured"]
    value = float("nan") if measured["value"] is None else measured["value"]
    return CandidateTried(
        facts["name"], Measured(version.details["metric"], value, measured["low"], measured["high"]), facts["name"] == version.candidate
    )


def measured_fact(metric: Metric) -> Measured:
    """Return a metric as a card tells it."""
    assert metric.value is not None
    return Measured(metric.name, metric.value, metric.low, metric.high)


def threshold_text(model: Model, version: ModelVersion) -> str:
    """Return where a version decides, and why there."""
    threshold = version.details["threshold"]
    if threshold is None:
        return ""
    costs = model.costs
    why = (
        f", which costs least on the validation rows when a miss costs {costs.false_negative:g} and a false alarm {costs.false_positive:g}"
        if costs
        else ""
    )
    return f"Yes from a score of {threshold:.6g}{why}."
