import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace.core.durable import create


@pytest.fixture
def synced(monkeypatch):
    """The files and folders that were synced, in order."""
    found: list[str] = []
    really = os.fsync

    def fsync(descriptor: int) -> None:
        found.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_written_with_the_folders_it_needs(tmp_path):
    create(tmp_path / "blobs" / "ab" / "abc", b"bytes")

    assert (tmp_path / "blobs" / "ab" / "abc").read_bytes() == b"bytes"
    assert _names(tmp_path) == ["abc"]


def test_what_is_there_is_left_as_it_is(tmp_path):
    path = tmp_path / "blobs" / "ab" / "abc"
    create(path, b"first")

    with pytest.raises(FileExistsError):
        create(path, b"second")
    assert path.read_bytes() == b"first"
    assert _names(tmp_path) == ["abc"]


def test_the_file_and_its_name_are_synced_each_time_and_the_folders_names_once(tmp_path, synced):
    folder = tmp_path / "blobs" / "ab"
    create(folder / "abc", b"bytes")
    assert synced == [str(each) for each in (folder / "abc", folder, tmp_path / "blobs", tmp_path)]

    synced.clear()
    create(folder / "abd", b"bytes")
    assert synced == [str(folder / "abd"), str(folder)]


def test_folders_that_were_removed_and_made_again_are_synced_again(tmp_path, synced):
    folder = tmp_path / "blobs" / "ab"
    create(folder / "abc", b"bytes")
    shutil.rmtree(tmp_path / "blobs")
    synced.clear()
    create(folder / "abc", b"bytes")
    assert synced == [str(each) for each in (folder / "abc", folder, tmp_path / "blobs", tmp_path)]


def test_a_folder_that_cannot_be_made_is_an_error_and_nothing_is_left(tmp_path):
    (tmp_path / "blobs").write_text("a file")

    with pytest.raises(NotADirectoryError):
        create(tmp_path / "blobs" / "ab" / "abc", b"bytes")
    assert _names(tmp_path) == ["blobs"]


def test_of_many_who_write_one_file_at_once_one_does(tmp_path):
    def write(number: int) -> bool:
        try:
            create(tmp_path / "blobs" / "ab" / "abc", b"%d" % number * 1000)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(8))) == 1
    assert _names(tmp_path) == ["abc"]
