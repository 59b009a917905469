"""Opening a source's file, packed or not."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from headrace.core.errors import suggest
from headrace.ingest.encodings import UTF_8, as_utf8, find_undecodable, guess_encoding, looks_wide, say_undecodable
from headrace.ingest.errors import SourceUnreadable
from headrace.spec.sources import File

_TEXTS = ("csv", "jsonl")
_HEAD_BYTES = 1 << 12
_BLOCK_BYTES = 1 << 20


def locate(source: File, root: Path) -> Path:
    """Return the path of the source's file.

    Raises:
        SourceUnreadable: if there is no file there; the nearest name in its folder is suggested.
    """
    path = root / Path(source.path).expanduser()
    if path.is_file():
        return path
    folder = path.parent
    if path.is_dir():
        problem, remedy = f"{path} is a folder.", f"Name one file of it: {', '.join(sorted(each.name for each in path.iterdir())[:12])}."
    elif folder.is_dir():
        problem, remedy = f"there is no file {path}.", suggest(path.name, [each.name for each in folder.iterdir() if each.is_file()])
    else:
        known = next(each for each in folder.parents if each.is_dir())
        problem, remedy = f"there is no file {path}, and no folder {folder} either.", f"The path leads as far as {known}."
    raise SourceUnreadable(problem, remedy=remedy, location=source.location)


@contextmanager
def opened(source: File, path: Path) -> Iterator[IO[bytes]]:
    """Give the file's content, unpacked, as a stream: texts in UTF-8 whatever their encoding is, other formats as they are.

    Raises:
        SourceUnreadable: if it cannot be unpacked, a zip does not hold exactly one file, or a text is not in the encoding declared.
    """
    with unpacked(source, path) as stream:
        if source.format not in _TEXTS:
            yield stream
            return
        wide = looks_wide(stream.read(_HEAD_BYTES)) if source.encoding in UTF_8 else None
        stream.seek(0)
        if wide:
            problem = f"{path} is not written in UTF-8: every other byte of it is zero."
            remedy = f"It is most likely {wide}: add encoding={wide!r} to the source."
            raise SourceUnreadable(problem, remedy=remedy, location=source.location)
        try:
            yield as_utf8(stream, source.encoding, strict=source.format == "jsonl")
        except UnicodeError as error:
            raise undecodable(source, path) from error


def undecodable(source: File, path: Path) -> SourceUnreadable:
    """Return what to say of a file that is not in the encoding declared."""
    with unpacked(source, path) as stream:
        found = find_undecodable(iter(partial(stream.read, _BLOCK_BYTES), b""), source.encoding)
        stream.seek(0)
        likely = guess_encoding(stream.read(_HEAD_BYTES))
    if found is None:
        told = f"It is most likely {likely}: add encoding={likely!r} to the source."
        problem, remedy = f"{path} is not written in {source.encoding.upper()}.", told if likely else "Name its encoding with encoding=."
    else:
        problem, remedy = say_undecodable(found, str(path), source.encoding)
    return SourceUnreadable(problem, remedy=remedy, location=source.location)


@contextmanager
def unpacked(source: File, path: Path) -> Iterator[IO[bytes]]:
    """Give the file's bytes, unpacked, as a stream that can be read again from its beginning.

    Raises:
        SourceUnreadable: if it cannot be unpacked, or a zip does not hold exactly one file.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_only_member(source, archive)) as stream:
                yield stream
        elif suffix == ".gz":
            with gzip.open(path) as stream:
                yield io.BufferedReader(stream, 1 << 20)
        else:
            with path.open("rb") as stream:
                yield stream
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        # zipfile says RuntimeError for a password and NotImplementedError for a method that it does not know.
        remedy = "Pack it again, or give the plain file."
        raise SourceUnreadable(f"{path} cannot be unpacked: {error}.", remedy=remedy, location=source.location) from error


def _only_member(source: File, archive: zipfile.ZipFile) -> str:
    members = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if len(members) != 1:
        found = f"{len(members)} files: {', '.join(members[:12])}" if members else "no file"
        remedy = "A zip must hold exactly one; pack each by itself."
        raise SourceUnreadable(f"{archive.filename} holds {found}.", remedy=remedy, location=source.location)
    return members[0]
