"""Ctrl-C, SIGTERM and limits on time, against a step that neither reports nor ends."""

import signal
import time
from pathlib import Path

import pytest

from .command import ask, started
from .small_project import PROJECT, write_project

SLEEPER = PROJECT.replace("import headrace as hr\n", "import os, time\nimport headrace as hr\n", 1).replace(
    "    return orders.join",
    "    open('asleep', 'w').close()\n    time.sleep(60 * (not os.path.exists('awake')))\n    return orders.join",
)


@pytest.fixture
def sleeper(tmp_path: Path) -> Path:
    """A project whose table sleeps for a minute, until there is a file called awake."""
    project = write_project(tmp_path / "returns", days=60)
    project.write_text(SLEEPER, encoding="utf-8")
    return project


def wake(project: Path) -> None:
    (project.parent / "awake").touch()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_though_a_step_sleeps_and_the_run_goes_on_later(sleeper: Path, number: signal.Signals, code: int) -> None:
    with started(sleeper.parent, "run") as process:
        wait_until_asleep(sleeper)
        process.send_signal(number)
        assert process.wait(20) == code, "the step sleeps for a minute"
        assert process.stderr is not None
        assert process.stderr.read().splitlines()[-1] == "interrupted; run the command again to go on where it stopped."
    wake(sleeper)
    said = ask(sleeper.parent, "run")
    assert said.code == 0, said.err
    assert "done     ingest" not in said.err


def test_a_second_ctrl_c_does_not_wait(sleeper: Path) -> None:
    with started(sleeper.parent, "run") as process:
        wait_until_asleep(sleeper)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr is not None
        assert process.stderr.read().count("interrupted;") == 1


def test_a_signal_while_the_command_is_loading_shows_no_trace(tmp_path: Path) -> None:
    project = write_project(tmp_path / "returns", days=60)
    project.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(60)\n" + PROJECT, encoding="utf-8")
    said = ask(project.parent, "run")
    assert (said.code, said.err.strip()) == (130, "interrupted; run the command again to go on where it stopped.")


def test_a_step_over_its_time_ends_the_run_and_says_how_to_allow_more(sleeper: Path) -> None:
    said = ask(sleeper.parent, "run", HEADRACE_STEP_TIMEOUT="3s")
    assert said.code == 3
    assert "step 'derive:orders' took longer than 3s, the limit on a step, and was given up." in said.err
    assert "HEADRACE_STEP_TIMEOUT" in said.err
    wake(sleeper)
    said = ask(sleeper.parent, "run")
    assert said.code == 0, said.err
    assert "reused   ingest:shops" in said.err


def wait_until_asleep(project: Path) -> None:
    deadline = time.monotonic() + 60
    while not (project.parent / "asleep").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
