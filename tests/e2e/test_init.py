"""From somebody's CSV to a trained, judged and asked model, for each kind of answer."""

import json
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sklearn import datasets

from .command import ask, call, refused, run_command

BASELINES = {"breast_cancer": "average_precision", "wine": "log_loss", "diabetes": "rmse"}


def write_csv(path: Path, names: Iterable[str], data: Iterable[Sequence[float]], answers: Iterable[Any]) -> None:
    lines = [",".join([*(name.replace(" ", "_") for name in names), "answer"])]
    lines += [",".join([*map(repr, map(float, row)), str(answer)]) for row, answer in zip(data, answers, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module", params=["breast_cancer", "wine", "diabetes"])
def begun(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, str]:
    """A bundled set as a CSV, described by init and run once; gives its name, the project file and what the run said."""
    folder = tmp_path_factory.mktemp(request.param)
    bundled = getattr(datasets, f"load_{request.param}")()
    answers = bundled.target if request.param == "diabetes" else [f"kind_{code}" for code in bundled.target]
    write_csv(folder / "data.csv", bundled.feature_names, bundled.data, answers)
    said = ask(folder, "init", "data.csv", "--target", "answer", "--output", "described")
    assert said.code == 0, said.err
    project = folder / "described" / "project.py"
    return request.param, project, run_command(project, "run").out


def test_it_is_trained_better_than_the_baseline_and_served_at_once(begun: tuple[str, Path, str]) -> None:
    name, project, said = begun
    assert "answer@1  champion" in said
    assert re.search(r"passed +beats baseline", said)
    assert BASELINES[name] in said
    assert run_command(project, "run").out.startswith("Nothing to do: all 8 steps are unchanged")


def test_init_does_not_write_over_a_description(begun: tuple[str, Path, str]) -> None:
    _, project, _ = begun
    before = project.read_text(encoding="utf-8")
    said = call(project.parents[1], "init", "data.csv", "--target", "answer", "--output", "described")
    assert said.code == 1
    assert project.read_text(encoding="utf-8") == before


def test_a_file_of_rows_is_answered_and_every_answer_explained(begun: tuple[str, Path, str]) -> None:
    name, project, _ = begun
    run_command(project, "predict", "answer", "../data.csv", "out.parquet")
    answered = pl.read_parquet(project.parent / "out.parquet")
    assert answered.height == pl.read_csv(project.parents[1] / "data.csv").height
    assert answered["prediction_id"].n_unique() == answered.height
    report = json.loads(run_command(project, "why", answered["prediction_id"][3], "--json").out)
    raw = report["bias"] + sum(feature["contribution"] for feature in report["features"])
    if name == "breast_cancer":
        assert 1 / (1 + math.exp(-raw)) == pytest.approx(answered["score"][3], rel=1e-6)
        agree = answered.filter(pl.col("decision") == (pl.col("answer") == report_positive(project)))
        assert agree.height > 0.95 * answered.height
    elif name == "diabetes":
        assert raw == pytest.approx(answered["prediction"][3], rel=1e-6)
        assert report["decision"] is None
    else:
        shares = answered.select(pl.sum_horizontal("probability_kind_0", "probability_kind_1", "probability_kind_2")).to_series()
        assert shares.to_list() == pytest.approx([1.0] * answered.height)
        assert (answered["decision"] == answered["answer"]).mean() > 0.95
        assert report["decision"] == answered["decision"][3]
    assert "not logged" not in run_command(project, "why", answered["prediction_id"][3]).out


def report_positive(project: Path) -> str:
    """Return the label that init took for yes."""
    found = re.search(r'target=col\("answer"\) == "(\w+)"', project.read_text(encoding="utf-8"))
    assert found
    return found.group(1)


@pytest.mark.parametrize(("name", "what"), [("sales", "a folder; init looks"), ("shops.db", "a database; init looks")])
def test_what_is_no_file_of_rows_is_told_with_what_to_write(tmp_path: Path, name: str, what: str) -> None:
    place = tmp_path / name
    place.write_bytes(b"") if "." in name else place.mkdir()
    assert what in refused(tmp_path, "init", name, "--target", "late", "--output", "out")
    assert not (tmp_path / "out").exists()


def test_a_project_is_named_by_its_folder_too(trained: Path, tmp_path: Path) -> None:
    said = call(tmp_path, "status", "--project", trained.parent)
    assert said.code == 0, said.err


def test_two_dirty_rows_are_set_aside_and_the_rest_is_learnt_from(tmp_path: Path) -> None:
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 12, 30), "1d", eager=True).dt.strftime("%Y-%m-%d %H:%M:%S")
    lines = ["signed up,plan,age,usage hours,churned"]
    lines += [
        f"{day},{'pro' if i % 3 else 'free'},{18 + i * 7 % 60},{i * 37 % 331}.5,{'no' if i % 4 else 'yes'}" for i, day in enumerate(days)
    ]
    lines[100:100] = ["notadate,pro,abc,x,yes", ",,,,"]
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = ask(tmp_path, "init", "data.csv", "--target", "churned", "--output", "described")
    assert re.search(r"age +misfits +1 +'abc' +365 of 366 texts are whole numbers; .* the first is row 100", said.out), said.err
    ran = run_command(tmp_path / "described" / "project.py", "run").out
    assert "churned@1" in ran
    quarantined = pl.read_delta(str(next((tmp_path / "described").rglob("data.quarantine"))))
    assert quarantined.height == 2
