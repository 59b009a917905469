"""A project whose model a run has trained, made once: a test has a copy of its own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.learnt import LOGISTIC, write_project

import headrace as hr


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Train a candidate, once."""
    made: dict[str, Path] = {}

    def folder(candidate: str) -> Path:
        if candidate not in made:
            made[candidate] = tmp_path_factory.mktemp("trained")
            project = hr.load(write_project(made[candidate], candidate), environment={"HEADRACE_USER": "ana"})
            project.run()
            project.close()
        return made[candidate]

    return folder


@pytest.fixture
def trained(tmp_path: Path, trained_once: Callable[[str], Path]) -> Callable[..., Path]:
    """Give a project with its trained model, `returned@1`, which is the champion; and have the description say something else."""

    def project(candidate: str = LOGISTIC, gates: str = '[hr.gate.beats("baseline")]', approve: str = "None") -> Path:
        shutil.copytree(trained_once(candidate), tmp_path, dirs_exist_ok=True)
        return write_project(tmp_path, candidate, gates, approve)

    return project
