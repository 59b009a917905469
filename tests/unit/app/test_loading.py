"""The team's own code is run in a boundary that says which of its lines was at fault."""

import sys

import pytest

from headrace.app.errors import ProjectNotFound, ProjectNotLoadable
from headrace.app.loading import load_project
from headrace.core.errors import UserError


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        path = tmp_path / "project.py"
        path.write_text(text, encoding="utf-8")
        return load_project(path)

    return loaded


def test_it_returns_the_project_whatever_it_is_called(folder):
    path = folder / "project.py"
    path.write_text(path.read_text(encoding="utf-8").replace("project = hr", "mine = same = hr"), encoding="utf-8")
    assert load_project(path).name == "shop"


def test_a_module_beside_it_can_be_imported_and_the_search_path_is_left_as_it_was(folder):
    (folder / "shop_names_of_this_test.py").write_text("NAME = 'shop'\n", encoding="utf-8")
    path = folder / "project.py"
    path.write_text("from shop_names_of_this_test import NAME\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    before = list(sys.path)
    assert load_project(path).name == "shop"
    assert sys.path == before
    del sys.modules["shop_names_of_this_test"]


def test_without_the_file(tmp_path):
    with pytest.raises(ProjectNotFound, match="headrace init"):
        load_project(tmp_path / "project.py")


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("x = 1\ny = = 2\n", 2, "SyntaxError: invalid syntax\n"),
        ("\n\n1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("import headrace as hr\nhr.Evnts('x')\n", 2, "Evnts"),
        ("import nowhere_at_all\n", 1, "No module named 'nowhere_at_all'"),
        ("def f():\n    raise ValueError('mine')\n\n\nf()\n", 2, "ValueError: mine"),
        ("import json\n\njson.loads('{')\n", 3, "JSONDecodeError"),
        ("x = 1\n", 1, "declares no hr.Project"),
    ],
)
def test_what_goes_wrong_is_told_with_the_line_in_the_team_s_file(load, tmp_path, text, line, told):
    with pytest.raises(ProjectNotLoadable, match=told) as caught:
        load(text)
    assert caught.value.problem
    assert str(caught.value).startswith(f"{tmp_path}/project.py:{line}: ")


def test_a_misspelt_name_gets_the_nearest(load):
    with pytest.raises(ProjectNotLoadable, match="Did you mean 'Events'"):
        load("import headrace as hr\nhr.Evnts('x')\n")


def test_errors_of_ours_keep_the_line_that_they_name(load):
    with pytest.raises(UserError) as caught:
        load("import headrace as hr\n\nhr.split.by_time(validation='3dd',\n    test='4d')\n")
    assert caught.value.location is not None
    assert caught.value.location.line == 3


def test_two_projects_in_a_file_are_refused(folder):
    path = folder / "project.py"
    path.write_text(path.read_text(encoding="utf-8") + 'second = hr.Project("second", models=[late])\n', encoding="utf-8")
    with pytest.raises(ProjectNotLoadable, match="declares 2 projects"):
        load_project(path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("hr.Tune(trails=3)", "  Did you mean 'trials'? Valid: at_once, cost_usd, time, trials."),
        ("hr.split.random(valid=0.2)", "  Did you mean 'validation'? Valid: stratify, test, validation."),
        ("hr.Project('p', tables=[])", "  Valid: models, name, "),
        ("hr.Project('p')", "\n  hr.Project takes: name: str, models: tuple[Model, ...], "),
        ("hr.rows(minimum='many')", "\n  hr.rows takes: minimum: int = 0, maximum: int | None = None, severity: str = 'stop'."),
        ("(hr.rows(minimum='many'), hr.rows(1))", "  What a declaration takes: "),
        ("hr.split.randm()", "  Did you mean 'random'? Valid: by_time, random."),
        ("hr.col('a').uper()", "  Did you mean 'upper'? Valid: abs, cast, "),
        ("hr.col('a').str.upper()", "  What is done with texts and moments stands on the expression itself"),
        ("1 + 'a'", "\n  Mend that line"),
    ],
)
def test_what_python_refuses_is_answered_with_what_there_is(load, line, told):
    with pytest.raises(ProjectNotLoadable) as caught:
        load(f"import headrace as hr\n\n{line}\n")
    assert told in str(caught.value)
    assert caught.value.location.line == 3
