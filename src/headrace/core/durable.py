"""Files that survive a power cut. What is renamed or linked is whole in any case; without this it may not be there, or be empty."""

import os
from pathlib import Path


def settle(path: Path) -> None:
    """Return when a file's bytes and its name are on the disk: the file, its folder, and the folder that may have been made for it.

    POSIX fsync(2): "does not necessarily ensure that the entry in the directory containing the file has also reached disk".
    """
    for each in (path, path.parent, path.parent.parent):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def settle_folder(folder: Path) -> None:
    """Do the same for a folder of plain files."""
    for path in folder.iterdir():
        settle(path)
    settle(folder)
