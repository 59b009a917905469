"""Letters as bytes: texts in other encodings given as UTF-8, and what to say of bytes that are none."""

import codecs
import io
import re
from collections.abc import Iterable
from itertools import chain
from typing import IO, NamedTuple

_BLOCK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 12
_MANY_ZEROS = 0.2
_LONG_RUN = 3
_HIGH = re.compile(rb"[\x80-\xff]+")
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
# The longer ones first: a mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_COMMON = ("cp1252", "latin-1", "utf-16", "cp1250", "cp1251", "shift_jis", "gb18030")
UTF_8 = ("utf-8", "utf-8-sig")


class Undecodable(NamedTuple):
    """The first byte that is no part of a text: its value, its line from 1, the likely encoding and the letter that it is there."""

    byte: int
    line: int
    likely: str | None
    letter: str


def as_utf8(stream: IO[bytes], encoding: str, strict: bool = False) -> IO[bytes]:
    """Return a stream of the same text in UTF-8 and without a byte order mark; a mark goes before what was declared.

    Reading it raises UnicodeDecodeError where bytes are no text of the encoding; UTF-8 is passed on as it is, unless asked to be `strict`.
    """
    mark, marked = _mark_of(stream.read(_HEAD_BYTES)) or (b"", encoding)
    if marked in UTF_8 and not strict:
        stream.seek(len(mark))
        return stream
    stream.seek(0)
    return io.BufferedReader(_Transcoded(stream, marked), _BLOCK_BYTES)


def looks_wide(head: bytes) -> str | None:
    """Return the encoding of a text of two bytes a letter that has no byte order mark; None if it seems to be none."""
    zeros = {"utf-16-be": head[0::2].count(0), "utf-16-le": head[1::2].count(0)}
    likely = max(zeros, key=lambda name: zeros[name])
    told = zeros[likely] > _MANY_ZEROS * len(head) / 2 and not min(zeros.values())
    return likely if told and not _mark_of(head) else None


def find_undecodable(blocks: Iterable[bytes], encoding: str) -> Undecodable | None:
    """Return the first byte that is no part of a text in an encoding; None if all are, or the mark is missing that the encoding wants."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    for block in chain(blocks, (b"",)):
        try:
            line += decoder.decode(block, final=not block).count("\n")
        except UnicodeDecodeError as error:
            text, start = error.object, error.start
            line += text[:start].decode(encoding, errors="replace").count("\n")
            likely = guess_encoding(text[max(0, start - _HEAD_BYTES // 2) :])
            return Undecodable(text[start], line, likely, text[start : start + 1].decode(likely or "ascii", errors="replace"))
        except UnicodeError:  # UTF-16 and UTF-32 without the mark that says which byte of a letter comes first
            return None
    return None


def guess_encoding(sample: bytes) -> str | None:
    """Return the encoding that a text most likely has; None where it may be one of many.

    Two bytes a letter show by their zeros, UTF-8 by its form. Of one byte a letter just Windows-1252 is told, which holds the letters of
    Latin-1: where letters outside ASCII stand by themselves between others, as they do in Western Europe and nowhere else.
    """
    marked = _mark_of(sample)
    if marked or (wide := looks_wide(sample[:_HEAD_BYTES])):
        return marked[1] if marked else wide
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
        return "utf-8"
    except UnicodeDecodeError:
        runs = [len(run) for run in _HIGH.findall(sample)]
    foreign = sum(length for length in runs if length >= _LONG_RUN) > sum(runs) / 2
    return None if foreign or _UNDEFINED.search(sample) else "cp1252"


def say_undecodable(found: Undecodable, what: str, encoding: str) -> tuple[str, str]:
    """Return the problem and the remedy."""
    problem = f"{what} is not written in {encoding.upper()}: the byte 0x{found.byte:02x} in line {found.line:,} is no part of such a text."
    if found.likely is None:
        return problem, f"Name its encoding in the source, for example encoding={_COMMON[0]!r}; common ones are {', '.join(_COMMON)}."
    told = f", in which that byte is {found.letter!r}" if found.letter.isprintable() and found.letter != "\ufffd" else ""
    return problem, f"It is most likely {found.likely}{told}: add encoding={found.likely!r} to the source."


def _mark_of(head: bytes) -> tuple[bytes, str] | None:
    return next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), None)


class _Transcoded(io.RawIOBase):
    """A text in another encoding, as UTF-8."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream, self._decoder, self._left = stream, codecs.getincrementaldecoder(encoding)(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # RawIOBase takes any buffer; BufferedReader gives these
        while not self._left:
            block = self._stream.read(_BLOCK_BYTES)
            self._left = self._decoder.decode(block, final=not block).encode("utf-8", errors="surrogatepass")
            if not block:
                break
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size
