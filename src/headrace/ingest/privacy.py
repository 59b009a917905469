"""Personal columns at the door: what goes into the lake, the quarantine or a message is their pseudonyms."""

from collections.abc import Iterable

import polars as pl

from headrace.core.pseudonyms import PATTERN, pseudonymise
from headrace.spec.tables import Table


def conceal(frame: pl.DataFrame, columns: Iterable[str], key: bytes, keep_pseudonyms: bool = False) -> pl.DataFrame:
    """Return the frame with these columns as pseudonyms; each distinct value is hashed once. Columns that it has not are passed over.

    With `keep_pseudonyms` a value that is a pseudonym already stays as it is.
    """
    return frame.with_columns(_concealed(frame[name], key, keep_pseudonyms) for name in columns if name in frame.columns)


def personal_sources(table: Table) -> tuple[str, ...]:
    """Return the personal columns, and the ones that they are made from in `columns`: before the mapping those are as personal."""
    found = dict.fromkeys(table.personal)
    for name in reversed(list(table.columns)):
        if name in found:
            found |= dict.fromkeys(sorted(table.columns[name].columns()))
    return tuple(found)


def _concealed(values: pl.Series, key: bytes, keep_pseudonyms: bool) -> pl.Series:
    distinct = values.unique()
    pseudonyms = [value if keep_pseudonyms and _is_pseudonym(value) else pseudonymise(value, key) for value in distinct.to_list()]
    told = pl.DataFrame({"value": distinct, "pseudonym": pl.Series(pseudonyms, dtype=pl.String)})
    found = values.alias("value").to_frame().join(told, on="value", how="left", nulls_equal=True, maintain_order="left")
    return found["pseudonym"].alias(values.name)


def _is_pseudonym(value: object) -> bool:
    return isinstance(value, str) and PATTERN.fullmatch(value) is not None
