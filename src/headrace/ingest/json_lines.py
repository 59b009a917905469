"""JSON lines: one object a line, all together one table."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from headrace.ingest.errors import SourceUnreadable
from headrace.ingest.lines import LineTooLong, blocks_of_lines, find_long_line, too_long
from headrace.ingest.raw import Replay, with_all
from headrace.ingest.unpack import opened
from headrace.spec.sources import File

_BLOCK_BYTES = 8 << 20

Chunks = Callable[[], Iterator[pl.DataFrame]]


def read_objects(source: File, path: Path, block_bytes: int | None = None) -> tuple[tuple[str, ...], Chunks]:
    """Return the names that any object has, in the order of their first appearance, and what gives the rows in frames of some
    `block_bytes`, 8 MB unless told.

    Raises:
        SourceUnreadable: for a line that is no object, which is named, or longer than 4 MB.
    """
    frames = Replay(lambda: _frames(source, path, block_bytes or _BLOCK_BYTES))
    names = tuple(dict.fromkeys(name for frame in frames() for name in frame.columns))
    return names, lambda: (with_all(frame, names) for frame in frames())


def _frames(source: File, path: Path, block_bytes: int) -> Iterator[pl.DataFrame]:
    lines = 0
    try:
        with opened(source, path) as stream:
            for block in blocks_of_lines(stream, block_bytes):
                if block.strip():
                    yield _frame(block, source, path, lines)
                lines += block.count(b"\n")
    except LineTooLong as error:
        raise too_long(source, path, find_long_line(source, path), lines) from error


def _frame(block: bytes, source: File, path: Path, lines: int) -> pl.DataFrame:
    try:
        return pl.read_ndjson(block, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        # What Polars says holds the line itself, which may hold personal values.
        remedy = f"Check the file, or say what it is with format= (now {source.format!r})."
        last = lines + block.count(b"\n")
        where = _blame(block, lines) or f"lines {lines + 1} to {last} do not make one table"
        raise SourceUnreadable(f"{path} cannot be read as jsonl: {where}.", remedy=remedy, location=source.location) from error


def _blame(block: bytes, lines: int) -> str | None:
    for number, line in enumerate(block.split(b"\n"), lines + 1):
        try:
            value = json.loads(line) if line.strip() else {}
        except ValueError as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is no text"
            return f"line {number} is no JSON ({reason})"
        if not isinstance(value, dict):
            return f"line {number} is JSON, but no object"
    return None
