"""What the command line says when something is wrong, and to whom it gives which exit code."""

import json
import re
import socket
from pathlib import Path

import pytest

import headrace as hr

from .command import ask, call, refused, run_command
from .small_project import PROJECT, write_project


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """The small project with little data, not yet run."""
    return write_project(tmp_path, days=2)


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(PROJECT.splitlines(), 1) if text in line)


def test_without_a_project_file_it_says_where_to_begin(tmp_path: Path) -> None:
    said = ask(tmp_path, "run")
    assert said.code == 1
    assert said.out == ""
    assert "there is no project file" in said.err
    assert "headrace init" in said.err


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("orders_raw = hr.Events(", "orders_raw = = hr.Events(", "SyntaxError: invalid syntax\n"),
        ("hr.Events(", "hr.Evnts(", "Did you mean 'Events'?"),
        ('"amount": col("amount")', '"amount": col("amout")', "uses the column 'amout' of 'orders'"),
        ('metric="roc_auc"', 'metric="roc_auk"', "Did you mean 'roc_auc'?"),
        ('over="7d"', 'over="7x"', "'7x' is not a duration"),
        ("trials=2", "trails=2", "Unexpected keyword argument 'trails'"),
        ("build=with_region", "build=with_regin", "name 'with_regin' is not defined"),
        ('hr.File("orders.csv")', 'hr.File("order.csv")', "Did you mean 'orders.csv'?"),
    ],
)
def test_a_mistake_in_the_description_is_told_with_its_line(described: Path, right: str, wrong: str, told: str) -> None:
    described.write_text(PROJECT.replace(right, wrong), encoding="utf-8")
    said = refused(described.parent, "run")
    assert told in said
    found = re.search(r"project\.py:(\d+): ", said)
    assert found
    assert 0 <= line_of(right) - int(found.group(1)) < 8  # a declaration over several lines is told by its first


@pytest.mark.parametrize(
    ("right", "wrong", "step", "told"),
    [
        ('latest(shops, "size"', 'latest(shops, "siez"', "lookup:returned.0", "Did you mean 'size'?"),
        ('"amount": col("amount")', '"amount": col("shop") * 2', "features:returned", 'col("shop") * 2) does not take (string, int)'),
        ('target=col("returned")', 'target=col("returnd")', "train:returned.baseline", "Did you mean 'returned'?"),
        ('id="order_id", time="placed", expect', 'id="order_i", time="placed", expect', "ingest:orders_raw", "Did you mean 'order_id'?"),
        ("return orders.join(", "return orders.jion(", "derive:orders", "'LazyFrame' object has no attribute 'jion'"),
    ],
)
def test_a_mistake_that_only_the_data_shows_is_told_by_the_step_with_its_line(
    described: Path, right: str, wrong: str, step: str, told: str
) -> None:
    described.write_text(PROJECT.replace(right, wrong), encoding="utf-8")
    said = refused(described.parent, "run")
    assert f"step {step!r} failed: {described}:" in said
    assert told in said
    assert "  failed" in run_command(described, "runs").out


def test_a_home_that_cannot_be_written_is_the_machine_s_fault(described: Path) -> None:
    said = ask(described.parent, "run", "--home", "/proc/nowhere")
    assert said.code == 3
    assert "the home /proc/nowhere cannot be used" in said.err


def test_unknown_names_are_told_with_what_there_is(trained: Path) -> None:
    there = trained.parent
    assert "Valid: orders, orders_raw, returned, shops." in refused(there, "show", "return")
    assert "Did you mean 'returned@1'?" in refused(there, "show", "returned@9")
    assert "the ledger holds no run" in refused(there, "show", "run_00000000000000000000000000")
    assert "there is no prediction" in refused(there, "why", "prd_00000000000000000000000000")
    assert "is not a prediction id" in refused(there, "why", "nonsense")
    assert "Did you mean 'returned'?" in refused(there, "predict", "returnd", "orders.csv", "out.csv")
    assert "Valid: model, run, step." in refused(there, "cost", "--by", "day")


def test_usage_errors_have_a_code_of_their_own(trained: Path) -> None:
    for arguments in (["frob"], ["run", "--frob"], ["approve", "returned"], ["runs", "--limit", "0"]):
        assert call(trained.parent, *arguments).code == 2


def test_approvals_follow_the_rules(copied: Path) -> None:
    there = copied.parent
    assert "it takes the role 'reviewer'; theirs: engineer" in refused(there, "approve", "returned", "--comment", "mine")
    assert "an approval without a comment" in refused(there, "approve", "returned", "--comment", " ", user="ben")
    run_command(copied, "approve", "returned", "--comment", "fine", user="ben")
    assert "its newest version is champion" in refused(there, "approve", "returned", "--comment", "again", user="ben")


