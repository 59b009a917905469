"""Judging a snapshot: by the gates of its model, as a version of a run is judged. A gate that cannot be judged is not passed."""

from collections.abc import Mapping

from headrace.app.bundles import open_bundle
from headrace.app.learning.work import Work
from headrace.app.steps.comparing import newest_tables
from headrace.app.steps.evaluating import decode_evidence
from headrace.app.steps.judging import outcome_of, settle, time_predictions
from headrace.app.store import lake_of
from headrace.costs.prices import Prices
from headrace.engine.graph import Output, StepContext
from headrace.ledger import tables as ledger_tables
from headrace.ledger.evaluations import GateOutcome
from headrace.rollout.errors import MissingEvidence
from headrace.rollout.evidence import Evidence
from headrace.rollout.gates import judge as judge_gates
from headrace.rollout.gates import title
from headrace.spec.gate import Beats, Cost, Gate, Latency


def judge(work: Work, context: StepContext) -> Output:
    """Judge the gates, and move the version on."""
    evaluated = context.inputs[f"evaluate:{work.model.name}"]
    evidence = decode_evidence(evaluated["evidence"])
    if any(isinstance(gate, Latency | Cost) for gate in work.model.gates):
        evidence = _timed(work, context.inputs[f"bundle:{work.model.name}"]["blob"], evidence)
    outcomes = [_outcome(gate, evidence, evaluated["why_not"]) for gate in work.model.gates]
    return settle(work.workspace, work.model, evaluated["version"], outcomes)


def _outcome(gate: Gate, evidence: Evidence, why_not: Mapping[str, str]) -> GateOutcome:
    try:
        (result,) = judge_gates((gate,), evidence)
    except MissingEvidence as missing:
        why = why_not.get(gate.opponent) if isinstance(gate, Beats) else None
        return GateOutcome(gate=title(gate), passed=False, message=why or missing.problem)
    return outcome_of(result)


def _timed(work: Work, blob: str, evidence: Evidence) -> Evidence:
    workspace, spine = work.workspace, work.model.features.spine.name
    with workspace.ledger.read() as session:
        newest = ledger_tables.latest(session, workspace.project.name, spine)
    assert newest is not None
    rows = lake_of(workspace).tables.scan(spine, newest.version)
    timed = time_predictions(open_bundle(workspace, blob), rows, newest_tables(workspace, work.plan), workspace.clock.now())
    return timed.added_to(evidence, Prices.load(workspace.settings.prices_file))
