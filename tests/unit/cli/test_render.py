"""Reports as people read them."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headrace.app.reports import (
    ApprovalLine,
    ApprovalReport,
    AuditReport,
    CandidateLine,
    CostLine,
    CostReport,
    FeatureLine,
    GateLine,
    LearntInStream,
    MeasuredLine,
    ModelReport,
    PlanReport,
    RunLine,
    RunReport,
    ServedCost,
    StepLine,
    TableLine,
    TableReport,
    WhyReport,
)
from headrace.app.status_reports import StatusReport
from headrace.cli import render

NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
MEASURED = MeasuredLine(metric="roc_auc", value=0.81234, low=0.7, high=0.9)
CHANCE = MeasuredLine(metric="roc_auc", value=0.5, low=0.5, high=0.5)
MODEL = ModelReport(
    model="late", version="late@2", state="awaiting_approval", run_id="run_1", candidate="logistic", task="binary", test=[MEASURED],
    test_rows=1234, looks=2, threshold=0.25,
    candidates=[
        CandidateLine(name="baseline", measured=CHANCE, trials=1, seconds=0.04, chosen=False),
        CandidateLine(name="logistic", measured=MEASURED, trials=12, seconds=3.26, chosen=True),
    ],
    gates=[
        GateLine(gate="beats baseline", passed=True, message="0.3 better"),
        GateLine(gate="latency", passed=False, message="7 ms; at most 5 ms"),
    ],
    approvals=[ApprovalLine(identity="ben", role="reviewer", comment="fine", given=NOW)], next_step="It waits.",
)  # fmt: skip
TABLE = TableLine(name="orders", version=3, rows=1200, quarantined=4, duplicates=0, made=NOW)


def test_a_model():
    assert (
        render.model(MODEL)
        == """\
