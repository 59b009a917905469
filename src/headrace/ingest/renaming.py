"""What a column that is gone may be called now: a new one of its type whose values are like those it had."""

from collections.abc import Iterable

import polars as pl

from headrace.core.errors import closest
from headrace.expressions import DType
from headrace.ingest.column_types import convert
from headrace.ingest.dialect import Dialect
from headrace.ingest.profile import ColumnProfile, TableProfile
from headrace.ingest.raw import RawTable

_MOSTLY = 0.9
_MEASURED = (DType.INT, DType.FLOAT)
_NAMED = (DType.STRING, DType.BOOL)


def likely_name(name: str, kind: DType, raw: RawTable, fresh: Iterable[str], before: TableProfile | None, dialect: Dialect) -> str | None:
    """Return the new column, among those `fresh`, that the column most likely has become; None if none is like it.

    By a look at the first chunk: its values have the type, and nine tenths of them lie in the range, or are among the commonest values,
    that the column had. Of several the one whose name is nearest. Where values cannot be compared, names alone decide.
    """
    chunk = next(iter(raw.chunks()), None)
    profile = next((each for each in before.columns if each.name == name), None) if before else None
    typed = [each for each in fresh if chunk is None or _has_type(chunk[each], kind, dialect)]
    alike = [each for each in typed if chunk is not None and profile is not None and _is_alike(chunk[each], profile, kind, dialect)]
    return closest(name, alike or typed) or (alike[0] if len(alike) == 1 else None)


def _has_type(values: pl.Series, kind: DType, dialect: Dialect) -> bool:
    return convert(values, kind, dialect).null_count() == values.null_count()


def _is_alike(values: pl.Series, profile: ColumnProfile, kind: DType, dialect: Dialect) -> bool:
    found = convert(values, kind, dialect).drop_nulls()
    if found.is_empty() or profile.type is not kind:
        return False
    if kind in _MEASURED and isinstance(profile.min, int | float) and isinstance(profile.max, int | float):
        share = found.is_between(profile.min, profile.max).mean()
    elif kind in _NAMED and profile.distinct == len(profile.top):
        share = found.is_in(pl.Series([each.value for each in profile.top], dtype=found.dtype).implode()).mean()
    else:
        return False
    return isinstance(share, float) and share >= _MOSTLY
