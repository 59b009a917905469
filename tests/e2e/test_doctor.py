"""`headrace doctor`: what it finds in a home that was damaged, and what it mends."""

import json
import os
import signal
from pathlib import Path

import pytest

import headrace as hr
from headrace.core.clock import FixedClock
from headrace.ledger import models

from .command import ask, call, run_command, started
from .small_project import newest_bundle, write_project


def findings(project: Path, *options: str) -> dict[str, dict[str, object]]:
    """Return what each check found, by check; the exit code must agree."""
    said = call(project.parent, "doctor", "--json", *options)
    report = json.loads(said.out)
    assert said.code == (0 if report["whole"] else 1), said.err
    return {line["check"]: line for line in report["checks"]}


def wrong(project: Path, *options: str) -> set[str]:
    return {name for name, line in findings(project, *options).items() if not line["well"]}


@pytest.fixture
def served(copied: Path) -> Path:
    """A copy of the trained project with a champion and its published state."""
    run_command(copied, "approve", "returned", "--comment", "fine", user="ben")
    run_command(copied, "features", "publish")
    return copied


def test_a_home_that_was_never_made_and_one_that_is_whole(tmp_path: Path, served: Path) -> None:
    fresh = write_project(tmp_path / "fresh")
    assert "the first headrace run makes it" in run_command(fresh, "doctor").out
    assert not (fresh.parent / ".headrace").exists()
    said = run_command(served, "doctor").out
    assert said.endswith("\nEverything is whole.\n")
    assert wrong(served) == set()
    assert set(findings(served)) == {
        "home", "gitignore", "keys", "settings", "ledger", "audit", "runs", "clock", "tables", "bundles", "state", "leftovers",
    }  # fmt: skip


def test_what_can_be_mended_is_mended_once(served: Path) -> None:
    home = served.parent / ".headrace"
    (home / "keys" / "bundle_signing.key").chmod(0o644)
    half = home / "keys" / ".bundle_signing.key.0123"
    half.write_bytes(b"half")
    assert "leftovers" not in wrong(served)  # somebody may be writing it now
    os.utime(half, (0, 0))
    (copy,) = (home / "bundles").glob("*.zip")
    copy.write_bytes(b"PK half")
    for part in (home / "state").rglob("*.arrow"):
        part.write_bytes(b"half")
    broken = {"keys", "leftovers", "bundles", "state"}
    assert wrong(served) == broken
    found = findings(served, "--fix")
    assert {name for name, line in found.items() if line["mended"]} == broken
    assert {name for name, line in found.items() if not line["well"]} == set()
    (home / ".gitignore").unlink()
    assert findings(served)["gitignore"]["mended"]
    assert not any(line["mended"] for line in findings(served).values())


def test_a_killed_run_is_found_left_alone_while_another_runs_and_given_up_when_asked(tmp_path: Path) -> None:
    project = write_project(tmp_path / "returns")
    with started(project.parent, "run") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("done")
        assert "is at work" in str(findings(project)["runs"]["finding"])
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert wrong(project) == {"runs"}
    assert "nobody runs it" in run_command_that_finds(project)
    assert findings(project, "--fix")["runs"]["mended"]
    assert "interrupted" in run_command(project, "runs").out
    assert ask(project.parent, "run").code == 0
    assert wrong(project) == set()


def run_command_that_finds(project: Path) -> str:
    said = call(project.parent, "doctor")
    assert said.code == 1
    return said.out


def test_what_the_lake_lost_is_named_and_the_next_run_makes_it_again(served: Path) -> None:
    home, blob = served.parent / ".headrace", bundle_of(served)
    kept = home / "blobs" / blob[:2] / blob
    kept.write_bytes(b"damaged")
    (home / "lake" / "returns" / "shops").rename(home / "lake" / "returns" / "gone")
    assert wrong(served) == {"tables", "bundles"}
    assert findings(served, "--fix")["bundles"]["remedy"] == "headrace run makes it again."
    assert not kept.exists()
    assert ask(served.parent, "run").code == 0
    assert kept.exists()
    assert wrong(served) == set()


def bundle_of(project: Path) -> str:
    with newest_bundle(project, models.champion) as (_, blob):
        return blob


def test_damaged_records_are_findings_and_no_traces(served: Path) -> None:
    home = served.parent / ".headrace"
    assert not list(home.glob("workflows*")), "a run on one machine has its record in the ledger"
    (home / "workflows.db").touch()  # an older version had a file for it
    assert wrong(served) == set()
    assert "may be removed" in findings(served)["workflows"]["finding"]
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (home / name).unlink(missing_ok=True)
    (home / "ledger.db").write_bytes(os.urandom(4096))
    assert "ledger" in wrong(served)


def test_a_clock_behind_the_records_is_told(served: Path) -> None:
    handle = hr.load(served, environment={"HEADRACE_USER": "ana"})
    try:
        workspace = handle.workspace
        workspace.clock = FixedClock(workspace.clock.now().replace(year=2020))
        (line,) = [line for line in handle.doctor().checks if line.check == "clock"]
        assert not line.well
        assert "behind the newest row of the ledger" in line.finding
    finally:
        handle.close()
