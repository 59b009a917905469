"""A project in hand: everything the command line does is a call here first. Heavy parts are loaded by the calls that need them."""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.app.loading import load_project
from headrace.app.settings import Settings, read_settings
from headrace.app.workspace import Workspace

if TYPE_CHECKING:
    from headrace.app.reports import (
        ApprovalReport,
        AuditReport,
        CostReport,
        PlanReport,
        Report,
        RunLine,
        RunReport,
        StatusReport,
        WhyReport,
    )
    from headrace.engine.observers import Observer


def load(project: str | Path = "project.py", *, environment: Mapping[str, str] | None = None, home: str | None = None) -> "ProjectHandle":
    """Read a project file and return it in hand.

    Raises:
        ProjectNotFound: if it is not there.
        SpecError: if a declaration is wrong, with the file and the line.
    """
    variables = os.environ if environment is None else environment
    path = Path(project).absolute()
    return ProjectHandle(Workspace(load_project(path), read_settings(path, variables, {"home": home}), variables))


class ProjectHandle:
    """A project and everything that can be asked of it.

    >>> import headrace as hr
    >>> hr.load("examples/wines/project.py").plan().to_run[0]  # doctest: +SKIP
    'ingest:wines'
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @property
    def settings(self) -> Settings:
        """Every setting and where it came from."""
        return self.workspace.settings

    def plan(self) -> "PlanReport":
        """Return what a run would do."""
        return self._call("running:plan_run")  # type: ignore[no-any-return]

    def run(self, progress: "Observer | None" = None) -> "RunReport":
        """Do as much of the project's life as the description asks for, and only what changed."""
        return self._call("running:run_project", progress)  # type: ignore[no-any-return]

    def status(self) -> "StatusReport":
        """Return how the project stands."""
        return self._call("looking:status")  # type: ignore[no-any-return]

    def runs(self, limit: int = 20) -> "Sequence[RunLine]":
        """Return runs, newest first."""
        return self._call("looking:list_runs", limit)  # type: ignore[no-any-return]

    def show(self, what: str) -> "Report":
        """Return a run, a model, a model's version or a table."""
        return self._call("looking:show", what)  # type: ignore[no-any-return]

    def why(self, prediction_id: str) -> "WhyReport":
        """Walk a prediction back to everything it came from."""
        return self._call("explaining:why", prediction_id)  # type: ignore[no-any-return]

    def cost(self, by: str = "run") -> "CostReport":
        """Return what the project cost, by run, step or model."""
        return self._call("costing:cost", by)  # type: ignore[no-any-return]

    def approve(self, model: str, comment: str) -> "ApprovalReport":
        """Approve the version of a model that waits for it."""
        return self._call("approving:approve_model", model, comment)  # type: ignore[no-any-return]

    def issue_token(self, name: str) -> str:
        """Make a token for a member of the team; it is seen once."""
        return self._call("approving:issue", name)  # type: ignore[no-any-return]

    def revoke_token(self, name: str) -> str:
        """Revoke the tokens of a member of the team; return a line for people."""
        return self._call("approving:revoke", name)  # type: ignore[no-any-return]

    def verify_audit(self) -> "AuditReport":
        """Check the hash chain of the audit."""
        return self._call("looking:verify")  # type: ignore[no-any-return]

    def publish(self, as_of: datetime | None = None) -> Sequence[str]:
        """Build the feature state of every champion as of a moment (default: now), for servers to read; return a line each."""
        return self._call("publishing:publish", as_of)  # type: ignore[no-any-return]

    def predict(self, model: str, rows: str | Path, output: str | Path) -> str:
        """Predict a file of rows into a file with the model's champion; return a line for people."""
        return self._call("predicting:predict_file", model, Path(rows), Path(output))  # type: ignore[no-any-return]

    def serve(self, host: str, port: int, as_of: datetime | None, behind_proxy: bool, announce: Callable[[str], None] = print) -> None:
        """Serve the champion of every model until a signal stops it."""
        self._call("serving:serve_champions", host, port, as_of, behind_proxy, announce)

    def close(self) -> None:
        """Close what was opened."""
        self.workspace.close()

    def _call(self, service: str, *arguments: object) -> Any:
        module, _, name = service.partition(":")
        return getattr(importlib.import_module(f"headrace.app.{module}"), name)(self.workspace, *arguments)
