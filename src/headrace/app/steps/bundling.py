"""The bundle: everything that a version needs to be served anywhere, signed."""

from headrace.app.card import card_facts
from headrace.app.lifecycle import Job
from headrace.app.models import label
from headrace.app.scratch import scratch
from headrace.app.steps.training import load_candidates, model_rows
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.bundles.card import render_card
from headrace.bundles.golden import ROWS as GOLDEN_ROWS
from headrace.bundles.keys import load_or_create_signing_key
from headrace.bundles.manifest import FeatureField, GivenField
from headrace.bundles.parts import BundleParts, Golden
from headrace.bundles.profiles import reference_profile
from headrace.bundles.writing import write_bundle, zip_bundle
from headrace.core.units import counted
from headrace.engine.graph import Output, StepContext
from headrace.ledger import models
from headrace.ledger.models import ModelVersion
from headrace.models.predictor import score_frame
from headrace.training.splits import TEST, TRAIN


def bundle(job: Job, context: StepContext) -> Output:
    """Write and sign everything that the version needs to be served anywhere."""
    model, workspace = job.model, job.workspace
    assert model is not None
    evaluated = context.inputs[f"evaluate:{model.name}"]
    rows = model_rows(workspace, model, context.inputs)
    best = next(each for each in load_candidates(workspace, model, context.inputs) if each.candidate == evaluated["candidate"])
    given = tuple(GivenField(name, kind, name in rows.plan.personal) for name, kind in rows.plan.given.items())
    golden = rows.features[rows.parts.rows(TEST)].head(GOLDEN_ROWS)
    train = rows.features[rows.parts.rows(TRAIN)]
    with workspace.ledger.read() as session:
        version = models.get(session, evaluated["version"])
        facts = card_facts(session, workspace.project, model, version, evaluated, rows)
    parts = BundleParts(
        project=workspace.project.name,
        model=model.name,
        version=str(evaluated["number"]),
        artifact=best.artifact,
        plan=rows.plan.to_json(),
        given=given,
        features=tuple(FeatureField(name, kind) for name, kind in rows.plan.types.items()),
        golden=Golden(golden.to_dicts(), score_frame(best.artifact, golden)),
        card=render_card(facts),
        threshold=best.threshold if rows.task == "binary" else None,
        profile=reference_profile(train, score_frame(best.artifact, train), best.artifact.classes),
        fingerprints={"training": version.fingerprint, "plan": job.fingerprint},
    )
    return keep_bundle(workspace, version, parts)


def keep_bundle(workspace: Workspace, version: ModelVersion, parts: BundleParts) -> Output:
    """Write, sign and keep a version's bundle."""
    with scratch(workspace.settings.home) as folder:
        fingerprint = write_bundle(folder / "bundle", parts, load_or_create_signing_key(workspace.settings.keys))
        zip_bundle(folder / "bundle", folder / "bundle.zip")
        data = (folder / "bundle.zip").read_bytes()
    blob = lake_of(workspace).blobs.put(data)
    with workspace.ledger.write(workspace.identity.name, "model.bundle") as session:
        models.attach_bundle(session, version.id, fingerprint, blob)
    return {
        "version": version.id,
        "blob": blob,
        "fingerprint": fingerprint,
        "summary": f"{label(version)} signed, {len(data) / 1024:,.0f} KiB, {counted(len(parts.golden.rows), 'golden row')}",
    }
