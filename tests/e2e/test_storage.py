"""Disks that are full, mounted read-only, or another user's: one clear message, nothing half-written, and the next run completes."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import crashing
from .command import Said, ask, environment
from .small_project import write_project

OWN_MOUNTS = 0x20000
"""CLONE_NEWNS of unshare(2)."""


class SmallDisk:
    """A real file system of a given size, in memory: mounted for this thread and the processes that it starts alone.

    If they are killed it goes with them, and who cleans up later meets no disk.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, size: str) -> None:
        folder = str(self.folder)
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            pytest.skip(f"this machine does not let us mount a small file system: {made.stderr.strip()}")

    def change(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if shutil.which("mount") is None:
        pytest.skip("this machine has no mount command")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(OWN_MOUNTS) != 0:
        pytest.skip(f"this machine does not give us mounts of our own: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    folder = tmp_path / "disk"
    folder.mkdir()
    yield SmallDisk(folder)
    subprocess.run(["umount", str(folder)], check=False, capture_output=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> crashing.Undisturbed:
    return crashing.undisturbed(tmp_path_factory.mktemp("storage"))


def home_on(disk: SmallDisk, reference: crashing.Undisturbed, folder: Path) -> Path:
    """Return a copy of the project whose home, with the same keys, lies on the disk."""
    project = crashing.copy_of(reference, folder)
    shutil.copytree(folder / ".headrace", disk.folder / "home")
    shutil.rmtree(folder / ".headrace")
    (folder / "headrace.toml").write_text(f'home = "{disk.folder / "home"}"\n', encoding="utf-8")
    return project


def differences(disk: SmallDisk, reference: crashing.Undisturbed, project: Path) -> dict[str, tuple[Any, Any]]:
    """Return what a copy of the home tells otherwise than the undisturbed run: threads of this process do not see the disk."""
    (project.parent / "headrace.toml").unlink()
    shutil.copytree(disk.folder / "home", project.parent / ".headrace")
    return crashing.differences(reference, project)


def the_error(said: Said) -> str:
    """Return what was said of the failure, which is said once."""
    assert said.code == 3, said
    assert said.err.count("error: ") == 1
    assert "defect" not in said.err
    return said.err[said.err.index("error: ") :]


@pytest.mark.parametrize("size", ["40k", "500k", "1200k", "2000k"])
def test_a_full_disk_is_told_with_what_is_free_and_the_next_run_completes(
    disk: SmallDisk, undisturbed: crashing.Undisturbed, tmp_path: Path, size: str
) -> None:
    """From a disk that does not take the ledger to one that lacks room for the last steps."""
    disk.mount(size)
    project = home_on(disk, undisturbed, tmp_path / "project")
    told = the_error(ask(project.parent, "run"))
    assert f"there is no room left to write {disk.folder}/home" in told
    assert "B free)" in told
    assert "Make room there, or move the home to a larger disk" in told
    disk.change("size=64m")
    crashing.run_to_the_end(project)
    assert differences(disk, undisturbed, project) == {}


def test_a_disk_mounted_read_only_is_named_and_what_is_kept_there_stays(
    disk: SmallDisk, undisturbed: crashing.Undisturbed, tmp_path: Path
) -> None:
    disk.mount("64m")
    project = home_on(disk, undisturbed, tmp_path / "project")
    disk.change("ro")
    told = the_error(ask(project.parent, "run"))
    assert str(disk.folder / "home") in told
    assert "read-only file system" in told.lower()
    assert "HEADRACE_HOME" in told
    disk.change("rw")
    crashing.run_to_the_end(project)
    disk.change("ro")
    said = ask(project.parent, "run")
    assert said.code in (0, 3)
    assert "Nothing to do" in said.out or "read-only file system" in said.err.lower()
    disk.change("rw")
    assert differences(disk, undisturbed, project) == {}


def test_a_home_of_another_user_is_named(disk: SmallDisk, undisturbed: crashing.Undisturbed, tmp_path: Path) -> None:
    """Root may write anywhere, unless it gives that right up first."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("giving the home to another user takes root, and writing like other users takes setpriv")
    disk.mount("64m")
    project = home_on(disk, undisturbed, tmp_path / "project")
    for path in (disk.folder / "home", *(disk.folder / "home").rglob("*")):
        os.chown(path, 65534, 65534)
    without_rights = ["setpriv", "--bounding-set", "-dac_override", sys.executable, "-m", "headrace", "run"]
    done = subprocess.run(without_rights, cwd=project.parent, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    told = the_error(Said(done.returncode, done.stdout, done.stderr))
    assert str(disk.folder / "home") in told
    assert "permission denied" in told.lower()


def told_by_the_doctor(project: Path, check: str) -> str:
    """Return what the doctor says of a check that must find something wrong, with the remedy."""
    said = ask(project.parent, "doctor", "--json")
    assert said.code == 1, said
    found = {line["check"]: line for line in json.loads(said.out)["checks"] if not line["well"]}
    return str(found[check]["finding"] + " -> " + found[check]["remedy"])


def names_on(disk: SmallDisk) -> list[str]:
    return sorted(path.relative_to(disk.folder).as_posix() for path in disk.folder.rglob("*"))


def test_the_doctor_finds_a_home_that_is_read_only_and_one_that_cannot_be_made(
    disk: SmallDisk, undisturbed: crashing.Undisturbed, tmp_path: Path
) -> None:
    disk.mount("64m")
    fresh = write_project(disk.folder / "fresh")
    assert f"{disk.folder}/fresh can be written" in ask(fresh.parent, "doctor").out
    before = names_on(disk)
    disk.change("ro")
    told = told_by_the_doctor(fresh, "home")
    assert told.startswith(f"{disk.folder}/fresh cannot be written or opened: Read-only file system")
    assert "HEADRACE_HOME" in told
    disk.change("rw")
    project = home_on(disk, undisturbed, tmp_path / "project")
    disk.change("ro")
    assert "Read-only file system" in told_by_the_doctor(project, "home")
    disk.change("rw")
    assert [name for name in names_on(disk) if name.startswith("fresh")] == before


def test_the_doctor_finds_a_lake_that_is_read_only(disk: SmallDisk, copied: Path) -> None:
    disk.mount("64m")
    (copied.parent / "headrace.toml").write_text(f'lake = "{disk.folder}"\n', encoding="utf-8")
    assert f"well   lake       {disk.folder} can be written" in ask(copied.parent, "doctor").out
    assert names_on(disk) == []
    disk.change("ro")
    told = told_by_the_doctor(copied, "lake")
    assert told.startswith(f"{disk.folder} cannot be written or opened: Read-only file system")
    assert "lake in headrace.toml" in told


def test_init_on_a_read_only_disk_names_the_option_that_helps(disk: SmallDisk, tmp_path: Path) -> None:
    disk.mount("1m")
    disk.change("ro")
    rows = tmp_path / "rows.csv"
    rows.write_text("size,kind,left\n" + "".join(f"{n % 7},{'ab'[n % 2]},{n % 3 == 0}\n" for n in range(60)), encoding="utf-8")
    asked = ("init", rows, "--target", "left", "--output")
    told = the_error(ask(tmp_path, *asked, disk.folder / "new"))
    assert told.startswith(f"error: {disk.folder}/new/project.py cannot be written: Read-only file system.")
    assert "--output" in told
    assert "--home" not in told
    assert ask(tmp_path, *asked, tmp_path / "new").code == 0
