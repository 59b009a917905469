"""A bundle's files as bytes, from a folder or a zip. Flat: a name with a path in it is never a bundle's."""

import re
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from headrace.bundles.errors import NotABundle, TamperedBundle, UnsafeArchive
from headrace.core.units import counted, format_bytes

MAX_FILES = 64
MAX_BYTES = 2 << 30
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def read_files(path: Path, max_bytes: int = MAX_BYTES) -> dict[str, bytes]:
    """Return every file of a bundle by name, from its folder or its zip.

    Raises:
        NotABundle: if there is nothing there.
        TamperedBundle: if the folder holds links or folders.
        UnsafeArchive: if the zip holds paths, links, repeated names, too many files or more than `max_bytes`.
    """
    if path.is_dir():
        return _read_folder(path, max_bytes)
    if not path.is_file():
        raise NotABundle(str(path), "there is no such folder or file")
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_zip(archive, str(path), max_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError, OSError) as error:
        raise NotABundle(str(path), f"it is neither a folder nor a readable zip ({error})") from error


def write_zip(files: Mapping[str, bytes], target: Path) -> None:
    """Write a zip of the files: equal files give equal bytes. An existing target is replaced at once, never half."""
    temporary = target.with_name(f".{target.name}.writing")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name])
    temporary.replace(target)


def _read_folder(folder: Path, max_bytes: int) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    left = max_bytes
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise TamperedBundle(str(folder), path.name, "is not a plain file")
        left -= path.stat().st_size
        if left < 0 or len(files) >= MAX_FILES:
            raise NotABundle(str(folder), f"it holds more than {MAX_FILES:,} files or {format_bytes(max_bytes)}")
        files[path.name] = path.read_bytes()
    return files


def _read_zip(archive: zipfile.ZipFile, where: str, max_bytes: int) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise UnsafeArchive(where, f"it holds {counted(len(entries), 'file')}, more than {MAX_FILES:,}")
    files: dict[str, bytes] = {}
    left = max_bytes
    for entry in entries:
        _check_entry(entry, where, files)
        with archive.open(entry) as member:
            # The size that the zip declares may lie: read one byte more than is allowed, and no further.
            data = member.read(left + 1)
        left -= len(data)
        if left < 0:
            raise UnsafeArchive(where, f"it unpacks to more than {format_bytes(max_bytes)}")
        files[entry.filename] = data
    return files


def _check_entry(entry: zipfile.ZipInfo, where: str, seen: Mapping[str, bytes]) -> None:
    if not NAME.fullmatch(entry.filename):
        raise UnsafeArchive(where, f"it holds the path {entry.filename!r}; a bundle's files have plain names")
    if entry.filename in seen:
        raise UnsafeArchive(where, f"it holds {entry.filename!r} twice")
    if entry.flag_bits & 1:
        raise UnsafeArchive(where, f"{entry.filename!r} is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnsafeArchive(where, f"{entry.filename!r} is packed in a way that bundles are not")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise UnsafeArchive(where, f"{entry.filename!r} is a link or a device, not a plain file")
