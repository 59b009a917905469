"""Reports as text for people. Plain text: it reads the same in a terminal, a log and a pull request."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.app.reports import (
    ApprovalReport,
    AuditReport,
    CostReport,
    DoctorReport,
    FeatureLine,
    MeasuredLine,
    ModelReport,
    PlanReport,
    PredictReport,
    PublishedState,
    Report,
    RunLine,
    RunReport,
    ServingEvent,
    TableLine,
    TableReport,
    UpgradeReport,
    WhyReport,
)
from headrace.app.status_reports import StatusReport
from headrace.cli import render_progressive, render_stream
from headrace.cli.columns import columns
from headrace.core.money import format_usd
from headrace.core.units import counted, every, format_age, format_bytes

if TYPE_CHECKING:
    from headrace.app.scaffolding.scaffold import Scaffold
    from headrace.app.settings import Settings
    from headrace.ingest.finding import Finding


_COST_LINES = 20
_KINDS = {"stream": "what the stream had learnt"}


def run(report: RunReport) -> str:
    """How a run ended."""
    if report.run_id is None:
        return "\n".join([f"Nothing to do: {_unchanged(len(report.steps))} ({report.seconds:.1f} s).", *report.notes])
    ran = [step for step in report.steps if step.outcome == "done"]
    reused = len(report.steps) - len(ran)
    steps = f"{counted(len(ran), 'step')} run, {reused} unchanged"
    head = f"{report.run_id} by {report.actor}: {steps}, {report.seconds:.1f} s, {_usd(report.cost_usd)}."
    return "\n\n".join(["\n".join([head, *report.notes]), *(model(each) for each in report.models)])


def plan(report: PlanReport) -> str:
    """What a run would do."""
    asks = ["Would ask, and then do what the answers make necessary:", *(f"  {line}" for line in report.asks)] if report.asks else []
    known = ["As the stream has left them:", *(f"  {line}" for line in report.streamed)] if report.streamed else []
    if not report.to_run:
        return "\n".join([*known, *asks, f"Nothing {'else ' if asks else ''}to do: {_unchanged(report.unchanged)}."])
    head = f"Would run {counted(len(report.to_run), 'step')} ({report.unchanged} unchanged):"
    return "\n".join([*known, *asks, head, *(f"  {name}" for name in report.to_run)])


def model(report: ModelReport) -> str:
    """A model's version: candidates, test, gates, approvals, what is next."""
    lines = [f"{report.version}  {report.state.replace('_', ' ')}", ""]
    lines += render_progressive.learnt(report) or ["  candidates, on the validation rows"]
    lines += columns(
        [
            [
                f"{'*' if each.chosen else ' '} {each.name}",
                _measured(each.measured),
                counted(each.trials, "trial"),
                f"{each.seconds:.1f} s",
            ]
            for each in report.candidates
        ],
        indent=2,
    )
    lines += render_progressive.curves(report)
    lines += ["", *_served(report)] if report.served_features else []
    lines += ["", f"  {report.candidate}, {render_progressive.measured_on(report)}"]
    lines += columns([[_measured(each)] for each in report.test], indent=4)
    if report.threshold is not None:
        lines += [f"    decides yes from a score of {report.threshold:.4g}"]
    if report.gates:
        lines += [
            "",
            "  gates",
            *columns([["passed" if gate.passed else "FAILED", gate.gate, gate.message] for gate in report.gates], indent=4),
        ]
    for approval in report.approvals:
        lines += ["", f"  approved by {approval.identity} ({approval.role}), {_moment(approval.given)}: {approval.comment}"]
    return "\n".join([*lines, "", f"  {report.next_step}"])


def approved(report: ApprovalReport) -> str:
    """An approval and what it changed."""
    if report.missing:
        return f"{report.version} is approved by {report.identity}; {report.missing} more needed."
    return f"{report.version} is approved by {report.identity} and is now the champion. Serve it: headrace serve"


def status(report: StatusReport) -> str:
    """A project at a glance."""
    lines = [f"project {report.project}  ({report.home})", "", "tables", *_tables(report.tables), "", "models"]
    if not report.models:
        lines.append("  none yet: headrace run")
    for each in report.models:
        main = _measured(each.test[0]) if each.test else ""
        lines += [f"  {each.version}  {each.state.replace('_', ' ')}  {each.candidate}  {main}"]
        lines += [f"  {line}" for line in [*render_progressive.learnt(each), f"  {each.next_step}"]]
    streams = ["", "streams", *render_stream.standing(report)] if report.streams else []
    return "\n".join([*lines, *streams, "", "last runs", runs(report.last_runs), "", f"cost so far {_usd(report.cost_usd)}"])


def runs(lines: Sequence[RunLine]) -> str:
    """Runs, newest first."""
    if not lines:
        return "  none yet: headrace run"
    return "\n".join(
        columns(
            [
                [line.run_id, line.told, line.actor, _moment(line.started), _usd(line.cost_usd), line.error or _KINDS.get(line.kind, "")]
                for line in lines
            ],
            indent=2,
        )
    )


