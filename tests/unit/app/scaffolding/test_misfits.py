"""Columns of numbers and dates with a few other texts in them: which are taken for what, and what is said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.app.loading import load_project
from headrace.app.scaffolding.misfits import MISFITS
from headrace.app.scaffolding.scaffold import Scaffold, scaffold
from headrace.spec.tables import Events

N = 400


def described(folder: Path, name: str, values: list[str]) -> tuple[Scaffold, Events]:
    """Let init look at a column beside another and a target."""
    lines = [f"{name},x,y", *(f"{value},{i * 7 % 101},{'yes' if i % 7 < 2 else 'no'}" for i, value in enumerate(values))]
    (folder / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    made = scaffold(folder / "data.csv", "y", folder / "project")
    (model,) = load_project(Path(made.path)).models
    assert isinstance(model.features.spine, Events)
    return made, model.features.spine


INTS = [str(i * 37 % 331) for i in range(N)]
FLOATS = [f"{i * 37 % 331}.5" for i in range(N)]
MOMENTS = [f"{datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=9 * i):%Y-%m-%d %H:%M:%S}" for i in range(N)]


def with_others(values: list[str], rows: int, other: str = "bad{}") -> list[str]:
    return [other.format(i) if 50 <= i < 50 + rows else value for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        (with_others(INTS, 2), "int", "398 of 400 texts are whole numbers"),
        (with_others(FLOATS, 20), "float", "380 of 400 texts are numbers"),
        (with_others(MOMENTS, 1), "datetime", "399 of 400 texts are dates"),
        (with_others([str(i % 5) for i in range(N)], 4), "int", "396 of 400 texts are whole numbers"),
    ],
)
def test_nearly_all_say_the_type(tmp_path: Path, values: list[str], kind: str, said: str) -> None:
    made, table = described(tmp_path, "usage", values)
    assert dict(table.types) == {"usage": kind}
    (found,) = [each for each in made.findings if each.kind == MISFITS]
    assert (found.column, found.examples) == ("usage", ("'bad50'",))
    assert said in found.advice
    assert "the first is row 51" in found.advice
    assert made.rows == N


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("usage", with_others(INTS, 21)),
        ("usage", with_others([str(i % 5) for i in range(N)], 5)),
        ("usage", ["", *with_others(INTS, 1)][52:72]),
        ("zip", with_others(INTS, 3, "00{}")),
        ("InvoiceNo", with_others(INTS, 3, "C{}")),
    ],
    ids=["too many", "codes", "too few values", "zeros in front", "an id"],
)
def test_what_is_text_on_purpose_stays_text(tmp_path: Path, name: str, values: list[str]) -> None:
    made, table = described(tmp_path, name, values)
    assert not table.types
    assert not [each for each in made.findings if each.kind == MISFITS]


def test_a_time_with_a_few_misfits_and_nulls_splits_the_rows(tmp_path: Path) -> None:
    values = ["" if i == 70 else value for i, value in enumerate(with_others(MOMENTS, 1))]
    made, table = described(tmp_path, "seen", values)
    assert made.time_column == table.time == "seen"
    assert [(each.kind, each.rows) for each in made.findings][:2] == [(MISFITS, 1), ("no time", 1)]


def test_dates_of_another_format_tell_their_misfits_too(tmp_path: Path) -> None:
    values = [f"{datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=9 * i):%d.%m.%Y}" for i in range(N)]
    made, table = described(tmp_path, "seen", with_others(values, 1))
    assert made.time_column == "seen"
    assert not table.types, "dates= says it already"
    assert "399 of 400 texts are dates; dates= reads 'seen'" in made.findings[0].advice


def test_personal_columns_are_left_as_they_are(tmp_path: Path) -> None:
    made, table = described(tmp_path, "phone", with_others([str(5550000 + i) for i in range(N)], 1))
    assert not table.types
    assert "bad50" not in str(made) + Path(made.path).read_text(encoding="utf-8")


def test_no_more_than_a_twentieth_of_the_rows_is_set_aside(tmp_path: Path) -> None:
    columns = [[f"bad{i}" if i % 40 == k else str(i * 37 % 331) for i in range(N)] for k in range(4)]
    lines = [
        "a,b,c,d,x,y",
        *(",".join([*row, str(i % 31), "yes" if i % 7 < 2 else "no"]) for i, row in enumerate(zip(*columns, strict=True))),
    ]
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    made = scaffold(tmp_path / "data.csv", "y", tmp_path / "project")
    assert [each.column for each in made.findings if each.kind == MISFITS] == ["a", "b"]


@pytest.mark.parametrize(("again", "found"), [(4, True), (5, False)])
def test_an_id_of_which_a_handful_come_again_is_one_all_the_same(tmp_path: Path, again: int, found: bool) -> None:
    made, table = described(tmp_path, "customer id", [f"C{i if i >= again else 99}" for i in range(N)])
    assert table.id == (("customer id",) if found else ())
    assert [(each.kind, each.rows) for each in made.findings] == ([("repeated id", again)] if found else [])
    assert (f"# Different in all rows but {again}:" in Path(made.path).read_text(encoding="utf-8")) is found
