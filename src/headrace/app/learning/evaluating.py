"""What a snapshot is worth: each of its questions was answered before its answer was learnt, so they are looked at once, like a test."""

from collections.abc import Mapping

import msgspec

from headrace.app.learning.comparing import Compared, against_baseline, against_champion
from headrace.app.learning.facts import SNAPSHOT, SnapshotFacts
from headrace.app.learning.snapshot import TARGET
from headrace.app.learning.work import Work
from headrace.app.models import label
from headrace.app.steps.comparing import How
from headrace.app.steps.evaluating import encode_evidence, interval_text, ledger_metrics, slice_metrics
from headrace.app.store import lake_of
from headrace.core.units import counted
from headrace.engine.graph import Output, StepContext
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.ledger import evaluations, models
from headrace.ledger import tables as ledger_tables
from headrace.ledger.evaluations import NewEvaluation
from headrace.ledger.models import ModelVersion, NewModelVersion
from headrace.ledger.session import Session
from headrace.rollout.evidence import Evidence, SliceMetric
from headrace.spec.gate import Beats, Slices
from headrace.spec.tables import with_parents
from headrace.stats.bootstrap import Interval, bonferroni_level
from headrace.training.evaluation import evaluate as evaluate_rows
from headrace.training.evaluation import sample_here, support
from headrace.training.looks import test_rows_fingerprint
from headrace.training.online.measured import PROGRESSIVE


def evaluate(work: Work, context: StepContext) -> Output:
    """Register the snapshot as a version and measure it on its questions."""
    model, asked, scored = work.model, work.questions, work.scored
    seen = test_rows_fingerprint(
        asked[ARRIVAL_COLUMN], asked[TARGET], work.workspace.project.name, model.features.spine.name, str(model.target)
    )
    questions = lake_of(work.workspace).blobs.put(work.snapshot.questions)
    version, look = _look(work, context.run_id, questions, seen)
    how = How(work.seed, bonferroni_level(look), sample_here)
    measured = evaluate_rows(scored, **how._asdict())
    champion = work.champion
    compared = _compared(work, champion, how)
    evidence = Evidence(
        metric=model.metric,
        metrics=measured.metrics,
        differences={name: each.difference for name, each in compared.items() if each.difference},
        level=how.level,
        look=look,
        rows="questions",
        support=support(model.metric, scored),
        supports={name: each.support for name, each in compared.items() if name == "champion" and each.difference},
        champion=label(champion) if champion else None,
        slices=_slices(work, how),
    )
    _record(work, version, measured.metrics, seen, look)
    value = measured.metrics[model.metric]
    return {
        "version": version.id,
        "label": label(version),
        "number": version.number,
        "blob": questions,
        "evidence": encode_evidence(evidence),
        "why_not": {name: each.why_not for name, each in compared.items() if each.why_not},
        "summary": f"{label(version)} is {version.candidate}: {model.metric} {interval_text(value)} on {counted(asked.height, 'question')}",
    }


def _compared(work: Work, champion: ModelVersion | None, how: How) -> dict[str, Compared]:
    """Compare with those whom a gate names: intervals are most of the work."""
    named, found = {gate.opponent for gate in work.model.gates if isinstance(gate, Beats)}, dict[str, Compared]()
    if "baseline" in named:
        found["baseline"] = against_baseline(work, how)
    if "champion" in named and champion is not None:
        found["champion"] = against_champion(work, champion, how)
    return found


def _look(work: Work, run_id: str, questions: str, seen: str) -> tuple[ModelVersion, int]:
    """Register the version and the look; what was killed halfway goes on with the same version."""
    workspace, snapshot, parent = work.workspace, work.snapshot, work.parent
    facts = SnapshotFacts(
        id=snapshot.id, number=snapshot.number, parent=label(parent), clock=snapshot.clock, since=snapshot.since,
        learned=snapshot.learned, learned_since=snapshot.learned_since, unasked=snapshot.unasked,
        rows=work.questions.height, questions=questions,
    )  # fmt: skip
    new = NewModelVersion(
        project=workspace.project.name,
        model=work.model.name,
        run_id=run_id,
        candidate=parent.candidate,
        task=work.artifact.task,
        fingerprint=snapshot.id,
        details={
            "metric": work.model.metric,
            "threshold": parent.details["threshold"],
            "seen": seen,
            "parameters": work.artifact.details,
            "candidates": [],
            SNAPSHOT: msgspec.to_builtins(facts),
        },
    )
    with workspace.ledger.write(workspace.identity.name, "model.evaluate") as session:
        version = models.made_from(session, new.project, new.model, new.fingerprint)
        version = version or models.create(session, new, _tables(session, work))
        return version, evaluations.record_look(session, seen, version.id)


def _tables(session: Session, work: Work) -> tuple[str, ...]:
    """Return the ids of the newest versions on record of the tables that it learnt from, and of those they were made from."""
    names = dict.fromkeys(each.name for table in work.model.features.tables() for each in with_parents(table))
    found = [ledger_tables.latest(session, work.workspace.project.name, name) for name in names]
    return tuple(each.id for each in found if each is not None)


def _slices(work: Work, how: How) -> dict[tuple[str, str], tuple[SliceMetric, ...]]:
    found = {}
    for gate in work.model.gates:
        if isinstance(gate, Slices):
            frame = work.features if gate.column in work.features.columns else work.given
            if gate.column in frame.columns:
                found[gate.column, gate.metric] = slice_metrics(gate, work.scored, frame[gate.column], how)
    return found


def _record(work: Work, version: ModelVersion, measured: Mapping[str, Interval], seen: str, look: int) -> None:
    new = NewEvaluation(
        run_id=version.run_id,
        model=version.model,
        model_version_id=version.id,
        candidate=version.candidate,
        split=PROGRESSIVE,
        rows=work.questions.height,
        rows_fingerprint=seen,
        metrics=ledger_metrics(measured),
        details={"threshold": work.threshold, "look": look},
    )
    with work.workspace.ledger.write(work.workspace.identity.name, "model.test") as session:
        evaluations.record(session, new)
