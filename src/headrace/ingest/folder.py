"""Folders: the files that a pattern names, one after the other, as one table."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from operator import not_
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec
import polars as pl

from headrace.core.errors import suggest
from headrace.core.fingerprints import fingerprint
from headrace.core.units import counted
from headrace.expressions.formats import read_format
from headrace.ingest.dialect import parse_format
from headrace.ingest.errors import ColumnProblem, SourceUnreadable
from headrace.ingest.raw import RawTable, with_all
from headrace.ingest.reading import reading_of
from headrace.ingest.sources import open_source
from headrace.spec.folder import Folder
from headrace.spec.sources import File, Written

_CLOCK = frozenset("HIMSfpz")
_WILDCARD = re.compile(r"\*\*/|\*|\?|\[!?[^\]/]+\]")
_SHOWN = 5
_OPTIONS = tuple(name for name in Written.__struct_fields__ if name not in ("path", "location"))


class Found(NamedTuple):
    """A file that the pattern names: its path below the folder that the pattern begins with, and the texts of the placeholders."""

    name: str
    path: Path
    texts: Mapping[str, str]


def find_files(source: Folder, root: Path) -> tuple[Found, ...]:
    """Return the files in the order of their names; not those whose text for a date is none, such as 2024-02-30.

    Raises:
        SourceUnreadable: if there is none; it says what is there instead.
    """
    return _sorted_out(source, root)[0]


def _sorted_out(source: Folder, root: Path) -> tuple[tuple[Found, ...], tuple[Found, ...]]:
    """Return the files, and those that are left out because a text in their name is no date."""
    top, below = _split(source)
    folder = root / top.expanduser()
    pattern = re.compile(_as_regex(source, below))
    paths = {path.relative_to(folder) for path in folder.glob(_as_glob(source, below)) if path.is_file()}
    # A name that begins with a point is the system's own affair.
    names = sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
    matches = [(name, match) for name in names if (match := pattern.fullmatch(name))]
    found = [Found(name, folder / name, match.groupdict()) for name, match in matches]
    dated = [True] * len(found)
    if source.placeholders and found:
        dated = _values(source, found).select(pl.all_horizontal(pl.all().is_not_null())).to_series().to_list()
    if not any(dated):
        raise _nothing(source, folder)
    return tuple(compress(found, dated)), tuple(compress(found, map(not_, dated)))


def folder_fingerprint(source: Folder, files: Mapping[str, str]) -> str:
    """Return the fingerprint of what the files hold and how they are read; where the folder lies does not count."""
    return fingerprint("folder", dict(files), source.placeholders, source.differing, reading_of(source))


def file_contents(source: Folder, root: Path) -> dict[str, str]:
    """Return the SHA-256 of each file by its name; also of those that are left out, so that a new one is told of.

    Raises:
        SourceUnreadable: if there is none, or one cannot be read.
    """
    return {each.name: _sha256(source, each.path) for files in _sorted_out(source, root) for each in files}


def open_folder(source: Folder, root: Path) -> RawTable:
    """Return the rows of all files, in the order of the files, with the placeholders' columns after those of the files.

    Raises:
        SourceUnreadable: if there is no file, one is not what it is said to be, or their columns differ where they may not.
        ColumnProblem: if a file has a column that is called as a placeholder.
    """
    found, left_out = _sorted_out(source, root)
    headers: dict[str, tuple[str, ...]] = {}
    for each in found:
        raw = open_source(_file(source, each), root)
        headers[each.name] = raw.names
    names = tuple(dict.fromkeys(name for header in headers.values() for name in header))
    _check(source, headers, names)
    values = _values(source, found)

    def chunks() -> Iterator[pl.DataFrame]:
        for number, each in enumerate(found):
            fixed = [pl.lit(values[name][number], values.schema[name]).alias(name) for name in values.columns]
            for frame in open_source(_file(source, each), root).chunks():
                yield with_all(frame, names).with_columns(*fixed)

    notes = (*_undated(left_out), *_differences(headers, names))
    return RawTable((*names, *values.columns), raw.textual, chunks, notes=notes)  # all files are of one format


def say_changes(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return what became of the files since the last time, in words; nothing if nothing did, or there was no last time."""
    if not before:
        return ()
    new = [name for name in now if name not in before]
    changed = [name for name in now if name in before and before[name] != now[name]]
    gone = [name for name in before if name not in now]
    told = ((new, "new"), (changed, "changed"), (gone, "gone"))
    return tuple(f"{counted(len(names), 'file')} {word}: {_listed(names)}" for names, word in told if names)


