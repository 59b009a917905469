"""A champion against a challenger that is not asked quite the same."""

import random
from pathlib import Path

import pytest

import headrace as hr
from headrace.app.reports import ModelReport
from headrace.core.errors import HeadraceError

PROJECT = """
import headrace as hr
from headrace import col

fruits = hr.Events("predictions", source=hr.File("fruits.csv"), id="id")
features = hr.Features(spine=fruits, given=["size", "weight"], values={"size": col("size"), "weight": col("weight")})
kind = hr.Model(
    "kind", features=features, target=col("kind"), split=hr.split.random(), candidates=[hr.Logistic(c=1.0)], tune=hr.Tune(trials=1),
    metric="accuracy", gates=[hr.gate.beats("champion")],
)
project = hr.Project("fruits", models=[kind])
"""


def fruits(*kinds: str, each: int = 150) -> str:
    rng = random.Random(0)
    rows = [(kind, 3 * place + rng.random(), rng.random()) for place, kind in enumerate(kinds) for _ in range(each)]
    lines = [f"{number},{size:.4f},{weight:.4f},{kind}" for number, (kind, size, weight) in enumerate(rows)]
    return "\n".join(["id,size,weight,kind", *lines]) + "\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose champion tells apples from cherries and melons."""
    (tmp_path / "fruits.csv").write_text(fruits("cherry", "apple", "melon"), encoding="utf-8")
    (tmp_path / "project.py").write_text(PROJECT, encoding="utf-8")
    assert run(tmp_path).state == "champion"
    return tmp_path


def run(folder: Path) -> ModelReport:
    opened = hr.load(folder / "project.py", environment={"HEADRACE_USER": "ana"})
    try:
        opened.run()
        shown = opened.show("kind")
    finally:
        opened.close()
    assert isinstance(shown, ModelReport)
    return shown


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "project.py"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_a_new_class_does_not_renumber_the_champion_s(project: Path) -> None:
    # "banana" comes between apple and cherry; the champion is as right as ever about the others.
    (project / "fruits.csv").write_text(fruits("cherry", "apple", "melon", "banana"), encoding="utf-8")
    shown = run(project)
    (gate,) = shown.gates
    better_by = float(gate.message.split()[0])
    assert better_by == pytest.approx(0.25, abs=0.03)


def test_another_kind_of_question_is_not_compared_and_costs_no_look(project: Path) -> None:
    edit(project, 'target=col("kind")', 'target=col("kind") == "apple"')
    with pytest.raises(HeadraceError, match="it answers a multiclass question, this description a binary one") as caught:
        run(project)
    assert "another name" in str(caught.value)
    edit(project, 'target=col("kind") == "apple"', 'target=col("kind")')
    edit(project, "c=1.0", "c=0.5")
    assert run(project).looks == 2


def test_a_column_that_the_champion_reads_and_that_is_gone_is_named(project: Path) -> None:
    text = (project / "fruits.csv").read_text(encoding="utf-8").replace("weight", "mass")
    (project / "fruits.csv").write_text(text, encoding="utf-8")
    edit(project, "weight", "mass")
    edit(project, 'hr.File("fruits.csv")', 'hr.File("fruits.csv", null_values="NA")')
    with pytest.raises(HeadraceError, match="kind@1 serves, and cannot be compared with: it reads 'weight' of 'predictions'"):
        run(project)


def test_a_table_of_the_team_s_may_be_called_predictions(project: Path) -> None:
    opened = hr.load(project / "project.py", environment={"HEADRACE_USER": "ana"})
    try:
        (project / "asked.csv").write_text("size,weight\n3.5,0.5\n", encoding="utf-8")
        assert opened.predict("kind", project / "asked.csv", project / "told.csv").rows == 1
        edit(project, "c=1.0", "c=0.5")
    finally:
        opened.close()
    run(project)
