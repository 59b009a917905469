"""Champions and challengers: who is served, and what it takes to take its place."""

from pathlib import Path

import pytest

import headrace as hr
from headrace.app.reports import ModelReport

from .command import refused, run_command, served
from .small_project import PROJECT, orders_csv, write_project

WITHOUT_APPROVAL = PROJECT.replace('    approve=hr.Approve(role="reviewer"),\n', "")
AMOUNT = '        "amount": col("amount"),\n'
QUICK = "candidates=[hr.Logistic(c=1.0)"


def run(project: Path, text: str | None = None) -> ModelReport:
    """Run a description and return the newest version."""
    if text is not None:
        project.write_text(text, encoding="utf-8")
    opened = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        opened.run()
        found = opened.show("returned")
    finally:
        opened.close()
    assert isinstance(found, ModelReport)
    return found


def states(project: Path) -> dict[str, str]:
    opened = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        return {model.version: model.state for model in opened.status().models}
    finally:
        opened.close()


def gate(model: ModelReport, name: str) -> tuple[bool, str]:
    return next((each.passed, each.message) for each in model.gates if each.gate == name)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    return write_project(tmp_path / "returns")


def test_without_an_approval_the_gates_promote_and_a_failing_gate_leaves_the_champion(fresh: Path) -> None:
    assert run(fresh, WITHOUT_APPROVAL).state == "champion"
    harder = WITHOUT_APPROVAL.replace("gates=[", 'gates=[hr.gate.at_least("roc_auc", 0.999), ')
    challenger = run(fresh, harder)
    assert (challenger.version, challenger.state) == ("returned@2", "rejected")
    passed, message = gate(challenger, "roc_auc at least 0.999")
    assert not passed
    assert "at least 0.999" in message
    assert states(fresh) == {"returned@1": "champion", "returned@2": "rejected"}
    with served(fresh.parent) as url:
        assert url.startswith("http://127.0.0.1:")
    assert "its newest version is rejected" in refused(fresh.parent, "approve", "returned", "--comment", "please", user="ben")


def test_what_never_passed_its_gates_is_not_served(fresh: Path) -> None:
    assert run(fresh, WITHOUT_APPROVAL.replace("gates=[", "gates=[hr.gate.latency(p99_ms=1e-9), ")).state == "rejected"
    assert "did not pass its gates" in refused(fresh.parent, "serve")
    assert "did not pass its gates" in refused(fresh.parent, "predict", "returned", "orders.csv", "out.csv")


def test_a_challenger_that_is_not_better_is_rejected_after_a_comparison_on_the_same_rows(copied: Path) -> None:
    run_command(copied, "approve", "returned", "--comment", "fine", user="ben")
    challenger = run(copied, PROJECT.replace('over="7d"', 'over="14d"'))
    passed, message = gate(challenger, "beats champion")
    assert not passed
    assert "than the champion returned@1, between" in message
    assert "adjusted for 2 looks" in message
    assert challenger.looks == 2
    assert states(copied) == {"returned@1": "champion", "returned@2": "rejected"}


def test_a_better_challenger_takes_the_champion_s_place_once_approved(fresh: Path) -> None:
    first = run(fresh, PROJECT.replace(AMOUNT, ""))
    assert first.state == "awaiting_approval"
    run_command(fresh, "approve", "returned", "--comment", "a beginning", user="ben")
    second = run(fresh, PROJECT)
    passed, message = gate(second, "beats champion")
    assert passed, message
    assert "better than the champion returned@1" in message
    assert states(fresh) == {"returned@1": "champion", "returned@2": "awaiting_approval"}
    run_command(fresh, "approve", "returned", "--comment", "better", user="ben")
    assert states(fresh) == {"returned@2": "champion"}


def test_what_waited_before_the_champion_came_is_not_approved_any_more(fresh: Path) -> None:
    run(fresh, PROJECT.replace(AMOUNT, ""))
    run(fresh, PROJECT)
    assert set(states(fresh).values()) == {"awaiting_approval"}
    run_command(fresh, "approve", "returned", "--comment", "the newer", user="ben")
    assert "returned" in refused(fresh.parent, "approve", "returned", "--comment", "once more", user="ben")
    assert states(fresh)["returned@2"] == "champion"


def test_new_days_are_judged_against_the_champion_on_the_new_rows(copied: Path) -> None:
    run_command(copied, "approve", "returned", "--comment", "fine", user="ben")
    (copied.parent / "orders.csv").write_text(orders_csv(100), encoding="utf-8")
    challenger = run(copied)
    assert challenger.looks == 1  # other rows: nobody has seen them
    assert "the champion returned@1" in gate(challenger, "beats champion")[1]
    assert states(copied)["returned@1"] == "champion"
