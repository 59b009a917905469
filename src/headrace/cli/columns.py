"""Aligned columns of text."""

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]], indent: int = 0) -> list[str]:
    """Return one line a row, each column as wide as its widest cell, two spaces between.

    >>> columns([["a", "1"], ["bbb", "22"]])
    ['a    1', 'bbb  22']
    """
    if not rows:
        return []
    widths = [max(len(row[index]) for row in rows if index < len(row)) for index in range(max(map(len, rows)))]
    return [(" " * indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))).rstrip() for row in rows]
