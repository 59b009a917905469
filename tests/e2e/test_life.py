"""The main job, from files to a served and explained prediction, and what is run again when something changes."""

import math
import shutil
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

import headrace as hr
from headrace.app.errors import SourceMoved
from headrace.app.lifecycle import build_graph
from headrace.app.reports import ModelReport, RunReport, TableReport
from headrace.app.store import lake_of
from headrace.core.errors import UserError
from headrace.engine.graph import StepContext

from .small_project import orders_csv, write_project


def handle(project: Path, user: str = "ana") -> hr.ProjectHandle:
    return hr.load(project, environment={"HEADRACE_USER": user})


def run(project: Path) -> RunReport:
    opened = handle(project)
    try:
        return opened.run()
    finally:
        opened.close()


def ran(report: RunReport) -> set[str]:
    return {step.name for step in report.steps if step.outcome == "done"}


def test_every_row_is_accounted_for(trained: Path) -> None:
    shown = handle(trained).show("orders_raw")
    assert isinstance(shown, TableReport)
    assert shown.line.rows + shown.line.quarantined + shown.line.duplicates == 90 * 30
    assert shown.line.quarantined > 0


def test_a_model_waits_for_somebody_else(trained: Path) -> None:
    shown = handle(trained).show("returned")
    assert isinstance(shown, ModelReport)
    assert shown.state == "awaiting_approval"
    assert shown.looks == 1
    assert all(gate.passed for gate in shown.gates)
    assert {each.name for each in shown.candidates} == {"baseline", "logistic", "gradient_boosting"}
    with pytest.raises(UserError, match="reviewer"):
        handle(trained, "ana").approve("returned", "mine is fine")


def test_a_second_run_does_nothing(trained: Path) -> None:
    report = run(trained)
    assert report.run_id is None
    assert ran(report) == set()


def test_a_changed_comment_changes_nothing(copied: Path) -> None:
    text = copied.read_text(encoding="utf-8")
    copied.write_text(
        text.replace("def with_region", "# regions come from the shops\ndef with_region").replace("\nfeatures =", "\n\n\nfeatures ="),
        encoding="utf-8",
    )
    assert run(copied).run_id is None


def test_a_changed_feature_runs_what_depends_on_it_and_nothing_else(copied: Path) -> None:
    text = copied.read_text(encoding="utf-8")
    copied.write_text(text.replace('over="7d"', 'over="14d"'), encoding="utf-8")
    assert ran(run(copied)) == {
        "lookup:returned.1", "features:returned", "train:returned.baseline", "train:returned.logistic", "train:returned.gradient_boosting",
        "evaluate:returned", "bundle:returned", "judge:returned",
    }  # fmt: skip


def test_a_changed_function_derives_again(copied: Path) -> None:
    text = copied.read_text(encoding="utf-8")
    copied.write_text(text.replace('select("shop", "region")', 'select("shop", "region", "size")'), encoding="utf-8")
    done = ran(run(copied))
    assert "derive:orders" in done
    assert "ingest:orders_raw" not in done
    assert "lookup:returned.0" in done  # its spine is the derived table


def test_a_new_day_of_data_runs_what_depends_on_it_and_nothing_else(copied: Path) -> None:
    (copied.parent / "orders.csv").write_text(orders_csv(91), encoding="utf-8")
    report = run(copied)
    assert {step.name for step in report.steps} - ran(report) == {"ingest:shops"}


def test_looks_at_the_same_test_are_counted(copied: Path) -> None:
    text = copied.read_text(encoding="utf-8")
    copied.write_text(text.replace('over="7d"', 'over="14d"'), encoding="utf-8")
    run(copied)
    shown = handle(copied).show("returned")
    assert isinstance(shown, ModelReport)
    assert (shown.version, shown.looks) == ("returned@2", 2)


def test_going_back_finds_what_was_made_before(copied: Path) -> None:
    text = copied.read_text(encoding="utf-8")
    handle(copied, "ben").approve("returned", "the first")
    # A table that means something else, and by that another model, which the champion keeps out.
    other = text.replace('select("shop", "region")', 'select("shop", "region", "size")')
    copied.write_text(other, encoding="utf-8")
    assert "derive:orders" in ran(run(copied))
    assert table_columns(copied) >= {"size"}
    copied.write_text(text, encoding="utf-8")
    back = run(copied)
    assert back.run_id is None
    assert "size" not in table_columns(copied)
    assert back.notes == []
    copied.write_text(other, encoding="utf-8")
    assert run(copied).notes == ["returned@2, which this description gives, is rejected; returned@1 serves."]


