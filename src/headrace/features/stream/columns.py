"""The rows of a micro-batch as a group stores them, computed by whole columns."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.expressions import DType, Expr
from headrace.features.edges import sort_stable
from headrace.features.keys import ColumnNumbers, Keys
from headrace.features.lookups import ARRIVAL_COLUMN, Functions, revive
from headrace.features.prepared import full_length, key_column, knowledge_time, seen_rows
from headrace.features.stream.keys import record_key
from headrace.features.stream.layout import ARRIVAL, FLAGS, TIME, GroupLayout

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TextColumn:
    """A column of texts: all their bytes, and where each begins in them, the end last. `word` is where rows say it."""

    word: int
    data: Any
    offsets: Integers

    @classmethod
    def of(cls, word: int, texts: pl.Series) -> "TextColumn":
        """Return a column of texts without nulls."""
        array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
        _, offsets, data = array.buffers()
        places = np.frombuffer(offsets, np.int64, len(array) + 1, array.offset * 8)
        return cls(word, memoryview(data) if data is not None else memoryview(b""), places)


@dataclass(frozen=True)
class StoredRows:
    """Rows sorted by key, those of a key as they came.

    Attributes:
        keys: the bytes of each distinct key.
        edges: where the rows of each key begin, and the end.
        words: the rows; the places of texts are still to be filled in.
    """

    keys: list[bytes]
    edges: list[int]
    words: Integers
    texts: list[TextColumn]


class StoredColumns:
    """Computes a group's rows from its table's. Immutable; the expressions are compiled once."""

    def __init__(self, layout: GroupLayout, functions: Functions) -> None:
        self.layout = layout
        self._keys = [f"key {number}" for number in range(len(layout.keys))]
        keys = [key_column(name, dtype).to_physical() for name, dtype in layout.keys]
        columns = [column.alias(name) for name, column in zip(self._keys, keys, strict=True)]
        time = pl.lit(None, pl.Int64) if layout.time is None else pl.col(layout.time).to_physical()
        arrival = pl.col(ARRIVAL_COLUMN)  # the first column, which gives the frame its length
        columns = [arrival.alias("arrival"), time.fill_null(0).alias("time"), *columns]
        columns += [knowledge_time(known).fill_null(0).alias(f"known {number}") for number, known in enumerate(layout.knowns)]
        flags = [0 if layout.time is None else _flag(time.is_null(), 1)]
        for number, seen in enumerate(layout.seens):
            visible = seen_rows(seen.known, _expression(seen.value, functions), _expression(seen.where, functions), layout.columns)
            flags.append(_flag(visible, layout.seen_flag(number)))
        for number, (text, dtype) in enumerate(layout.values):
            value = full_length(_expression(text, functions), layout.columns)  # type: ignore[arg-type]  # a value has an expression
            columns.append(_stored(value, dtype).alias(f"value {number}"))
            flags.append(_flag(value.is_null(), layout.null_flag(number)))
        self._columns = [*columns, pl.sum_horizontal(flags).alias("flags")]
        self._seen = sum(layout.seen_flag(number) for number in range(len(layout.seens)))

    def compute(self, rows: pl.DataFrame) -> StoredRows:
        """Return the rows that some lookup can ever see and that have a key."""
        keyed = (pl.col(name).is_not_null() for name in self._keys)
        visible = (pl.col("flags") & self._seen) != 0
        # The columns of a row that is not kept may be anything, so they are computed before rows are left out, as in batch.
        found = rows.lazy().select(self._columns).collect().filter(visible, *keyed)
        numbers = Keys([ColumnNumbers(found[name]) for name in self._keys]).rows
        ordered, places = sort_stable(numbers)
        order = np.arange(found.height) if places is None else places
        starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1) != 0)
        keys = [record_key(values) for values in found[order[starts]].select(self._keys).rows()]
        sorted_rows = found[order]
        texts = []
        words = np.zeros((found.height, self.layout.width), np.int64)
        words[:, ARRIVAL], words[:, FLAGS] = sorted_rows["arrival"].to_numpy(), sorted_rows["flags"].to_numpy()
        words[:, TIME] = sorted_rows["time"].to_numpy()
        for number, known in enumerate(self.layout.knowns):
            words[:, self.layout.known_word(known)] = sorted_rows[f"known {number}"].to_numpy()
        for number, (_, dtype) in enumerate(self.layout.values):
            values, word = sorted_rows[f"value {number}"], self.layout.value_word(number)
            if dtype == DType.STRING:
                texts.append(TextColumn.of(word, values))
            else:
                words[:, word] = values.to_numpy().view(np.int64)
        return StoredRows(keys, [*starts.tolist(), len(words)], words, texts)


def _stored(value: pl.Expr, dtype: DType) -> pl.Expr:
    """A value without nulls, as text or in 64 bits."""
    if dtype == DType.STRING:
        return value.fill_null("")
    return value.fill_null(0.0) if dtype == DType.FLOAT else value.to_physical().cast(pl.Int64).fill_null(0)


def _flag(condition: pl.Expr, flag: int) -> pl.Expr:
    return condition.cast(pl.Int64) * flag


def _expression(text: str, functions: Functions) -> Expr | None:
    return revive(msgspec.json.decode(text), functions) if text else None
