"""Which lookups are answered together."""

import pytest

from headrace.app.lifecycle import build_graph
from headrace.app.loading import load_project
from headrace.app.workspace import Workspace
from headrace.engine.graph import StepContext
from headrace.features.bucketed import MOST_TOGETHER

TYPES = {"order": "int", "shop": "string", "amount": "float", "placed": "datetime", "late": "bool"}
MEANS = [f'hr.window(orders, col("amount").mean(), by="shop", over="{hours}h")' for hours in range(1, 10)]
COUNT, LAST = 'hr.window(orders, hr.count(), by="shop", over="7d")', 'hr.latest(orders, "order", by="shop")'
WHERE, OTHER_KEY = f'{MEANS[0][:-1]}, where=col("late"))', 'hr.latest(orders, "order", by="amount")'
WRONG = 'hr.latest(orders, "ordre", by="shop")'


@pytest.fixture
def choices(folder, workspace):
    """Return which of some lookups are answered with the first, all of them missing; the shops' is numbered 0 and stands for itself."""

    def found(rows, *lookups):
        path = folder / "project.py"
        features = "".join(f'"f{number}": {each}, ' for number, each in enumerate(lookups))
        text = path.read_text(encoding="utf-8").replace('"busy": hr.window(double, hr.count(), by="shop", over="7d"),', features)
        path.write_text(text, encoding="utf-8")
        project = Workspace(load_project(path), workspace.settings, {"HEADRACE_USER": "ana"})
        steps = build_graph(project, 0).steps
        tables = {"ingest:orders": {"types": TYPES, "rows": rows}, "ingest:shops": {"types": {"shop": "string", "size": "int"}, "rows": 9}}
        contexts = {name: StepContext(tables, print, "run", name) for name in (f"lookup:late.{n + 1}" for n in range(len(lookups)))}
        assert steps["lookup:late.0"].company is not steps["lookup:late.1"].company
        chosen = steps["lookup:late.1"].company.choose(contexts)
        return [lookups[int(name.rpartition(".")[2]) - 1] for name in chosen]

    return found


def test_of_tables_that_are_held_at_once_whatever_looks_into_the_same(choices):
    assert choices(1 << 20, MEANS[0], COUNT, WHERE, OTHER_KEY, LAST) == [MEANS[0], COUNT, WHERE, OTHER_KEY, LAST]


@pytest.mark.parametrize("alike", [[*MEANS[:2]], [COUNT, LAST], [OTHER_KEY], [WHERE]])
def test_of_tables_that_are_parted_what_sees_the_same_rows_by_the_same_keys(choices, alike):
    others = [each for each in (*MEANS[:2], COUNT, LAST, OTHER_KEY, WHERE) if each not in alike]
    assert choices((1 << 20) + 1, *alike, *others) == alike


def test_no_more_than_the_most(choices):
    assert choices(10, *MEANS) == MEANS[:MOST_TOGETHER]


def test_one_that_is_wrong_keeps_nobody_waiting(choices):
    assert choices(10, COUNT, WRONG) == [COUNT]
