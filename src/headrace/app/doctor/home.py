"""The home: may it be written, has it room, is it hidden from version control, are its keys closed, does anything lie about?"""

import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from headrace.app.doctor.patient import Patient, ill, mended, well
from headrace.app.reports import CheckLine
from headrace.core.storage import try_writing
from headrace.core.units import counted, format_bytes

_LITTLE_BYTES = 256 << 20
_QUIET_SECONDS = 600  # a server, or a run of another project in this home, may be writing what was touched since
# What is written aside before it is put in its place, by us and by the object store; see docs/how-to/when-something-breaks.md.
_TEMPORARY = ("keys/tmp*", "keys/.*", "bundles/.*", "scratch/.new-*", "state/*/*/tmp*", "state/*/*/.*", "blobs/*/*#*", "lake/*/*/*#*")


def check_room(patient: Patient) -> Iterator[CheckLine]:
    """May it be written, or made where it is not yet, and how much is free?"""
    home = patient.home
    if not home.exists():
        above = try_writing(home)
        yield well("home", f"{home} is not there yet: the first headrace run makes it; {above} can be written")
        return
    for folder in (home, *sorted(each for each in home.iterdir() if each.is_dir())):
        try_writing(folder)
    free = shutil.disk_usage(home).free
    if free < _LITTLE_BYTES:
        yield ill("home", f"{home}: only {format_bytes(free)} free", "Make room, or move the home to a larger disk.")
    else:
        yield well("home", f"{home} can be written; {format_bytes(free)} free")


def check_hidden(patient: Patient) -> Iterator[CheckLine]:
    """Is it kept out of version control?"""
    ignored = patient.home / ".gitignore"
    if ignored.exists():
        yield well("gitignore", "the home is kept out of version control")
    else:  # any command would write it
        ignored.write_text("*\n", encoding="utf-8")
        yield mended("gitignore", f"{ignored} was missing and is written again")


def check_keys(patient: Patient) -> Iterator[CheckLine]:
    """May only their owner read the keys?"""
    keys = sorted(patient.workspace.settings.keys.glob("*.key"))
    open_ones = [key for key in keys if stat.S_IMODE(key.stat().st_mode) & 0o077]
    if not open_ones:
        yield well("keys", f"{counted(len(keys), 'key')}, read by their owner only")
    for key in open_ones:
        mode = stat.S_IMODE(key.stat().st_mode)
        if patient.mending:
            key.chmod(0o600)
            yield mended("keys", f"{key} had mode {mode:04o} and has 0600 now; if others read it, make a new one")
        else:
            yield ill("keys", f"{key} has mode {mode:04o}: others may read it", f"headrace doctor --fix, or chmod 600 {key}.")


def check_leftovers(patient: Patient) -> Iterator[CheckLine]:
    """Does anything lie about that a killed process was writing?"""
    if not patient.alone:
        yield well("leftovers", "not looked for while a run is at work")
        return
    found = sorted({path for pattern in _TEMPORARY for path in patient.home.glob(pattern) if path.name != ".gitignore" and _is_quiet(path)})
    size = format_bytes(sum(_size(path) for path in found))
    if not found:
        yield well("leftovers", "nothing half-written lies about")
    elif patient.mending:
        for path in found:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        yield mended("leftovers", f"{counted(len(found), 'thing')} left by killed processes and removed ({size})")
    else:
        told = f"{counted(len(found), 'thing')} left by killed processes ({size}), such as {os.path.relpath(found[0], patient.home)}"
        yield ill("leftovers", told, "They do no harm; headrace doctor --fix removes them.")


def _is_quiet(path: Path) -> bool:
    """Tell whether nothing of it was touched for a while; what goes while we look is its owner's, and not quiet."""
    try:
        return time.time() - max(each.stat().st_mtime for each in (path, *path.rglob("*"))) > _QUIET_SECONDS
    except FileNotFoundError:
        return False


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in (path, *path.rglob("*")) if each.is_file())
