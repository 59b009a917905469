"""Something about a table's values that may be right or wrong, for a person to judge."""

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. It changes nothing by itself.

    Attributes:
        column: where; empty for whole rows.
        kind: `constant`, `outliers`, `placeholder`, `blanks`, `spellings`, `repeated rows` or `near-duplicate rows`;
            of `headrace init` also `misfits`, `no time` and `repeated id`.
        rows: how many rows have it.
        examples: up to three, as texts; none of a personal column. Of rows: their numbers in the source, from 1.
        advice: what to write to act on it.
    """

    column: str
    kind: str
    rows: int
    examples: tuple[str, ...] = ()
    advice: str = ""
