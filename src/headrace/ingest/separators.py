"""Which separator a delimited text seems to have."""

import csv
from collections.abc import Sequence

SEPARATORS = (",", ";", "\t", "|")


def likely_separator(lines: Sequence[str]) -> str | None:
    """Return the separator that cuts the header, and all lines after it, into equally many fields, at least two; None if there is none."""
    fields = {separator: _fields(lines, separator) for separator in SEPARATORS}
    best = max(SEPARATORS, key=lambda separator: fields[separator])
    return best if fields[best] > 1 else None


def _fields(lines: Sequence[str], separator: str) -> int:
    counts = {len(row) for row in csv.reader(lines, delimiter=separator) if row}
    return counts.pop() if len(counts) == 1 else 0
