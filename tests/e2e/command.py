"""The command line as a person uses it: a process of its own, with what it printed."""

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from headrace.cli.main import main

COMMAND = [sys.executable, "-m", "headrace"]


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def environment(user: str = "ana", **more: str) -> dict[str, str]:
    """Return this environment without settings of ours, and with a user."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    return {**own, "HEADRACE_USER": user, **more}


def ask(folder: Path, *arguments: str | Path, user: str = "ana", **more: str) -> Said:
    """Run a command in a folder in a process of its own, however it ends. Nobody is ever shown a stack trace."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=folder, env=environment(user, **more), capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


def call(folder: Path, *arguments: str | Path, user: str = "ana", **more: str) -> Said:
    """Do the same in this process, through the same entry point: a second less a command."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as place, redirect_stdout(out), redirect_stderr(err):
        place.chdir(folder)
        for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
            place.delenv(name)
        for name, value in {"HEADRACE_USER": user, **more}.items():
            place.setenv(name, value)
        place.setattr(sys, "argv", ["headrace", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    assert "Traceback" not in out.getvalue() + err.getvalue()
    return Said(code, out.getvalue(), err.getvalue())


def run_command(project: Path, *arguments: str | Path, user: str = "ana", **more: str) -> Said:
    """Run a command beside a project file; it must do what was asked."""
    said = call(project.parent, *arguments, user=user, **more)
    assert said.code == 0, said.err
    return said


def refused(folder: Path, *arguments: str | Path, user: str = "ana", **more: str) -> str:
    """Run a command that must be refused as the caller's fault; return what it said."""
    said = call(folder, *arguments, user=user, **more)
    assert said.code == 1, said
    assert "error: " in said.err
    return said.err[said.err.index("error: ") :]


def hear_interrupts() -> None:
    """A shell without a terminal starts background jobs deaf to Ctrl-C, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def started(folder: Path, *arguments: str | Path, user: str = "ana", **more: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command that a test will talk to or kill. It does not outlive the test."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(user, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def served(folder: Path, *arguments: str | Path, user: str = "ana", **more: str) -> Iterator[str]:
    """Serve on a free port, and stop as an operator does; gives the URL."""
    with started(folder, "serve", "--port", "0", *arguments, user=user, **more) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        found = next((match for line in process.stdout if (match := re.search(r"http://[\w.:]+", line))), None)
        assert found, process.stderr.read()
        yield found.group()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, process.stderr.read()
