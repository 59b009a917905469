"""Help that shows how, and exit codes that say whose fault it was."""

import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import typer

import headrace
from headrace.cli.main import app, main
from headrace.core.errors import SystemFault, UserError
from headrace.engine.errors import StepFailed

WINES = Path(__file__).resolve().parents[3] / "examples" / "wines" / "project.py"
MODULE = importlib.import_module("headrace.cli.main")


class Panic(BaseException):
    """What libraries written in Rust raise when they meet a defect of their own: no Exception."""


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.fixture
def invoke(monkeypatch, capsys):
    """Run the entry point; return the exit code, what it printed and what it complained of."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["headrace", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def failing(monkeypatch, tmp_path):
    """Let every command fail with an error."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def fail(error):
        def raising(**_):
            raise error

        monkeypatch.setattr(MODULE, "app", raising)

    return fail


@pytest.mark.parametrize("path", sorted(commands(typer.main.get_command(app))), ids=" ".join)
def test_the_help_of_every_command_has_an_example(invoke, path):
    code, out, err = invoke(*path, "--help")
    assert (code, err) == (0, "")
    assert "Example: " in out
    assert f"headrace {' '.join(path)}" in out.partition("Example: ")[2]


def test_the_daily_verbs_are_there(invoke):
    code, out, _ = invoke("--help")
    assert code == 0
    assert "headrace init data.csv" in out
    verbs = {line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line.startswith("  ") and line[2] != " "}
    assert verbs >= {"init", "run", "status", "runs", "show", "predict", "serve", "why", "cost", "approve", "audit", "features"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("the call is wrong.", remedy="Call it so."), 1),
        (SystemFault("the disk is full.", remedy="Make room."), 3),
        (StepFailed({"train:m": UserError("the column is missing.")}, ("judge:m",)), 1),
        (StepFailed({"train:m": SystemFault("the disk is full.")}, ("judge:m",)), 3),
        (StepFailed({"train:m": KeyError("x")}, ()), 4),
        (ZeroDivisionError("division by zero"), 4),
        (Panic("index out of bounds"), 4),
        (typer.Exit(130), 130),
    ],
)
def test_the_exit_code_says_whose_fault_it_was(invoke, failing, tmp_path, error, code):
    failing(error if not isinstance(error, typer.Exit) else SystemExit(error.exit_code))
    found, out, err = invoke("status")
    assert (found, out) == (code, "")
    assert "Traceback" not in err
    kept = list(tmp_path.glob("headrace-defect-*.txt"))
    assert len(kept) == (code == 4)
    if code == 4:
        assert str(kept[0]) in err
        assert type(getattr(error, "cause", error)).__name__ in kept[0].read_text(encoding="utf-8")
    if code == 130:
        assert "run the command again to go on" in err
    elif isinstance(error, UserError | SystemFault):
        assert err == f"error: {error.problem}\n  {error.remedy}\n"


def test_a_reader_who_leaves_early_is_no_error(tmp_path):
    command = [sys.executable, "-m", "headrace", "settings", "--project", str(WINES), "--home", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, b"")


def test_a_moment_needs_a_zone(invoke, tmp_path):
    code, _, err = invoke("serve", "--project", str(WINES), "--home", str(tmp_path), "--as-of", "2024-01-01T00:00:00")
    assert code == 1
    assert "Write 2024-01-01T00:00:00Z for UTC" in err


def test_the_version_is_told(invoke):
    assert invoke("--version") == (0, f"headrace {headrace.__version__}\n", "")
