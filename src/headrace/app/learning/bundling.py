"""The bundle of a snapshot: that of the version it began from, with what was learnt since."""

import numpy as np

from headrace.app.card import measured_fact, threshold_text, tried
from headrace.app.learning.work import Work
from headrace.app.models import label
from headrace.app.steps.bundling import keep_bundle
from headrace.bundles.card import CardFacts, DataUsed, render_card
from headrace.bundles.parts import BundleParts, Golden
from headrace.bundles.profiles import reference_profile
from headrace.core.units import counted
from headrace.engine.graph import Output, StepContext
from headrace.ledger import evaluations, models
from headrace.ledger.models import ModelVersion
from headrace.ledger.session import Session
from headrace.models.predictor import load_predictor, score_frame
from headrace.training.online.measured import PROGRESSIVE


def bundle(work: Work, context: StepContext) -> Output:
    """Write and sign everything that the version needs to be served anywhere."""
    evaluated = context.inputs[f"evaluate:{work.model.name}"]
    with work.workspace.ledger.read() as session:
        version = models.get(session, evaluated["version"])
        facts = _card_facts(session, work, version)
    began, artifact = work.bundle, work.artifact
    profile = began.profile
    if work.features.height:
        profile = reference_profile(work.features, score_frame(artifact, work.features), artifact.classes)
    parts = BundleParts(
        project=version.project,
        model=version.model,
        version=str(version.number),
        artifact=artifact,
        plan=began.plan,
        given=began.manifest.given,
        features=began.manifest.features,
        golden=_golden(work),
        card=render_card(facts),
        threshold=began.manifest.threshold,
        profile=profile,
        fingerprints={"training": version.fingerprint, "began_from": began.fingerprint},
    )
    return keep_bundle(work.workspace, version, parts)


def _golden(work: Work) -> Golden:
    """Return the golden rows of the version it began from, with what this one says of them."""
    rows, encode = work.bundle.golden.rows, work.bundle.encoder.encode_row
    return Golden(rows, load_predictor(work.artifact).scores(np.stack([encode(row) for row in rows])))


def _card_facts(session: Session, work: Work, version: ModelVersion) -> CardFacts:
    model, snapshot, parent = work.model, work.snapshot, work.parent
    measured = next(each for each in evaluations.of_version(session, version.id) if each.split == PROGRESSIVE)
    asked = f", asked as of {model.features.as_of}" if model.features.as_of is not None else ""
    learnt = f"events before {snapshot.clock:%Y-%m-%d %H:%M:%S} UTC"
    return CardFacts(
        project=version.project, model=model.name, version=label(version), task=version.task,
        purpose=f"Predicts {model.target} for a row of {model.features.spine.name}{asked}.",
        data=[DataUsed(table.name, table.accepted, table.fingerprint[:16]) for table in models.table_versions(session, version.id)],
        split=[DataUsed("learnt", snapshot.learned, learnt), DataUsed("asked before they were learnt", measured.rows, "the test")],
        candidates=[tried(facts, parent) for facts in parent.details["candidates"]],
        metrics=[measured_fact(metric) for metric in measured.metrics if metric.value is not None],
        looks=measured.details["look"], given=[f"{field.name} ({field.dtype})" for field in work.bundle.manifest.given],
        features=[f"{name} = {value}" for name, value in model.features.values.items()],
        threshold=threshold_text(model, parent),
        limits=[
            f"Learnt row by row in a stream, going on from {label(parent)}; the candidates are those of {label(parent)}.",
            f"{counted(snapshot.unasked, 'row')} since the snapshot before it was not asked about: they are not in the test.",
        ],
    )  # fmt: skip
