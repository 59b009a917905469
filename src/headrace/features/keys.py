"""Numbers for keys: equal keys of a table and of its questions have the same one, and all other work is on integers."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

Integers = NDArray[np.int64]
_DENSE = 1 << 20
"""Numbers of several columns are combined by multiplication as long as they stay below this."""
_FIRST = 64
_NO_TEXT = 2**32 - 1  # which is no text's number, and -1 as a number with a sign


class ColumnNumbers:
    """Numbers the values of one of a table's key columns from 0.

    Attributes:
        rows: the number of each row's value, -1 for null.
        size: one more than the greatest number.
    """

    def __init__(self, column: pl.Series) -> None:
        self._column = column
        self._texts = column.cast(pl.Categorical(pl.Categories.random())) if column.dtype == pl.String else None
        if self._texts is not None:  # which is kept, for Polars forgets the numbers of texts that no column holds
            self._distinct, self.rows = None, _codes(self._texts)
        else:
            self._distinct = numbering(_integers(column.drop_nulls()))
            self.rows = self._numbers(column)
        self.size = int(self.rows.max(initial=-1)) + 1

    def find(self, column: pl.Series, same: "ColumnNumbers | None" = None) -> Integers:
        """Return the number of each value of another column of the same type, -1 for null and for those that the table has not.

        Where the numbers of the same column are given, no more than its distinct texts are looked for.
        """
        if same is self:
            return self.rows
        if self._texts is None:
            return self._numbers(column)
        if same is None:
            return self._text_numbers(column)
        return np.append(self._text_numbers(same._distinct_texts()), -1).take(same.rows, mode="wrap")  # the last one is that of null, -1

    def are_of(self, column: pl.Series) -> bool:
        """Tell whether a column holds what was numbered, which is soon said, and sooner where they begin otherwise."""
        mine = self._column
        return mine.dtype == column.dtype and mine.head(_FIRST).equals(column.head(_FIRST)) and mine.equals(column)

    def _distinct_texts(self) -> pl.Series:
        """Return the texts in the order of their numbers."""
        places = np.zeros(self.size + 1, np.int64)
        places[self.rows] = np.arange(len(self.rows))
        return self._column.gather(places[: self.size])

    def _text_numbers(self, texts: pl.Series) -> Integers:
        assert self._texts is not None
        found = _codes(texts.cast(self._texts.dtype))
        found[found >= self.size] = -1
        return found

    def _numbers(self, column: pl.Series) -> Integers:
        assert self._distinct is not None
        found = self._distinct.find(_integers(column))
        if column.null_count():
            found[column.is_null().to_numpy()] = -1
        return found


class Keys:
    """Numbers the keys of a table from 0.

    Attributes:
        rows: the number of each row's key, -1 for one with a null.
        size: what no number reaches. Those below it need not all be in use.
    """

    def __init__(self, columns: Sequence[ColumnNumbers]) -> None:
        self._columns = columns
        self._distinct: list[Distinct | None] = []
        self.rows, self.size = columns[0].rows, columns[0].size
        for column in columns[1:]:
            self.rows, self.size = _pair(self.rows, column.rows, column.size), self.size * column.size
            distinct = Distinct(self.rows[self.rows >= 0]) if self.size > _DENSE else None
            if distinct is not None:
                self.rows, self.size = distinct.find(self.rows), distinct.size
            self._distinct.append(distinct)

    def find(self, numbers: Sequence[Integers]) -> Integers:
        """Return the number of each key from those of its columns' values, -1 for a key that the table has not."""
        found = numbers[0]
        for column, values, distinct in zip(self._columns[1:], numbers[1:], self._distinct, strict=True):
            found = _pair(found, values, column.size)
            found = found if distinct is None else distinct.find(found)
        return found


class Distinct:
    """The places of integers among the distinct ones of an array."""

    def __init__(self, values: Integers) -> None:
        ordered = np.sort(values)  # np.unique hashes, which takes four times as long here
        self._values = ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0]  # not > 0: keys may lie further apart than 64 bits tell
        self.size = len(self._values)

    def find(self, values: Integers) -> Integers:
        """Return each value's place, -1 where it is not among them."""
        if not self.size:
            return np.full(len(values), -1)
        places = np.searchsorted(self._values, values)
        places[self._values.take(places, mode="clip") != values] = -1
        return places


class Offset:
    """Integers that lie close together, numbered by how far each is from the least. Not every number below `size` is in use."""

    def __init__(self, first: int, size: int) -> None:
        self._first, self.size = first, size

    def find(self, values: Integers) -> Integers:
        """Return each value's number, -1 where it is none of those below `size`."""
        found = values - self._first  # modulo 2**64, and a difference that is too large for its sign is out of bounds all the same
        found[found.view(np.uint64) >= self.size] = -1
        return found


def numbering(values: Integers) -> Distinct | Offset:
    """Return the quickest way to number integers: where they lie close together they need not be looked for."""
    if not len(values):
        return Distinct(values)
    first, size = int(values.min()), int(values.max()) - int(values.min()) + 1
    return Offset(first, size) if size <= len(values) + _DENSE // 16 else Distinct(values)


def _codes(texts: pl.Series) -> Integers:
    """Categories as numbers, in the order in which they were first met; -1 for null."""
    return texts.to_physical().fill_null(_NO_TEXT).to_numpy().view(np.int32).astype(np.int64)


def _integers(column: pl.Series) -> Integers:
    """Integers, moments, booleans or the bits of floats; anything for null."""
    if column.dtype == pl.Float64:
        return column.fill_null(0.0).to_numpy().view(np.int64)
    return column.to_physical().cast(pl.Int64).fill_null(0).to_numpy()


def _pair(left: Integers, right: Integers, size: int) -> Integers:
    pairs = left * size
    pairs += right
    pairs[(left | right) < 0] = -1
    return pairs