def table_columns(project: Path) -> set[str]:
    shown = handle(project).show("orders")
    assert isinstance(shown, TableReport)
    return set(shown.types)


def test_the_whole_way_to_a_predicted_file_and_back(copied: Path) -> None:
    handle(copied, "ben").approve("returned", "good enough for the pilot")
    rows = copied.parent / "ask.csv"
    rows.write_text(
        "shop,amount,email,placed\ns1,150.0,b4@example.org,2024-03-31T12:00:00Z\ns2,10.0,b5@example.org,2024-03-31T13:00:00Z\n",
        encoding="utf-8",
    )
    output = copied.parent / "out.csv"
    said = handle(copied).predict("returned", rows, output)
    assert (said.rows, said.version, said.output) == (2, "returned@1", str(output))
    answered = pl.read_csv(output)
    assert answered["score"].is_between(0, 1).all()
    report = handle(copied).why(answered["prediction_id"][0])
    assert report.model.version == "returned@1"
    assert report.model.approvals[0].identity == "ben"
    assert report.inputs["email"].startswith("pn_")
    raw = sum(feature.contribution or 0.0 for feature in report.features) + (report.bias or 0.0)
    assert 1 / (1 + math.exp(-raw)) == pytest.approx(answered["score"][0], rel=1e-6)
    assert "b4@example.org" not in str(report)


def test_costs_add_up(trained: Path) -> None:
    opened = handle(trained)
    by = {name: opened.cost(name) for name in ("run", "step", "model")}
    totals = {Decimal(report.total_usd) for report in by.values()}
    assert len(totals) == 1
    assert all(sum(Decimal(line.amount_usd) for line in report.lines) == Decimal(report.total_usd) for report in by.values())
    assert totals.pop() > 0


def test_the_audit_is_whole(trained: Path) -> None:
    report = handle(trained).verify_audit()
    assert report.whole
    assert report.rows > 10


def test_models_that_share_features_share_the_work(copied: Path) -> None:
    text = copied.read_text(encoding="utf-8")
    other = """
slow = hr.Model(
    "slow", features=features, target=col("settled") > col("placed") + hr.days(1),
    split=hr.split.by_time(validation="15d", test="15d", purge="1d"), candidates=[hr.Baseline()], metric="roc_auc",
)

project ="""
    copied.write_text(text.replace("\nproject =", other).replace("models=[returned]", "models=[slow, returned]"), encoding="utf-8")
    assert ran(run(copied)) == {"train:slow.baseline", "evaluate:slow", "bundle:slow", "judge:slow"}
    slow = handle(copied).show("slow")
    assert isinstance(slow, ModelReport)
    assert (slow.version, slow.state) == ("slow@1", "champion")


def test_what_the_lake_has_lost_is_made_again(copied: Path) -> None:
    blobs = copied.parent / ".headrace" / "blobs"
    shutil.rmtree(blobs)
    done = ran(run(copied))
    assert "lookup:returned.1" in done
    assert "train:returned.logistic" in done
    assert "ingest:orders_raw" not in done
    shutil.rmtree(copied.parent / ".headrace" / "lake" / "returns" / "orders_raw")
    assert ran(run(copied)) == {"ingest:orders_raw"}
    assert run(copied).run_id is None


def test_a_file_that_changes_while_the_run_is_at_work_is_not_taken_for_what_it_was(tmp_path: Path) -> None:
    project = write_project(tmp_path / "returns")
    given = handle(project)
    graph = build_graph(given.workspace, Decimal(0))
    orders = project.parent / "orders.csv"
    as_it_was = orders.read_text(encoding="utf-8")
    orders.write_text("\n".join(as_it_was.splitlines()[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(SourceMoved, match="orders_raw"):
        graph.steps["ingest:orders_raw"].run(StepContext({}, lambda *told: None, "run_none", "ingest:orders_raw"))
    assert lake_of(given.workspace).tables.version("orders_raw") is None
    given.close()
