"""Columns of which nearly all texts are numbers or dates: what type they are taken for, and the few rows that are then set aside."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

from headrace.app.scaffolding.names import is_called_an_id
from headrace.app.scaffolding.personal import is_called_personal
from headrace.core.units import counted
from headrace.expressions import DType
from headrace.ingest.dialect import Dialect
from headrace.ingest.finding import Finding
from headrace.ingest.texts import reads_as

MISFITS = "misfits"
_MOSTLY, _OF_FEW_DIFFERENT = 0.95, 0.99
_LEAST_VALUES = 20
_SAMPLE = 1000
_SHOWN_LETTERS = 40
_KINDS = (DType.INT, DType.FLOAT, DType.DATETIME)
_PLURALS = {DType.INT: "whole numbers", DType.FLOAT: "numbers", DType.DATETIME: "dates"}


class Misfits(NamedTuple):
    """A column that is of a type but for some of its texts. `wrong` tells of every row whether its text is one of these.

    `declared` says that the source's options make it that type already.
    """

    column: str
    kind: DType
    values: int
    wrong: pl.Series
    first: str
    declared: bool

    @property
    def rows(self) -> int:
        """How many rows have such a text."""
        return int(self.wrong.sum())


def find_misfits(texts: Iterable[pl.Series], allowed: frozenset[DType], dialect: Dialect) -> list[Misfits]:
    """Return the columns that are numbers or dates but for a few texts, as long as no more than 5 % of all rows are set aside for it.

    95 % of a column's texts, and at least 20, must be; 99 % where fewer than 20 differ, for those may be codes. Columns called an id or
    personal are none, nor those with a text that is only written unlike a number, such as `007`: other texts there are so on purpose.
    """
    found = [misfits for column in texts if (misfits := _look(column, allowed, dialect)) is not None]
    found.sort(key=lambda each: (not each.declared, each.rows))
    kept: list[Misfits] = []
    for each in found:
        rows = set_aside([*kept, each])
        if each.declared or int(rows.sum()) <= (1 - _MOSTLY) * len(rows):
            kept.append(each)
    return kept


def set_aside(found: Sequence[Misfits]) -> pl.Series:
    """Tell of every row whether it is set aside for one of its texts."""
    return pl.DataFrame({str(place): each.wrong for place, each in enumerate(found)}).select(pl.any_horizontal(pl.all())).to_series()


def say_misfits(found: Iterable[Misfits], every: int) -> list[Finding]:
    """Return what a person should know of them. Rows are counted from 1."""
    return [
        Finding(
            column=each.column, kind=MISFITS, rows=each.rows, examples=(repr(each.first[:_SHOWN_LETTERS]),), advice=_advice(each, every)
        )
        for each in found
    ]


def _advice(found: Misfits, every: int) -> str:
    row = (found.wrong.arg_max() or 0) * every + 1
    option = f"dates= reads {found.column!r}" if found.declared else f"types={{{found.column!r}: {found.kind.value!r}}}"
    share = f"{found.values - found.rows:,} of {counted(found.values, 'text')} are {_PLURALS[found.kind]}"
    return f"{share}; {option}, so that other rows are quarantined: the first is row {row:,}; null_values= names texts that mean null"


def _look(texts: pl.Series, allowed: frozenset[DType], dialect: Dialect) -> Misfits | None:
    declared = texts.name in dialect.formats
    values = len(texts) - texts.null_count()
    if not declared and (values < _LEAST_VALUES or is_called_an_id(texts.name) or is_called_personal(texts.name)):
        return None
    kinds = (DType.DATETIME,) if declared else tuple(kind for kind in _KINDS if kind in allowed and _is_likely(texts, kind, dialect))
    wrong = {kind: ~reads_as(texts, kind, dialect) & texts.is_not_null() for kind in kinds}
    if not wrong:
        return None
    kind = min(wrong, key=lambda each: int(wrong[each].sum()))
    others = texts.filter(wrong[kind])
    if others.is_empty() or not (declared or _are_few(texts.filter(~wrong[kind]).drop_nulls(), others)):
        return None
    return Misfits(texts.name, kind, values, wrong[kind], others[0], declared)


def _is_likely(texts: pl.Series, kind: DType, dialect: Dialect) -> bool:
    present = texts.drop_nulls()
    share = reads_as(present.gather_every(max(1, len(present) // _SAMPLE)), kind, dialect).mean()
    return isinstance(share, float) and share >= 2 * _MOSTLY - 1


def _are_few(fitting: pl.Series, others: pl.Series) -> bool:
    if others.cast(pl.Float64, strict=False).is_not_null().any():
        return False
    least = _MOSTLY if fitting.n_unique() >= _LEAST_VALUES else _OF_FEW_DIFFERENT
    return len(fitting) >= _LEAST_VALUES and len(fitting) >= least * (len(fitting) + len(others))
