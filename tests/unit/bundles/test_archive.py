import random
import stat
import zipfile

import pytest

from headrace.bundles.archive import MAX_FILES, read_files
from headrace.bundles.errors import BundleError, NotABundle, UnsafeArchive


def make_zip(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "a/b.txt", "..", "c:\\evil.txt", ".hidden"])
def test_paths_are_refused(tmp_path, name):
    path = make_zip(tmp_path / "b.zip", [("manifest.json", b"{}"), (name, b"x")])
    with pytest.raises(UnsafeArchive, match="plain names"):
        read_files(path)


def test_repeated_names_are_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = make_zip(tmp_path / "b.zip", [("card.md", b"good"), ("card.md", b"evil")])
    with pytest.raises(UnsafeArchive, match="twice"):
        read_files(path)


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("card.md")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = make_zip(tmp_path / "b.zip", [(link, b"/etc/passwd")])
    with pytest.raises(UnsafeArchive, match="link"):
        read_files(path)


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path):
    path = make_zip(tmp_path / "b.zip", [("a.txt", b"0" * 600_000), ("b.txt", b"0" * 600_000)])
    assert path.stat().st_size < 5_000
    with pytest.raises(UnsafeArchive, match=r"more than 976\.6 KiB"):
        read_files(path, max_bytes=1_000_000)
    assert set(read_files(path, max_bytes=1_200_000)) == {"a.txt", "b.txt"}


def test_too_many_files_are_refused(tmp_path):
    path = make_zip(tmp_path / "b.zip", [(f"f{n}.txt", b"") for n in range(MAX_FILES + 1)])
    with pytest.raises(UnsafeArchive, match=str(MAX_FILES)):
        read_files(path)


def test_an_encrypted_member_is_refused(tmp_path):
    path = make_zip(tmp_path / "b.zip", [("a.txt", b"text")])
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(UnsafeArchive, match="encrypted"):
        read_files(path)


@pytest.mark.parametrize(
    "damage", [lambda data: b"not a zip", lambda data: data[: len(data) // 2], lambda data: data.replace(b"text", b"tex0")]
)
def test_what_is_no_zip_is_told(tmp_path, damage):
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.txt", b"text")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(NotABundle, match="zip"):
        read_files(path)


def test_nothing_there_is_told(tmp_path):
    with pytest.raises(NotABundle, match="no such"):
        read_files(tmp_path / "none")


def test_a_folder_that_is_too_large_is_told(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"0" * 100)
    with pytest.raises(NotABundle, match="more than"):
        read_files(tmp_path, max_bytes=99)


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(tmp_path, kind):
    with zipfile.ZipFile(tmp_path / "b.zip", "w", kind) as archive:
        archive.writestr("a.txt", b"text")
    with pytest.raises(UnsafeArchive, match="packed"):
        read_files(tmp_path / "b.zip")


def test_a_damaged_zip_is_never_a_stack_trace(tmp_path):
    path = make_zip(tmp_path / "b.zip", [("manifest.json", b"{}" * 50), ("a.txt", b"text" * 50)])
    whole, seeded = path.read_bytes(), random.Random(7)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(seeded.choice((1, 2, 4))):
            damaged[seeded.randrange(len(damaged))] = seeded.randrange(256)
        path.write_bytes(damaged)
        try:
            read_files(path, max_bytes=1 << 20)
        except BundleError:
            refused += 1
    assert refused > 1000
