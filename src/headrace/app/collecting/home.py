"""What a home keeps beside its lake: unpacked bundles, published state, and what killed processes left."""

import shutil
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from headrace.app.workspace import Workspace


class Found(NamedTuple):
    """A file or folder of a home that may go."""

    path: Path
    size_bytes: int


def unpacked_bundles(workspace: Workspace, needed: Collection[str], until: datetime) -> list[Found]:
    """Return copies of bundles that nothing needs, and those that were never finished."""
    folder = workspace.settings.bundles
    return [_found(path) for path in _inside(folder) if (path.stem not in needed if path.suffix == ".zip" else _written(path) < until)]


def published_state(workspace: Workspace, needed: Collection[tuple[str, int]], until: datetime) -> list[Found]:
    """Return the state of model versions (by name and number) that need none, and what was never finished."""
    models = list(_inside(workspace.settings.home / "state" / workspace.project.name))
    return [
        _found(path)
        for model in models
        for path in _inside(model)
        if ((model.name, int(path.name)) not in needed if path.name.isdecimal() else _written(path) < until)
    ]


def abandoned_scratch(workspace: Workspace, until: datetime) -> list[Found]:
    """Return what processes that were killed before they had their lock left; the rest is removed by whoever needs scratch next."""
    return [
        _found(path) for path in _inside(workspace.settings.home / "scratch") if path.name.startswith(".new-") and _written(path) < until
    ]


def remove(found: Found) -> None:
    """Remove a file or a folder."""
    if found.path.is_dir():
        shutil.rmtree(found.path, ignore_errors=False)
    else:
        found.path.unlink(missing_ok=True)


def _inside(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.iterdir())) if folder.is_dir() else iter(())


def _found(path: Path) -> Found:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return Found(path, sum(each.stat().st_size for each in files))


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
