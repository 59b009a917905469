"""Headers that are none: a first row of values would become the names of columns, and be told wherever columns are told."""

import re
from collections.abc import Sequence

_SORTS = (
    re.compile(r"[+-]?\d+(?:[.,]\d+)*"),  # a number
    re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?"),  # a date or a moment
    re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]+"),  # an e-mail address
)


def seem_values(names: Sequence[str]) -> bool:
    """Tell whether names look like a row of values: two sorts of values are among them. Of one sort they may well be, as years are."""
    return sum(any(sort.fullmatch(name.strip()) for name in names) for sort in _SORTS) > 1
