"""Choosing a candidate, registering it as a version, and the one look at the test."""

from collections.abc import Mapping

import msgspec
import numpy as np
import polars as pl

from headrace.app.learning.facts import CONSTANTS, TESTED_FROM, TRAINED_BEFORE, WHAT
from headrace.app.lifecycle import Job
from headrace.app.log_facts import LOG
from headrace.app.models import label
from headrace.app.steps.comparing import How, Opponent, against_baseline, against_champion, baseline_of, prepare_champion
from headrace.app.steps.features import table_output
from headrace.app.steps.training import ModelRows, load_candidates, model_rows, spread_by
from headrace.core.units import counted
from headrace.engine.graph import Output, StepContext
from headrace.ledger import evaluations, models
from headrace.ledger.evaluations import Metric, NewEvaluation
from headrace.ledger.models import ModelVersion, NewModelVersion
from headrace.models.predictor import score_frame
from headrace.rollout.evidence import Evidence, SliceMetric
from headrace.spec.gate import Slices
from headrace.spec.model import Model
from headrace.stats.bootstrap import Interval, bonferroni_level
from headrace.training.evaluation import ScoredRows, evaluate_slices, sample_here, score_rows, support
from headrace.training.evaluation import evaluate as evaluate_rows
from headrace.training.looks import test_rows_fingerprint
from headrace.training.online.measured import PROGRESSIVE
from headrace.training.splits import TEST, VALIDATION
from headrace.training.spread_sampling import SpreadSampler
from headrace.training.train import Trained, choose


def evaluate(job: Job, context: StepContext) -> Output:
    """Choose the best candidate on validation, register it as a version, and look at the test once."""
    model, workspace = job.model, job.workspace
    assert model is not None
    rows = model_rows(workspace, model, context.inputs)
    trained = load_candidates(workspace, model, context.inputs)
    best = choose(model.metric, trained)
    test = rows.parts.rows(TEST)
    arrivals = rows.spine_rows(TEST, ["_arrival"])["_arrival"]
    seen = test_rows_fingerprint(
        arrivals,
        rows.target[test],
        workspace.project.name,
        model.features.spine.name,
        str(model.target),
    )
    with workspace.ledger.read() as session:
        champion = models.champion(session, workspace.project.name, model.name)
    opponent = prepare_champion(workspace, champion, rows) if champion else None
    version, look = _look(job, context, rows, trained, seen)
    level = bonferroni_level(look)
    scored = score_rows(best.artifact, rows.features[test], rows.target[test], best.threshold)
    with spread_by(job, context) as spread:
        sampler = SpreadSampler(spread.executor, spread.shared, spread.heard) if spread else sample_here
        how = How(job.seed, level, sampler)
        measured = evaluate_rows(scored, seed=job.seed, level=level, sampler=sampler)
        differences = {"baseline": against_baseline(model, trained, rows, scored, how)}
        supports = {}
        if opponent is not None:
            differences["champion"], some = against_champion(model, best, opponent, rows, how)
            supports = {} if some is None else {"champion": some}
        slices = _slices(model, rows, scored, how)
    evidence = Evidence(
        metric=model.metric,
        metrics=measured.metrics,
        differences=differences,
        level=level,
        look=look,
        support=support(model.metric, scored),
        supports=supports,
        champion=opponent.label if opponent else None,
        slices=slices,
    )
    _record_test(job, version, measured.metrics, scored, seen, look)
    value = measured.metrics[model.metric]
    told = f"{model.metric} {interval_text(value)} on {counted(len(test), 'test row')}"
    return {
        "version": version.id,
        "label": label(version),
        "number": version.number,
        "candidate": best.candidate,
        "evidence": encode_evidence(evidence),
        "parts": rows.parts.counts(),
        "left_out": rows.parts.left_out(),
        "summary": f"{label(version)} is {best.candidate}: {told}, look {look}{_told_of(opponent)}",
    }


def _told_of(opponent: Opponent | None) -> str:
    if opponent is None or not opponent.computed:
        return ""
    return f"; for {opponent.label} {', '.join(opponent.computed)} from history: not logged with these rows' features"


def _look(job: Job, context: StepContext, rows: ModelRows, trained: list[Trained], seen: str) -> tuple[ModelVersion, int]:
    """Register the version and the look before the test is opened: a look that crashed halfway is a look."""
    model, workspace = job.model, job.workspace
    assert model is not None
    best = choose(model.metric, trained)
    new = NewModelVersion(
        project=workspace.project.name,
        model=model.name,
        run_id=context.run_id,
        candidate=best.candidate,
        task=best.artifact.task,
        fingerprint=job.fingerprint,
        details={
            "metric": model.metric,
            "threshold": best.threshold if best.artifact.task == "binary" else None,
            "seen": seen,
            "parameters": {name: value for name, value in best.artifact.details.items() if name != PROGRESSIVE},
            "candidates": [_candidate(model, each) for each in trained],
            **_learnt(model, rows, trained),
            **({LOG: msgspec.to_builtins(rows.log)} if rows.log else {}),
        },
    )
    outputs = [table_output(table, context.inputs) for table in model.features.tables()]
    records = tuple(dict.fromkeys(each for output in outputs for each in (*output["made_from"], output["record"])))
    with workspace.ledger.write(workspace.identity.name, "model.evaluate") as session:
        begun = models.made_from(session, new.project, new.model, new.fingerprint)
        version = begun if begun and begun.state == models.CANDIDATE else models.create(session, new, records)
        look = evaluations.record_look(session, seen, version.id)
        for each in trained:
            evaluations.record(session, _validation(job, context, version, each))
        return version, look


