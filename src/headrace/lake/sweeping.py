"""Freeing what nothing needs: files that no needed version of a table is made of, and blobs. Nothing here decides what is needed.

A file that a table's log names was committed, and is free as soon as no needed version has it. One that the log does not name may be a
writer's who has not committed yet: it is left alone until it is older than a writer lives. Of a table that others append to, a file that
was replaced may still be read by whoever opened the table before: it is left alone as long.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from obstore.exceptions import BaseError

from headrace.lake.errors import LakeFault
from headrace.lake.place import Place, place, table_folder

_LOG = "_delta_log/"
_BATCH = 1000
_COMMIT = re.compile(r"_delta_log/\d{20}\.json")
# What the folder store names a file while it is written; a writer that was killed leaves it, and listings do not show it.
_STAGED = re.compile(r"#\d+$")


class Kept(NamedTuple):
    """A file or object: its path below where it was listed, its size and when it was written."""

    path: str
    size_bytes: int
    modified: datetime


class TableFiles(NamedTuple):
    """The data files of a table: those of needed versions are `needed`; the others are free, and `left` those of them that no log names.

    `stale` says that the newest version is not needed: it is replaced before its files go, so that the newest can always be read.
    """

    name: str
    needed: tuple[Kept, ...]
    free: tuple[Kept, ...]
    left: tuple[Kept, ...]
    stale: bool


class Sweeper:
    """What lies in a lake, and its removal. `grace_until`: what no log and no one names is left alone when it was written later."""

    def __init__(self, home: str | Path, project: str, options: Mapping[str, str] | None = None) -> None:
        root = place(home, options)
        self._tables, self._blobs = root.child("lake", project), root.child("blobs")

    def blobs(self) -> dict[str, Kept]:
        """Return every blob by its hash."""
        return {kept.path.rpartition("/")[2]: kept for kept in _listed(self._blobs)}

    def staged(self, grace_until: datetime) -> list[Kept]:
        """Return what killed writers left of files they had not finished, anywhere in a lake that is a folder; paths are absolute."""
        found = []
        for root in (self._tables, self._blobs):
            if "://" not in root.url:
                found += [
                    kept for kept in map(_stat, Path(root.url).rglob("*#*")) if _STAGED.search(kept.path) and kept.modified < grace_until
                ]
        return found

    def tables(self) -> tuple[str, ...]:
        """Return the names of the tables."""
        if self._tables.is_empty():
            return ()
        with _told("list", self._tables):
            found = self._tables.store().list_with_delimiter()["common_prefixes"]
        return tuple(sorted(folder.strip("/").rpartition("/")[2].replace(".", "/") for folder in found))

    def files(self, name: str, versions: Iterable[int], grace_until: datetime, *, growing: bool = False) -> TableFiles:
        """Return a table's files, told apart by the versions of it that are needed.

        Of a table that is `growing`, since others append to it, and read it, meanwhile, the newest is needed too, whatever its number. It
        is never stale, and what was replaced after `grace_until` is not free yet.

        Raises:
            LakeFault: if the store fails, or a needed version cannot be read.
        """
        at = self._tables.child(table_folder(name))
        # Listed before the log is read: what is committed in between is not in the list, so it cannot be taken for free.
        listed = list(_listed(at))
        data = [kept for kept in listed if not kept.path.startswith(_LOG)]
        with _told("open the table at", at):
            newest = _open(at)
            last = _paths(newest)
            # The newest after the listing: a number asked for before it would miss what was committed in between, and is in the list.
            several = () if newest is None else (_paths(_open(at, version)) for version in versions)
            needed = frozenset[str]().union(*several, *((last,) if growing else ()))
        named = _named(at, listed)
        free = [kept for kept in data if kept.path not in needed]
        left = [kept for kept in free if kept.path not in named and kept.path not in last and kept.modified < grace_until]
        readable = {path for path, moment in named.items() if moment >= grace_until} if growing else frozenset[str]()
        gone = [kept for kept in free if (kept.path in named or kept.path in last) and kept.path not in readable]
        return TableFiles(name, tuple(kept for kept in data if kept.path in needed), (*gone, *left), tuple(left), stale=bool(last - needed))

    def newest(self, name: str) -> int | None:
        """Return a table's newest version, or None where there is no table."""
        at = self._tables.child(table_folder(name))
        with _told("open the table at", at):
            found = _open(at)
        return None if found is None else found.version()

    def settle(self, name: str, versions: Sequence[int]) -> None:
        """Make the newest of the needed versions the table's newest again; without any, make the newest an empty one.

        Nobody then finds a version at the head whose files are gone. Numbers go on: none is ever used twice.
        """
        at = self._tables.child(table_folder(name))
        with _told("write the table at", at):
            table = _open(at)
            assert table is not None
            if versions:
                table.restore(max(versions))
            else:
                table.delete()

    def remove_files(self, name: str, files: Sequence[Kept]) -> None:
        """Remove files of a table."""
        _remove(self._tables.child(table_folder(name)), files)

    def remove_blobs(self, files: Sequence[Kept]) -> None:
        """Remove blobs."""
        _remove(self._blobs, files)


def remove_staged(files: Iterable[Kept]) -> None:
    """Remove what `Sweeper.staged` found."""
    for kept in files:
        Path(kept.path).unlink(missing_ok=True)


def _open(at: Place, version: int | None = None) -> DeltaTable | None:
    try:
        return DeltaTable(at.url, version=version, storage_options=dict(at.options))
    except TableNotFoundError:
        if version is None:
            return None
        raise


def _paths(table: DeltaTable | None) -> frozenset[str]:
    if table is None:
        return frozenset()
    return frozenset(map(unquote, pa.table(table.get_add_actions(flatten=True)).column("path").to_pylist()))


def _named(at: Place, listed: Iterable[Kept]) -> dict[str, datetime]:
    """Return every file that a commit of the log ever added or removed (Delta protocol, "Actions"), and when the last of them did."""
    found: dict[str, datetime] = {}
    for kept in sorted(listed):  # by their numbers
        if _COMMIT.fullmatch(kept.path):
            with _told("read the log of the table at", at):
                lines = bytes(at.store().get(kept.path).bytes()).splitlines()
            actions = [json.loads(line) for line in lines if line.strip()]
            paths = (unquote(action[kind]["path"]) for action in actions for kind in ("add", "remove") if kind in action)
            found.update(dict.fromkeys(paths, kept.modified))
    return found


def _listed(at: Place) -> Iterator[Kept]:
    if at.is_empty():
        return
    with _told("list", at):
        for several in at.store().list():
            for meta in several:
                yield Kept(str(meta["path"]), int(meta["size"]), meta["last_modified"])


def _stat(path: Path) -> Kept:
    found = path.stat()
    return Kept(str(path), found.st_size, datetime.fromtimestamp(found.st_mtime).astimezone())


def _remove(at: Place, files: Sequence[Kept]) -> None:
    for first in range(0, len(files), _BATCH):
        with _told("remove from", at):
            some = [kept.path for kept in files[first : first + _BATCH]]
            try:
                at.store().delete(some)  # in one request, where the store can
            except FileNotFoundError:
                _remove_each(at, some)


def _remove_each(at: Place, paths: Iterable[str]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):  # somebody else removed it: that is as good
            at.store().delete(path)


@contextmanager
def _told(action: str, at: Place) -> Iterator[None]:
    try:
        yield
    except (BaseError, DeltaError, OSError) as error:
        raise LakeFault(action, at.url, error) from error