def _split(source: Folder) -> tuple[Path, str]:
    """Return the folder that the path begins with, and the pattern below it."""
    parts = PurePosixPath(source.path).parts
    plain = next((n for n, part in enumerate(parts[:-1]) if _WILDCARD.search(part + "/") or "{" in part), len(parts) - 1)
    return Path(*parts[:plain]), source.path[len(str(PurePosixPath(*parts[:plain]))) :].lstrip("/") if plain else source.path


def _as_glob(source: Folder, below: str) -> str:
    for name, written in source.placeholders.items():
        below = below.replace("{" + name + (f":{written}" if written else "") + "}", "/".join("*" for _ in written.split("/")))
    return below


def _as_regex(source: Folder, below: str) -> str:
    pieces = []
    for number, piece in enumerate(msgspec.structs.replace(source, path=below).parts):
        written = source.placeholders.get(piece, "") if number % 2 else ""
        if number % 2:
            pieces.append(f"(?P<{piece}>{read_format(written).pattern if written else '[^/]+?'})")
            continue
        position = 0
        for wildcard in _WILDCARD.finditer(piece):
            pieces += [re.escape(piece[position : wildcard.start()]), _wildcard(wildcard[0])]
            position = wildcard.end()
        pieces.append(re.escape(piece[position:]))
    return "".join(pieces)


def _wildcard(text: str) -> str:
    return {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}.get(text, text.replace("[!", "[^"))


def _values(source: Folder, found: Sequence[Found]) -> pl.DataFrame:
    """Return the placeholders' columns, one row a file; null for a text that is no date of the format."""
    columns = []
    for name, written in source.placeholders.items():
        texts = pl.Series(name, [each.texts[name] for each in found], pl.String)
        if not written:
            columns.append(texts)
            continue
        moments = parse_format(texts, written).dt.replace_time_zone(None)
        columns.append(moments if _CLOCK & set(read_format(written).directives) else moments.dt.date())
    return pl.DataFrame(columns)


def _file(source: Folder, found: Found) -> File:
    return File(str(found.path), **{name: getattr(source, name) for name in _OPTIONS}, location=source.location)


def _check(source: Folder, headers: Mapping[str, tuple[str, ...]], names: tuple[str, ...]) -> None:
    for name in source.placeholders:
        if name in names:
            file = next(file for file, header in headers.items() if name in header)
            problem = f"{file} has a column {name!r}, and the path has a placeholder of that name."
            raise ColumnProblem(problem, remedy="Give the placeholder another name.", location=source.location)
    first, header = next(iter(headers.items()))
    for file, other in headers.items():
        if source.differing == "refuse" and set(other) != set(header):
            less, more = sorted(set(header) - set(other)), sorted(set(other) - set(header))
            told = [f"has no {', '.join(map(repr, less))}"] * bool(less) + [f"has {', '.join(map(repr, more))} besides"] * bool(more)
            problem = f"{file} {' and '.join(told)}, unlike {first}."
            remedy = "Mend the file, or let columns be null where a file has them not: differing='union'."
            raise SourceUnreadable(problem, remedy=remedy, location=source.location)


def _undated(left_out: Sequence[Found]) -> tuple[str, ...]:
    files = counted(len(left_out), "file is", "files are")
    return (f"{files} left out, with no such date in the calendar: {_listed([each.name for each in left_out])}",) if left_out else ()


def _differences(headers: Mapping[str, tuple[str, ...]], names: tuple[str, ...]) -> tuple[str, ...]:
    missing = {name: [file for file, header in headers.items() if name not in header] for name in names}
    return tuple(
        f"{name} is null in {len(files):,} of {counted(len(headers), 'file')}, without such a column: {_listed(files)}"
        for name, files in missing.items()
        if files
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _sha256(source: Folder, path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error}.", remedy="Check the file.", location=source.location) from error


def _nothing(source: Folder, folder: Path) -> SourceUnreadable:
    if not folder.is_dir():
        there = [each.name for each in folder.parent.iterdir()] if folder.parent.is_dir() else []
        return SourceUnreadable(f"there is no folder {folder}.", remedy=suggest(folder.name, there), location=source.location)
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    remedy = f"There are: {_listed(there)}." if there else "The folder is empty: check where it is, and path=."
    return SourceUnreadable(f"no file in {folder} is called as {source.path!r} says.", remedy=remedy, location=source.location)
