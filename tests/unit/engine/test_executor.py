"""The executor of one process, and a cluster that is not there. One that is, is met in `tests/e2e/test_ray.py`."""

import subprocess
import sys

import pytest

from headrace.core.errors import UserError
from headrace.engine.executor import Here


def test_parts_are_drawn_and_done_one_after_the_other():
    drawn = []

    def parts():
        for number in range(3):
            drawn.append(number)
            yield number

    assert [(each, list(drawn)) for each in Here().each(str, parts())] == [("0", [0]), ("1", [0, 1]), ("2", [0, 1, 2])]


def test_what_hears_is_asked_before_each_part():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Here().each(str, [1], stop))


def test_what_the_work_raises_is_raised():
    with pytest.raises(ValueError, match="invalid literal"):
        list(Here().each(int, ["x"]))


def test_ray_that_is_not_installed_is_asked_for_by_its_extra(tmp_path):
    script = """
import sys
from pathlib import Path
sys.modules["ray"] = None  # as where it is not installed
from headrace.app.settings import read_settings
from headrace.app.workspace import Workspace
from headrace.engine.errors import RayNotInstalled
from headrace.spec.project import Project
try:
    Workspace(Project("p", models=[]), read_settings(Path("project.py"), {"HEADRACE_ENGINE": "ray"}), {}).executor
except RayNotInstalled as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert "the engine 'ray' needs the package 'ray', which is not installed." in ran.stdout, ran.stderr
    assert "pip install 'headrace[ray]'" in ran.stdout


def test_versions_that_differ_are_named():
    from headrace.engine.errors import WorkersDiffer

    error = WorkersDiffer("node-7", ("Python 3.11.9", "polars 2.1.0"), ("Python 3.11.9", "polars 2.0.0"))
    assert isinstance(error, UserError)
    assert "a worker on node-7 has polars 2.0.0, here polars 2.1.0" in str(error)
