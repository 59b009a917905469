"""A project that has been run once, shared by the tests that walk on from there: those that change it take a copy."""

import shutil
from pathlib import Path

import pytest

from .command import ask
from .small_project import write_project


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project's file after Ana's first run. For reading only."""
    project = write_project(tmp_path_factory.mktemp("life") / "returns")
    said = ask(project.parent, "run")
    assert said.code == 0, said.err
    return project


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained project with everything that it keeps, elsewhere."""
    shutil.copytree(trained.parent, tmp_path / "copy")
    return tmp_path / "copy" / "project.py"