def _learnt(model: Model, rows: ModelRows, trained: list[Trained]) -> dict[str, object]:
    """Return what a stream must know that goes on learning: what is learnt, which answers were not, and the baseline's constant scores."""
    moments = {TRAINED_BEFORE: rows.parts.boundaries.get(VALIDATION), TESTED_FROM: rows.parts.boundaries.get(TEST)}
    baseline = baseline_of(trained)
    scores = score_frame(baseline.artifact, rows.features[:1])[0]
    constants = {"scores": np.atleast_1d(scores).tolist(), "threshold": baseline.threshold}
    return {
        **{name: moment.isoformat() for name, moment in moments.items() if moment is not None},
        CONSTANTS: constants,
        WHAT: str(model.target),
    }


def _candidate(model: Model, trained: Trained) -> dict[str, object]:
    measured, progressive = trained.validation.metrics[model.metric], trained.artifact.details.get(PROGRESSIVE)
    return {
        "name": trained.candidate,
        "measured": msgspec.to_builtins(measured),
        "trials": len(trained.trials),
        "seconds": round(trained.seconds, 3),
        "stopped_by": trained.stopped_by,
        **({} if progressive is None else {PROGRESSIVE: progressive}),
    }


def _validation(job: Job, context: StepContext, version: ModelVersion, trained: Trained) -> NewEvaluation:
    return NewEvaluation(
        run_id=context.run_id,
        model=version.model,
        model_version_id=version.id,
        candidate=trained.candidate,
        split="validation",
        rows=trained.validation.rows,
        rows_fingerprint=job.fingerprint,
        metrics=ledger_metrics(trained.validation.metrics),
        details={"threshold": trained.threshold, "trials": len(trained.trials)},
    )


def _record_test(job: Job, version: ModelVersion, measured: Mapping[str, Interval], scored: ScoredRows, seen: str, look: int) -> None:
    new = NewEvaluation(
        run_id=version.run_id,
        model=version.model,
        model_version_id=version.id,
        candidate=version.candidate,
        split="test",
        rows=len(scored.target),
        rows_fingerprint=seen,
        metrics=ledger_metrics(measured),
        details={"threshold": scored.threshold, "look": look},
    )
    with job.workspace.ledger.write(job.workspace.identity.name, "model.test") as session:
        evaluations.record(session, new)


def ledger_metrics(measured: Mapping[str, Interval]) -> tuple[Metric, ...]:
    """Return what was measured, as it goes on record."""
    return tuple(Metric(name, interval.value, interval.low, interval.high) for name, interval in measured.items())


def _slices(model: Model, rows: ModelRows, scored: ScoredRows, how: How) -> dict[tuple[str, str], tuple[SliceMetric, ...]]:
    test = rows.parts.rows(TEST)
    found = {}
    for gate in model.gates:
        if isinstance(gate, Slices):
            is_feature = gate.column in rows.features.columns
            column = rows.features[gate.column][test] if is_feature else rows.spine_rows(TEST, [gate.column])[gate.column]
            found[gate.column, gate.metric] = slice_metrics(gate, scored, column, how)
    return found


def slice_metrics(gate: Slices, scored: ScoredRows, column: pl.Series, how: How) -> tuple[SliceMetric, ...]:
    """Return a gate's metric within each group of a column's values."""
    groups = evaluate_slices(gate.metric, scored, column, seed=how.seed, level=how.level, sampler=how.sampler)
    return tuple(SliceMetric(each.group, each.rows, each.support, each.interval.value) for each in groups)


def encode_evidence(evidence: Evidence) -> dict[str, object]:
    """Return evidence as JSON values; pairs that name slices become lists."""
    values = msgspec.to_builtins(msgspec.structs.replace(evidence, slices={}))
    return {**values, "slices": [[column, metric, msgspec.to_builtins(groups)] for (column, metric), groups in evidence.slices.items()]}


def decode_evidence(values: Mapping[str, object]) -> Evidence:
    """Return the evidence that `encode_evidence` wrote."""
    listed = msgspec.convert(values["slices"], list[tuple[str, str, tuple[SliceMetric, ...]]])
    evidence = msgspec.convert({**values, "slices": {}}, Evidence)
    return msgspec.structs.replace(evidence, slices={(column, metric): groups for column, metric, groups in listed})


def interval_text(interval: Interval) -> str:
    """Return a value and its bounds for people."""
    if interval.value is None or interval.low is None or interval.high is None:
        return "undefined"
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"
