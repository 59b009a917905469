"""Small projects in memory and on disk: nothing here runs a step."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headrace.app.lifecycle import build_graph
from headrace.app.loading import load_project
from headrace.app.settings import read_settings
from headrace.app.workspace import Workspace

DESCRIPTION = """
import headrace as hr
from headrace import col

orders = hr.Events("orders", source=hr.File("orders.csv"), id="order", time="placed")
shops = hr.Entity("shops", source=hr.File("shops.csv"), key="shop")


def doubled(orders, shops):
    return orders.with_columns(twice=FACTOR * 1)


FACTOR = 2
double = hr.Derived("double", inputs=[orders, shops], build=doubled, id="order", time="placed")

features = hr.Features(
    spine=orders,
    as_of=col("placed"),
    given=["shop", "amount", "placed"],
    values={
        "amount": col("amount"),
        "size": hr.latest(shops, "size", by="shop"),
        "busy": hr.window(double, hr.count(), by="shop", over="7d"),
    },
)

late = hr.Model(
    "late", features=features, target=col("late"), split=hr.split.by_time(validation="15d", test="15d"),
    candidates=[hr.Baseline(), hr.Logistic(c=1.0)], metric="roc_auc", gates=[hr.gate.beats("baseline")],
)

project = hr.Project("shop", models=[late], seed=7)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a description and its two files."""
    (tmp_path / "orders.csv").write_text("order,shop,amount,placed,late\n1,a,5.0,2024-01-01T00:00:00Z,true\n", encoding="utf-8")
    (tmp_path / "shops.csv").write_text("shop,size\na,1\n", encoding="utf-8")
    (tmp_path / "project.py").write_text(DESCRIPTION, encoding="utf-8")
    return tmp_path


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    """Open the project in a folder, for Ana."""
    path = folder / "project.py"
    opened = Workspace(load_project(path), read_settings(path, {}), {"HEADRACE_USER": "ana"})
    yield opened
    opened.close()


@pytest.fixture
def fingerprints() -> Callable[[Path], dict[str, str]]:
    """Return the fingerprint of every step of the project in a folder."""

    def found(folder: Path) -> dict[str, str]:
        path = folder / "project.py"
        workspace = Workspace(load_project(path), read_settings(path, {}), {})
        return {name: step.fingerprint for name, step in build_graph(workspace, 0).steps.items()}  # type: ignore[arg-type]

    return found
