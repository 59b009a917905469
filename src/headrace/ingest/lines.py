"""Lines of a text, and how long one may be: there is always a file that is one line, and it is not to fill the memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from headrace.ingest.errors import SourceUnreadable
from headrace.ingest.unpack import opened
from headrace.spec.sources import File

LONGEST_BYTES = 4 << 20
"""How long a row or line may be."""

_BLOCK_BYTES = 1 << 20


class LineTooLong(Exception):
    """A line is longer than may be."""


def find_long_line(source: File, path: Path) -> int | None:
    """Return the number, from 1, of the first line that is longer than may be; None if it is but a row that has many lines."""
    with opened(source, path) as stream:
        line, length = 1, 0
        while block := stream.read(_BLOCK_BYTES):
            pieces = block.split(b"\n")
            for number, piece in enumerate(pieces):
                length += len(piece)
                if length > LONGEST_BYTES:
                    return line
                if number < len(pieces) - 1:
                    line, length = line + 1, 0
    return None


def too_long(source: File, path: Path, line: int | None, rows: int) -> SourceUnreadable:
    """Return what to say of a line, or of the row after so many, that is longer than may be."""
    limit = f"longer than {LONGEST_BYTES >> 20} MB"
    if line is not None:
        problem, remedy = f"line {line} of {path} is {limit}.", "Check that its lines end in line breaks, and what stands there."
    else:
        problem, remedy = f"a row of {path} after row {rows + 1} is {limit}.", "Most likely a quote is opened there and never closed."
    return SourceUnreadable(problem, remedy=remedy, location=source.location)


def blocks_of_lines(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """Give the content in blocks of whole lines, of about `size` bytes, the last one perhaps without a line break.

    Raises:
        LineTooLong: if one is longer than may be.
    """
    rest = b""
    while block := stream.read(size):
        end = block.rfind(b"\n") + 1
        if not end:
            rest += block
        else:
            yield rest + block[:end]
            rest = block[end:]
        if len(rest) > max(LONGEST_BYTES, size):
            raise LineTooLong
    if rest:
        yield rest
