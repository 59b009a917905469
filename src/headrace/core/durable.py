"""Files that survive a power cut. What is renamed or linked is whole in any case; without this it may not be there, or be empty."""

import os
from pathlib import Path

_named: set[Path] = set()
"""Folders whose names are on the disk, as far as this process knows."""


def create(path: Path, data: bytes) -> None:
    """Write a file that is not there, two folders deep in one that is, and return when its bytes and the names are on the disk.

    Safe among threads and processes: others see it whole or not at all. A writer that is killed leaves a file beside it, whose name ends
    in `#` and digits.

    Raises:
        FileExistsError: if there is one by that name.
        OSError: if the disk fails.
    """
    try:
        _link(path, data)
    except FileNotFoundError:
        _named.difference_update((path.parent, path.parent.parent))
        path.parent.mkdir(parents=True, exist_ok=True)
        _link(path, data)
    _sync(path)
    _sync(path.parent)
    for folder in (path.parent, path.parent.parent):
        if folder not in _named:  # whoever made it may not have come to this
            _sync(folder.parent)
            _named.add(folder)


def settle(path: Path) -> None:
    """Return when a file's bytes and its name are on the disk: the file, its folder, and the folder that may have been made for it.

    POSIX fsync(2): "does not necessarily ensure that the entry in the directory containing the file has also reached disk".
    """
    for each in (path, path.parent, path.parent.parent):
        _sync(each)


def settle_folder(folder: Path) -> None:
    """Do the same for a folder of plain files."""
    for path in folder.iterdir():
        settle(path)
    settle(folder)


def _link(path: Path, data: bytes) -> None:
    staged = path.with_name(f"{path.name}#{int.from_bytes(os.urandom(7))}")
    try:
        with staged.open("xb") as file:
            file.write(data)
        os.link(staged, path)
    finally:
        staged.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