def shown(report: Report) -> str:
    """Whatever was asked to be shown."""
    if isinstance(report, ModelReport):
        return model(report)
    if isinstance(report, TableReport):
        return table(report)
    assert isinstance(report, RunReport)
    steps = columns([[step.name, step.outcome, f"{step.seconds:.2f} s", step.summary] for step in report.steps], indent=2)
    return "\n".join([f"{report.run_id} by {report.actor}, {report.seconds:.1f} s, {_usd(report.cost_usd)}", *report.notes, *steps])


def table(report: TableReport) -> str:
    """A table: counts, contract, profile."""
    rules = [[_verdict(rule), rule["rule"], rule["severity"], rule["message"]] for rule in report.rules]
    measured = report.profile or {name: {} for name in report.types if not name.startswith("_")}  # streamed rows are not measured
    profile = [["column", "type", "nulls", "distinct", "min", "max", "mean"]] + [
        [
            name,
            str(report.types.get(name, "")),
            *(_cell(facts.get(key)) if facts else "" for key in ("nulls", "distinct", "min", "max", "mean")),
        ]
        for name, facts in measured.items()
    ]
    findings = ["", "findings, for you to judge", *columns(_odd(report.findings), indent=2)] if report.findings else []
    parts = [f"table {report.line.name}, version {report.line.version}  ({report.location})", *_tables([report.line])]
    if report.freed:
        parts.append(f"  {report.freed}")
    parts += [f"  {note}" for note in report.notes]
    return "\n".join(
        [*parts, "", "contract", *(columns(rules, indent=2) or ["  no rules"]), "", "profile", *columns(profile, indent=2), *findings]
    )


def _verdict(rule: Mapping[str, Any]) -> str:
    return "noted" if rule["severity"] == "info" else "kept" if rule["passed"] else "BROKEN"


def why(report: WhyReport) -> str:
    """A prediction, walked back."""
    decision = "" if report.decision is None else f"  decision {_cell(report.decision)}"
    lines = [
        f"{report.prediction_id}  score {_cell(report.score)}{decision}",
        f"  answered {_moment(report.predicted)} by {report.source}, as of {_moment(report.as_of)}",
        *([f"  from the state of {_moment(report.state)}"] if report.state else []),
        *(f"  {table} was known until {_moment(moment)}" for table, moment in report.watermarks.items() if moment),
        "",
    ]
    lines += ["inputs", *columns([[name, _cell(value)] for name, value in report.inputs.items()], indent=2), ""]
    ranked = sorted(report.features, key=lambda feature: -abs(feature.contribution or 0.0))
    lines += [f"features, and what each added ({report.contribution_unit})"]
    lines += columns(
        [[feature.name, _cell(feature.value), _signed(feature.contribution), _bar(feature.contribution)] for feature in ranked], indent=2
    )
    lines += [f"  {feature.name} was too old: {_staleness(feature)}" for feature in ranked if feature.stale]
    if report.bias is not None:
        lines += [f"  starting from {report.bias:+.4f}, the average"]
    test = "; ".join(_measured(each) for each in report.model.test)
    looks = "the first look" if report.model.looks == 1 else f"look {report.model.looks}"
    lines += [
        "",
        "model",
        f"  {report.model.version}, {report.model.candidate}, {report.model.state}",
        *render_progressive.learnt(report.model),
        f"  on {render_progressive.rows_of(report.model)} ({looks}): {test}",
    ]
    lines += [
        "run",
        f"  {report.model.run_id} by {report.run_actor}, {_moment(report.run_started)}",
        "code",
        f"  {report.code}",
        "data",
        *_tables(report.tables),
        *_served(report.model),
    ]
    lines += [
        "approvals",
        *(
            [f"  {each.identity} ({each.role}), {_moment(each.given)}: {each.comment}" for each in report.model.approvals]
            or ["  none were asked for"]
        ),
    ]
    thousand = f"; a thousand predictions {_usd(report.per_thousand_usd)}" if report.per_thousand_usd else ""
    return "\n".join([*lines, "cost", f"  training {_usd(report.training_cost_usd)}{thousand}"])


def _served(report: ModelReport) -> list[str]:
    return [f"  features as they were served: {report.served_features}"] if report.served_features else []


def _staleness(feature: FeatureLine) -> str:
    if feature.staleness_seconds is None:
        return "nobody knew how old"
    return f"its table was known until {format_age(timedelta(seconds=feature.staleness_seconds))} before the question"


def cost(report: CostReport) -> str:
    """What it cost."""
    lines = [
        f"cost so far {_usd(report.total_usd)}; what is used now is charged at the prices of {report.catalogue}",
        "",
        f"by {report.by}",
    ]
    lines += columns([[line.name, _usd(line.amount_usd), line.detail] for line in report.lines[:_COST_LINES]], indent=2)
    if len(report.lines) > _COST_LINES:
        lines.append(f"  and {len(report.lines) - _COST_LINES:,} that cost less: --json has them all")
    if report.served:
        lines += ["", "predictions, as measured where they were made"]
        lines += columns(
            [
                [
                    each.version,
                    each.source,
                    counted(each.predictions, "prediction"),
                    f"{each.cpu_seconds:.2f} CPU s",
                    f"{_usd(each.per_thousand_usd)} a thousand" if each.per_thousand_usd else "too few to tell",
                ]
                for each in report.served
            ],
            indent=2,
        )
    return "\n".join(lines)


