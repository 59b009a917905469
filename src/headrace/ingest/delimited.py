"""CSV: read strictly. Every row has as many fields as the header, and every field is a text until its column's type is known."""

import csv
import io
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from headrace.ingest.errors import SourceUnreadable
from headrace.ingest.headers import seem_values
from headrace.ingest.lines import LONGEST_BYTES, find_long_line, too_long
from headrace.ingest.separators import likely_separator
from headrace.ingest.unpack import opened, undecodable
from headrace.spec.sources import File

_CHUNK_BYTES = 16 << 20
_BLOCKS_AHEAD = 6
_WAIT_SECONDS = 10
_TAIL_BYTES = 2 * LONGEST_BYTES
_LINES, _LONGEST_LINE = 20, 1 << 16
_ROW_TEXT = re.compile(r"(got \d+):.*", re.DOTALL)

# What Python's reader says of a header in which a quote is opened and never closed.
_HEADER_FAULTS = {"unexpected end of data": "a quote of its header is never closed"}
_HEADER_FAULTS[f"field larger than field limit ({csv.field_size_limit()})"] = _HEADER_FAULTS["unexpected end of data"]

Chunks = Callable[[], Iterator[pl.DataFrame]]


def read_texts(source: File, path: Path) -> tuple[tuple[str, ...], Chunks]:
    """Return the header, and what gives the rows as texts, in frames of some 16 MB.

    An empty field is null, and so are the source's `null_values`. A line with nothing on it is no row. About 100 MB are in memory at once.

    Raises:
        SourceUnreadable: for a file that is empty, not in its encoding, has a row with too few or too many fields, one of more than 4 MB
            or a quote that is never closed; the row or line is named. Of what is no header, frames say it when they are reached.
    """
    names = _header(source, path)
    if not names:
        remedy = "A CSV has at least a header line with the names of its columns."
        raise SourceUnreadable(f"{path} is empty.", remedy=remedy, location=source.location)
    return names, lambda: _chunks(source, path, names)


def _header(source: File, path: Path) -> tuple[str, ...]:
    try:
        with opened(source, path) as stream:
            head = stream.read(LONGEST_BYTES + 1)
        if len(head) > LONGEST_BYTES and not head.strip(b"\r\n").count(b"\n"):
            raise too_long(source, path, find_long_line(source, path), 0)
        # Of a longer file the last line may be cut within a letter or a quote; of a row that is read to its end nothing is.
        text = head.decode("utf-8", errors="strict" if len(head) <= LONGEST_BYTES else "ignore")
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=source.separator, strict=True)
        names = next((tuple(row) for row in lines if row), ())
    except (UnicodeDecodeError, csv.Error) as error:
        raise _problem(source, path, _HEADER_FAULTS.get(str(error), str(error))) from error
    if seem_values(names):
        problem = f"the first row of {path} seems to hold values, not the names of columns."
        raise SourceUnreadable(problem, remedy="Write the names of the columns above it, on a line of their own.", location=source.location)
    likely = find_separator(source, path) if len(names) == 1 else None
    if likely and likely != source.separator:
        problem = f"{path} has one column, called {names[0]!r}: it seems to be separated by {likely!r}, not by {source.separator!r}."
        raise SourceUnreadable(problem, remedy=f"Add separator={likely!r} to the source.", location=source.location)
    return names


def find_separator(source: File, path: Path) -> str | None:
    """Return the separator that the first lines of a file seem to have; None if there is none."""
    with opened(source, path) as stream, io.TextIOWrapper(stream, "utf-8", newline="") as text:
        return likely_separator([line for line in (text.readline(_LONGEST_LINE) for _ in range(_LINES)) if line.strip()])


def _chunks(source: File, path: Path, names: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    rows, last = 0, None
    try:
        with opened(source, path) as stream:
            watched = _Watched(stream)
            for table in _tables(watched, source, names):
                rows += table.num_rows
                last = table.column(len(names) - 1)[-1].as_py() if table.num_rows else last
                yield pl.DataFrame([pl.Series(name, pl.from_arrow(table.column(at)), pl.String) for at, name in enumerate(names)])
            if last and _is_open(last, watched.tail):
                problem = f"{path} is not a proper CSV: the quote that opens the last field of row {rows + 1} is never closed."
                raise SourceUnreadable(
                    problem, remedy="Close it, or write the quote twice if it is part of the text.", location=source.location
                )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        if "Empty CSV" in str(error):  # what the reader says of a header without a line break
            return
        if "straddling" in str(error):
            raise too_long(source, path, find_long_line(source, path), rows) from error
        raise _problem(source, path, str(error)) from error


def _tables(stream: "_Watched", source: File, names: tuple[str, ...]) -> Iterator[Any]:
    # With one thread the reader can say which row is wrong, and is as quick: what it does in others is not the parsing.
    reading = arrow_csv.ReadOptions(use_threads=False, block_size=LONGEST_BYTES)
    layout = arrow_csv.ParseOptions(delimiter=source.separator, newlines_in_values=True)
    conversion = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=["", *source.null_values],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    waiting: list[Any] = []
    try:
        with arrow_csv.open_csv(pa.PythonFile(stream, "r"), reading, layout, conversion) as reader:
            for batch in reader:
                stream.taken()
                waiting.append(batch)
                if sum(each.nbytes for each in waiting) >= _CHUNK_BYTES:
                    yield pa.Table.from_batches(waiting)
                    waiting = []
    finally:
        stream.let_go()
    if waiting:
        yield pa.Table.from_batches(waiting)


class _Watched(io.RawIOBase):
    """A stream of which the end that was read last is kept, and whose reader does not run far ahead of who takes the rows."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._turn = threading.Condition()
        self._ahead = 0
        self.tail = b""

    def taken(self) -> None:
        """Say that the rows of a block were taken, or that no more will be."""
        with self._turn:
            self._ahead -= 1
            self._turn.notify()

    def let_go(self) -> None:
        """Let the reader read without waiting: nobody takes rows any more."""
        with self._turn:
            self._ahead = -sys.maxsize
            self._turn.notify()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        with self._turn:
            # Without end it would wait where many blocks make no rows, such as empty lines.
            self._turn.wait_for(lambda: self._ahead < _BLOCKS_AHEAD, _WAIT_SECONDS)
            self._ahead += 1
        data = self._stream.read(size)
        if data:
            self.tail = data if len(data) >= _TAIL_BYTES else (self.tail + data)[-_TAIL_BYTES:]
        return data


def _is_open(last: str, tail: bytes) -> bool:
    """Tell whether the last field begins with a quote that nothing closes: the file ends with the quote and the field."""
    return not last.endswith('"') and tail.endswith(b'"' + last.replace('"', '""').encode())


def _problem(source: File, path: Path, reason: str) -> SourceUnreadable:
    if "utf8" in reason.lower() or "codec can't decode" in reason:
        return undecodable(source, path)
    remedy = f"Every row has the header's fields, separated by {source.separator!r}; a text with a separator or line break is quoted."
    # The reader goes on with the row itself, which may hold personal values and would end up in logs and in the ledger.
    told = _ROW_TEXT.sub(r"\1", reason.removeprefix("CSV parse error: "))
    problem = f"{path} is not a proper CSV: {told}."
    return SourceUnreadable(problem, remedy=remedy, location=source.location)
