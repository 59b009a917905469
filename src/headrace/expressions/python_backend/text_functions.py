"""What generated code calls for texts."""

import functools
import re
from collections.abc import Callable

# Unicode's White_Space property; Python's own strip also takes the separators U+001C to U+001F.
WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"


def slice_text(text: str, offset: int, length: int | None) -> str:
    """Return the part that begins at `offset`, from the end where negative; what lies outside the text counts as empty."""
    start = offset if offset >= 0 else len(text) + offset
    end = len(text) if length is None else start + length
    return text[max(start, 0) : max(end, 0)]


@functools.lru_cache(maxsize=256)
def whole_match(pattern: str) -> Callable[[str], object]:
    """Return a function that gives something for a text that the pattern matches wholly, and None for others."""
    return re.compile(pattern, re.ASCII).fullmatch