def test_nobody_approves_what_they_ran_nor_twice(tmp_path: Path) -> None:
    two = PROJECT.replace('hr.Approve(role="reviewer")', 'hr.Approve(role="reviewer", count=2)').replace(
        'hr.Person("ben", roles="reviewer")', 'hr.Person("ben", roles="reviewer"), hr.Person("eve", roles=["reviewer"])'
    )
    project = write_project(tmp_path / "returns")
    project.write_text(two, encoding="utf-8")
    run_command(project, "run", user="ben")
    assert "'ben' ran the training" in refused(project.parent, "approve", "returned", "--comment", "mine", user="ben")
    opened = hr.load(project, environment={"HEADRACE_USER": "eve"})
    assert opened.approve("returned", "fine").missing == 1
    opened.close()
    assert "'eve' has already approved returned@1" in refused(project.parent, "approve", "returned", "--comment", "again", user="eve")
    assert "no champion to serve" in refused(project.parent, "serve")


def test_whoever_holds_a_token_must_present_it(copied: Path) -> None:
    token = run_command(copied, "token", "issue", "ben").out.strip()
    approval = ("approve", "returned", "--comment", "fine")
    assert "'ben' holds a token" in refused(copied.parent, *approval, user="ben")
    assert "not one that this ledger issued" in refused(copied.parent, *approval, HEADRACE_TOKEN="hr_forged")
    assert "approved by ben" in run_command(copied, *approval, HEADRACE_TOKEN=token).out
    assert token not in (copied.parent / ".headrace" / "ledger.db").read_bytes().decode("latin-1")


def test_nobody_gets_a_token_of_somebody_who_has_one(copied: Path) -> None:
    token = run_command(copied, "token", "issue", "ben").out.strip()
    assert "'ana' may not change the tokens of 'ben'" in refused(copied.parent, "token", "issue", "ben")
    assert "'ana' may not change the tokens of 'ben'" in refused(copied.parent, "token", "revoke", "ben")
    assert run_command(copied, "token", "issue", "ben", HEADRACE_TOKEN=token).out.startswith("hr_")
    assert "revoked 2 of ben's tokens" in run_command(copied, "token", "revoke", "ben", HEADRACE_TOKEN=token).out
    assert "was revoked at" in refused(copied.parent, "token", "issue", "ben", HEADRACE_TOKEN=token)
    assert "there is no person in the team 'bob'" in refused(copied.parent, "token", "issue", "bob")


def test_serving_says_what_is_missing_or_taken(copied: Path) -> None:
    there = copied.parent
    assert "It waits for approval: headrace approve returned" in refused(there, "serve")
    run_command(copied, "approve", "returned", "--comment", "fine", user="ben")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"cannot listen on 127.0.0.1:{port}" in refused(there, "serve", "--port", port)
    assert "--behind-proxy" in refused(there, "serve", "--host", "0.0.0.0", "--port", "0")
    assert "has no time zone" in refused(there, "serve", "--as-of", "2024-03-01T00:00:00")


def test_programs_get_json_results_and_json_events(described: Path) -> None:
    described.write_text(PROJECT.replace('"amount": col("amount")', '"amount": col("shop") * 2'), encoding="utf-8")
    planned = json.loads(run_command(described, "run", "--dry-run", "--json").out)
    assert len(planned["to_run"]) == 13
    assert not (described.parent / ".headrace" / "lake").exists()
    said = call(described.parent, "run", "--json")
    events = [json.loads(line) for line in said.err.splitlines() if line.startswith("{")]
    assert {event["event"] for event in events} >= {"step_started", "step_finished"}
    failed = [event for event in events if event.get("outcome") == "failed"]
    assert [event["step"] for event in failed] == ["features:returned"]
    assert "does not take" in failed[0]["error"]["message"]


def test_reports_are_json_for_programs_and_plain_lines_for_pipes(trained: Path) -> None:
    report = json.loads(run_command(trained, "run", "--json").out)
    assert report["run_id"] is None
    assert len(report["steps"]) == 13
    assert "Nothing to do: all 13 steps are unchanged." in run_command(trained, "run", "--dry-run").out
    for arguments in (["status"], ["runs"], ["show", "returned"], ["show", "orders"], ["cost"], ["audit", "verify"]):
        assert "\x1b" not in run_command(trained, *arguments).out
        assert json.loads(run_command(trained, *arguments, "--json").out)
    assert "roc_auc" in run_command(trained, "status").out
    assert re.search(r"BROKEN +between\(amount, 0, 1000\) +quarantine +\d+ rows", run_command(trained, "show", "orders_raw").out)
    assert re.search(r"home +\.headrace +default", run_command(trained, "settings").out)


HEAVY = {"polars", "numpy", "scipy", "pyarrow", "deltalake", "lightgbm", "sklearn", "optuna", "sqlalchemy", "alembic", "dbos", "psycopg"}


@pytest.mark.parametrize("command", ["run", "status", "runs", "cost", "show"])
def test_what_only_tells_or_finds_nothing_to_do_loads_no_library_that_it_does_not_need(copied: Path, command: str) -> None:
    described = copied.read_text(encoding="utf-8")
    copied.write_text(described.replace("import polars as pl", "from __future__ import annotations"), encoding="utf-8")
    what = ("returned",) if command == "show" else ()
    said = ask(copied.parent, command, *what, PYTHONPROFILEIMPORTTIME="1")
    assert said.code == 0, said.err
    assert said.out.startswith("Nothing to do") or command != "run"
    loaded = {line.rpartition("|")[2].strip() for line in said.err.splitlines() if line.startswith("import time:")}
    assert "headrace.ledger.sqlite" in loaded
    assert not HEAVY & loaded