def doctor(report: DoctorReport) -> str:
    """What was found: a line a check, and its remedy."""
    found = columns([[_MARKS[line.well, line.mended], line.check, line.finding] for line in report.checks])
    remedies = [f"\n        {line.remedy}" if line.remedy else "" for line in report.checks]
    wrong = sum(not line.well for line in report.checks)
    end = "Everything is whole." if report.whole else f"{wrong} of {counted(len(report.checks), 'check')} found something wrong."
    return "\n".join([*(line + remedy for line, remedy in zip(found, remedies, strict=True)), "", end])


_MARKS = {(True, False): "well", (True, True): "mended", (False, False): "WRONG"}


def audit(report: AuditReport) -> str:
    """Whether the chain is whole."""
    if report.whole:
        keep = "Keep that somewhere else: a later check against it shows whether the whole chain was rewritten."
        return f"The audit is whole: {counted(report.rows, 'row')}.\nIts head is {report.head}\n{keep}"
    return f"THE AUDIT IS BROKEN: {report.reason}"


def upgrade(report: UpgradeReport) -> str:
    """What an upgrade did or would do."""
    if report.found is None:
        return f"There is no ledger at {report.ledger} yet; the first command that needs one makes it."
    if not report.migrations:
        return f"The ledger at {report.ledger} is that of this version ({report.head}). Nothing to do."
    did = "was brought" if report.done else "would be brought"
    return "\n".join(
        [f"The ledger at {report.ledger} {did} from {report.found} to {report.head}:", *(f"  {each}" for each in report.migrations)]
    )


def published(states: Sequence[PublishedState]) -> str:
    """Feature states that servers now read."""
    return "\n".join(
        f"{each.version}: state as of {each.as_of.isoformat()} in {each.folder} ({format_bytes(each.size_bytes)})" for each in states
    )


def predicted(report: PredictReport) -> str:
    """A file that was predicted."""
    return f"{counted(report.rows, 'row')} predicted by {report.version} into {report.output}"


def serving(event: ServingEvent) -> str:
    """What a server tells whoever started it."""
    if event.event == "model":
        told = [f"{event.version}: {event.candidate}"]
        told += [f"state as of {event.as_of.isoformat()}"] if event.as_of is not None else []
        return ", ".join([*told, *([f"{' and '.join(event.streamed)} as streamed"] if event.streamed else [])])
    return f"serving at {event.url}  (Ctrl-C stops)" if event.event == "serving" else "stopped; every prediction is logged."


def settings(found: "Settings") -> str:
    """Every setting and where it came from."""
    rows = [[setting.name, setting.value or "-", setting.origin, setting.meaning] for setting in found.values]
    return "\n".join(columns(rows))


def scaffold(made: "Scaffold") -> str:
    """What init wrote."""
    wrote = f"Wrote {made.path}: a {made.task} model of {made.target!r} from {counted(len(made.features), 'feature')}."
    detected = ", ".join(f"{option}={list(value) if isinstance(value, tuple) else value!r}" for option, value in made.reading.items())
    told = f"\nDetected in its texts, and declared in source=: {detected}." if made.reading else ""
    odd = "\n".join(["\nFor you to judge:", *columns(_odd(made.findings), indent=2)]) if made.findings else ""
    folder = Path(made.path).parent
    there = f"cd {shlex.quote(str(folder))} && " if folder != Path() else ""
    return f"{wrote}{told}{odd}\nRead it, then: {there}headrace run"


def _odd(findings: Sequence["Finding"]) -> list[list[str]]:
    return [[each.column or "rows", each.kind, f"{each.rows:,}", ", ".join(each.examples), each.advice] for each in findings]


def _tables(lines: Sequence[TableLine]) -> list[str]:
    rows = [
        [
            line.name,
            f"v{line.version}",
            counted(line.rows, "row"),
            f"{line.quarantined:,} quarantined",
            counted(line.duplicates, "duplicate"),
            _moment(line.made),
        ]
        for line in lines
    ]
    return columns(rows, indent=2) or ["  none yet: headrace run"]


def _unchanged(steps: int) -> str:
    return f"{every(steps, 'step')} {'is' if steps == 1 else 'are'} unchanged"


def _measured(line: MeasuredLine) -> str:
    if line.value is None:
        return f"{line.metric} undefined"
    interval = f" ({line.low:.4f} to {line.high:.4f})" if line.low is not None and line.high is not None else ""
    return f"{line.metric} {line.value:.4f}{interval}"


def _usd(amount: str | None) -> str:
    return "-" if amount is None else format_usd(Decimal(amount))


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _cell(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(each)}" for name, each in value.items())
    return str(value)


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"


def _bar(value: float | None) -> str:
    if value is None:
        return ""
    return ("+" if value > 0 else "-") * min(20, round(abs(value) * 10))
