"""A project in hand: everything the command line does is a call here first.

Services are imported by the calls that need them: looking at the ledger loads no table engine, a run with nothing to do no trainer.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.app.loading import load_project
from headrace.app.settings import Settings, read_settings
from headrace.app.workspace import Workspace

if TYPE_CHECKING:
    from headrace.app.agreement_reports import AgreementReport
    from headrace.app.reports import (
        ApprovalReport,
        AuditReport,
        CostReport,
        DoctorReport,
        GcReport,
        PlanReport,
        PredictReport,
        PublishedState,
        Report,
        RunLine,
        RunReport,
        ServingEvent,
        TokenReport,
        UpgradeReport,
        WhyReport,
    )
    from headrace.app.status_reports import StatusReport
    from headrace.app.stream_reports import StreamReport
    from headrace.app.streaming.worker import Watching
    from headrace.engine.observers import Observer


def load(project: str | Path = "project.py", *, environment: Mapping[str, str] | None = None, home: str | None = None) -> "ProjectHandle":
    """Read a project file, or the `project.py` of a folder, and return it in hand.

    Raises:
        ProjectNotFound: if it is not there.
        SpecError: if a declaration is wrong, with the file and the line.
    """
    variables = os.environ if environment is None else environment
    path = Path(project).absolute()
    if path.is_dir():
        path /= "project.py"
    return ProjectHandle(Workspace(load_project(path), read_settings(path, variables, {"home": home}), variables))


class ProjectHandle:
    """A project and everything that can be asked of it: `hr.load("project.py").run()` is what `headrace run` does."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @property
    def settings(self) -> Settings:
        """Every setting and where it came from."""
        return self.workspace.settings

    def plan(self) -> "PlanReport":
        """Return what a run would do."""
        from headrace.app.running import plan_run

        return plan_run(self.workspace)

    def run(self, progress: "Observer | None" = None, *, offline: bool = False) -> "RunReport":
        """Do as much of the project's life as the description asks for, and only what changed.

        With `offline` no source is asked: databases and the like count as they were landed the last time.
        """
        from headrace.app.running import run_project

        return run_project(self.workspace, progress, offline=offline)

    def status(self) -> "StatusReport":
        """Return how the project stands."""
        from headrace.app.looking import status

        return status(self.workspace)

    def runs(self, limit: int = 20) -> "Sequence[RunLine]":
        """Return runs, newest first."""
        from headrace.app.looking import list_runs

        return list_runs(self.workspace, limit)

    def show(self, what: str) -> "Report":
        """Return a run, a model, a model's version or a table."""
        from headrace.app.looking import show

        return show(self.workspace, what)

    def why(self, prediction_id: str) -> "WhyReport":
        """Walk a prediction back to everything it came from."""
        from headrace.app.explaining import why

        return why(self.workspace, prediction_id)

    def cost(self, by: str = "run") -> "CostReport":
        """Return what the project cost, by run, step or model."""
        from headrace.app.costing import cost

        return cost(self.workspace, by)

    def approve(self, model: str, comment: str) -> "ApprovalReport":
        """Approve the version of a model that waits for it."""
        from headrace.app.approving import approve_model

        return approve_model(self.workspace, model, comment)

    def issue_token(self, name: str) -> "TokenReport":
        """Make a token for a member of the team; it is seen once."""
        from headrace.app.approving import issue

        return issue(self.workspace, name)

    def revoke_token(self, name: str) -> "TokenReport":
        """Revoke the tokens of a member of the team."""
        from headrace.app.approving import revoke

        return revoke(self.workspace, name)

    def verify_audit(self) -> "AuditReport":
        """Check the hash chain of the audit."""
        from headrace.app.looking import verify

        return verify(self.workspace)

    def verify_features(
        self,
        model: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        rows: int | None = None,
        report: Callable[[str, int, int], None] | None = None,
    ) -> "AgreementReport":
        """Replay history through batch, stream and online and compare value by value; and hold what was served to what batch now says.

        Of one model or all, with questions that are asked as of, and predictions that were made at, moments from `since` on and before
        `until`; at most so many questions (`rows`), evenly spread. `report` is told what is being done, how many rows are, and of how many.
        """
        from headrace.app.verifying import Verified, verify_features

        return verify_features(self.workspace, Verified(model, since, until, rows), report or (lambda *_: None))

    def upgrade(self, *, dry_run: bool = False) -> "UpgradeReport":
        """Bring the ledger to this version of Headrace, or tell what that would do."""
        from headrace.app.upgrading import upgrade_ledger

        return upgrade_ledger(self.workspace, dry_run=dry_run)

    def doctor(self, fix: bool = False) -> "DoctorReport":
        """Look for what is wrong with the home, and mend what can be mended if asked to."""
        from headrace.app.doctoring import examine

        return examine(self.workspace, mending=fix)

    def publish(self, as_of: datetime | None = None) -> "Sequence[PublishedState]":
        """Build the feature state of every champion as of a moment (default: now), for servers to read."""
        from headrace.app.publishing import publish

        return publish(self.workspace, as_of)

    def predict(
        self, model: str, rows: str | Path, output: str | Path, report: Callable[[int, int], None] | None = None
    ) -> "PredictReport":
        """Predict a file of rows into a file with the model's champion.

        `report` is told now and then how many rows are answered, and of how many.
        """
        from headrace.app.predicting import predict_file

        return predict_file(self.workspace, model, Path(rows), Path(output), report)

    def serve(
        self, host: str, port: int, as_of: datetime | None, behind_proxy: bool, announce: "Callable[[ServingEvent], None]" = print
    ) -> None:
        """Serve the champion of every model until a signal stops it; `announce` is told what is served and where."""
        from headrace.app.serving import serve_champions

        serve_champions(self.workspace, host, port, as_of, behind_proxy, announce)

    def stream(
        self,
        tables: Sequence[str] = (),
        *,
        until_idle: timedelta | None = None,
        once: bool = False,
        metrics_port: int | None = None,
        watching: "Watching | None" = None,
    ) -> "StreamReport":
        """Follow the streamed tables, all of them or some, and keep their rows and the state that lookups into them need.

        It goes on until `watching.stop` is set; `until_idle`: until nothing has come for so long; `once`: until it has taken what there is.
        """
        from headrace.app.streaming.worker import StreamOptions, Watching, stream

        seconds = None if until_idle is None else until_idle.total_seconds()
        options = StreamOptions(tables=tuple(tables), until_idle_seconds=seconds, once=once, metrics_port=metrics_port)
        return stream(self.workspace, options, watching or Watching())

    def gc(
        self,
        grace: timedelta = timedelta(days=1),
        *,
        dry_run: bool = False,
        asked: "Callable[[GcReport], bool]" = lambda _: True,
    ) -> "GcReport":
        """Free what no description, run, model, prediction or rule needs, unless `asked`, which is shown what that is, says no.

        What nobody names is left alone until it is older than `grace`: a process may be about to name it. With `dry_run` nothing is freed.
        """
        from headrace.app.collecting.collect import collect, plan_collecting

        return plan_collecting(self.workspace, grace) if dry_run else collect(self.workspace, grace, asked)

    def close(self) -> None:
        """Close what was opened."""
        self.workspace.close()
