"""The values of logged predictions, typed again: they were written as JSON."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from headrace.expressions import DType
from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.features.plan import STALE

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def logged_frame(texts: Sequence[str], types: Mapping[str, DType]) -> pl.DataFrame:
    """Return the values of these names and types, null where a row has none of that name. What was NaN is null: the log writes it so."""
    rows = [_decode(text) for text in texts]
    return pl.DataFrame(
        {name: pl.Series([_typed(row.get(name), dtype) for row in rows], dtype=POLARS_TYPES[dtype]) for name, dtype in types.items()}
    )


def withheld(texts: Sequence[str]) -> pl.Series:
    """Return the names of the features that were null since they were too old."""
    found = []
    for text in texts:
        row = _decode(text) if STALE in text else {}
        found.append([name for name in row.get(STALE, ()) if row.get(name) is None])
    return pl.Series(found, dtype=pl.List(pl.String))


def _typed(value: Any, dtype: DType) -> Any:
    return None if value is None else _FROM_JSON.get(dtype, _same)(value)


def _same(value: Any) -> Any:
    return value


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _duration(seconds: float) -> timedelta:
    return timedelta(microseconds=round(seconds * 1e6))


_FROM_JSON: Mapping[DType, Callable[[Any], Any]] = {
    DType.FLOAT: float,  # an infinite one is a text
    DType.DATETIME: _moment,
    DType.DURATION: _duration,
}