late@2  awaiting approval

  candidates, on the validation rows
    baseline  roc_auc 0.5000 (0.5000 to 0.5000)  1 trial    0.0 s
  * logistic  roc_auc 0.8123 (0.7000 to 0.9000)  12 trials  3.3 s

  logistic, on the 1,234 sealed test rows: look number 2 at them
    roc_auc 0.8123 (0.7000 to 0.9000)
    decides yes from a score of 0.25

  gates
    passed  beats baseline  0.3 better
    FAILED  latency         7 ms; at most 5 ms

  approved by ben (reviewer), 2024-05-06 07:08:09 UTC: fine

  It waits."""
    )


def test_a_run():
    steps = [
        StepLine(name="ingest:orders", outcome="done", seconds=1.25, summary="9 rows"),
        StepLine(name="train:x", outcome="reused", seconds=0, summary=""),
    ]
    report = RunReport(run_id="run_1", actor="ana", seconds=2.04, steps=steps, models=[], cost_usd="0.0001234")
    assert render.run(report) == "run_1 by ana: 1 step run, 1 unchanged, 2.0 s, $0.000123."
    assert render.run(msgspec.structs.replace(report, run_id=None)) == "Nothing to do: all 2 steps are unchanged (2.0 s)."
    assert render.shown(report).splitlines() == [
        "run_1 by ana, 2.0 s, $0.000123",
        "  ingest:orders  done    1.25 s  9 rows",
        "  train:x        reused  0.00 s",
    ]


def test_a_plan():
    assert render.plan(PlanReport(to_run=["a:b"], unchanged=2)) == "Would run 1 step (2 unchanged):\n  a:b"
    assert render.plan(PlanReport(to_run=[], unchanged=2)) == "Nothing to do: all 2 steps are unchanged."


def test_a_table():
    rules = [{"rule": "unique(id)", "severity": "quarantine", "passed": False, "message": "4 rows"}]
    profile = {"paid": {"nulls": 0, "distinct": 2, "min": False, "max": True, "mean": None}}
    report = TableReport(line=TABLE, location="/lake/orders", types={"paid": "bool"}, rules=rules, profile=profile)
    assert render.table(report).splitlines() == [
        "table orders, version 3  (/lake/orders)",
        "  orders  v3  1,200 rows  4 quarantined  0 duplicates  2024-05-06 07:08:09 UTC",
        "",
        "contract",
        "  BROKEN  unique(id)  quarantine  4 rows",
        "",
        "profile",
        "  column  type  nulls  distinct  min  max  mean",
        "  paid    bool  0      2         no   yes  null",
    ]


@pytest.fixture
def walked_back():
    return WhyReport(
        prediction_id="prd_1", predicted=NOW, as_of=None, source="file", score={"a": 0.25, "b": 0.75}, decision="b", inputs={"x": None},
        features=[
            FeatureLine(name="small", value=1, contribution=-0.2),
            FeatureLine(name="large", value=1.5, contribution=1.0),
            FeatureLine(name="none", value=None, contribution=None),
        ],
        contribution_unit="the decided class's score", bias=0.1, model=msgspec.structs.replace(MODEL, approvals=[], looks=1),
        code="description abc", run_started=NOW, run_actor="ana", tables=[TABLE], training_cost_usd="1.5", per_thousand_usd=None,
    )  # fmt: skip


def test_a_prediction_walked_back(walked_back):
    lines = render.why(walked_back).splitlines()
    assert lines[0] == "prd_1  score a 0.25, b 0.75  decision b"
    assert lines[1] == "  answered 2024-05-06 07:08:09 UTC by file, as of -"
    start = lines.index("features, and what each added (the decided class's score)")
    assert lines[start + 1 : start + 5] == [
        "  large  1.5   +1.0000  ++++++++++",
        "  small  1     -0.2000  --",
        "  none   null",
        "  starting from +0.1000, the average",
    ]
    assert "  on 1,234 test rows (the first look): roc_auc 0.8123 (0.7000 to 0.9000)" in lines
    assert lines[-4:] == ["approvals", "  none were asked for", "cost", "  training $1.50"]


def test_a_prediction_says_which_state_it_was_answered_from_and_what_its_model_learned_from(walked_back):
    model = msgspec.structs.replace(MODEL, served_features="150 rows from version 3 of the log")
    lines = render.why(msgspec.structs.replace(walked_back, model=model, state=NOW, watermarks={"orders": NOW, "shops": None})).splitlines()
    assert lines[2:4] == ["  from the state of 2024-05-06 07:08:09 UTC", "  orders was known until 2024-05-06 07:08:09 UTC"]
    assert "  features as they were served: 150 rows from version 3 of the log" in lines
    assert "  features as they were served: 150 rows from version 3 of the log" in render.model(model).splitlines()


def test_a_version_that_a_stream_has_learnt(walked_back):
    learnt = LearntInStream(began_from="late@1", number=2, since=NOW - timedelta(days=1), clock=NOW, rows=1500, rows_since=300, unasked=2)
    model = msgspec.structs.replace(MODEL, learnt=learnt, candidates=[], looks=1)
    told = (
        "  learnt in the stream: 1,500 rows until 2024-05-06 07:08:09 UTC, 300 of them since 2024-05-05 07:08:09 UTC"
        " (2 without having been asked about them); it went on from late@1"
    )
    lines = render.model(model).splitlines()
    assert lines[2] == told
    on = "on the 1,234 questions that it answered before it learnt what came of them: the first look at them"
    assert f"  {MODEL.candidate}, {on}" in lines
    assert not [line for line in lines if "candidates" in line or "sealed" in line]
    assert told in render.why(msgspec.structs.replace(walked_back, model=model)).splitlines()


def test_costs():
    served = [ServedCost(version="late@1", source="serve", predictions=2000, cpu_seconds=0.5, per_thousand_usd="0.00001")]
    report = CostReport(
        total_usd="2.5", by="run", lines=[CostLine(name="run_1", amount_usd="2.5", detail="3 charges")], served=served, catalogue="x 2024"
    )
    assert render.cost(report).splitlines() == [
        "cost so far $2.50; what is used now is charged at the prices of x 2024",
        "",
        "by run",
        "  run_1  $2.50  3 charges",
        "",
        "predictions, as measured where they were made",
        "  late@1  serve  2,000 predictions  0.50 CPU s  $0.0000100 a thousand",
    ]


def test_a_project_with_nothing_yet():
    report = StatusReport(project="shop", home="/home", tables=[], models=[], last_runs=[], cost_usd="0")
    text = render.status(report)
    assert text.count("none yet: headrace run") == 3
    assert text.endswith("cost so far $0")


def test_runs_approvals_and_the_audit():
    run = RunLine(run_id="run_1", state="failed", told="failed", actor="ana", started=NOW, finished=None, cost_usd="0", error="no rows")
    assert render.runs([run]) == "  run_1  failed  ana  2024-05-06 07:08:09 UTC  $0  no rows"
    assert render.approved(ApprovalReport(version="late@2", identity="ben", missing=1)) == "late@2 is approved by ben; 1 more needed."
    assert "is now the champion" in render.approved(ApprovalReport(version="late@2", identity="ben", missing=0))
    assert render.audit(AuditReport(rows=2, head="2:ab", whole=False, reason="row 2 is missing")) == "THE AUDIT IS BROKEN: row 2 is missing"
