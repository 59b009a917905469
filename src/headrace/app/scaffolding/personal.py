"""Columns that say who somebody is."""

import re

import polars as pl

from headrace.expressions import DType
from headrace.ingest.profile import ColumnProfile

_ADDRESS = r"^\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*$"
_MOSTLY = 0.8
_NAMES = frozenset({"email", "phone", "ssn", "passport", "iban"})
_E_MAIL = re.compile(r"e[-_ ]mail", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WITH_VALUES = (DType.STRING, DType.INT, DType.FLOAT)
_YES_OR_NO = 2
BY_VALUES = "its values look like e-mail addresses"
_SHORT = 5


def why_personal(column: ColumnProfile, values: pl.Series) -> str | None:
    """Return why a column is taken for personal data, or None.

    By its values: four fifths of the texts look like e-mail addresses. By its name, whatever the values are, unless they are
    but two and short, which say whether there is a phone and not its number.
    """
    if column.type is DType.STRING and column.distinct and _share_of_addresses(values) >= _MOSTLY:
        return BY_VALUES
    if column.type in _WITH_VALUES and is_called_personal(column.name) and not _is_yes_or_no(column, values):
        return "its name says so"
    return None


def _is_yes_or_no(column: ColumnProfile, values: pl.Series) -> bool:
    return column.distinct <= _YES_OR_NO and all(len(str(value)) <= _SHORT for value in values.drop_nulls().unique())


def _share_of_addresses(values: pl.Series) -> float:
    share = values.drop_nulls().str.contains(_ADDRESS).mean()
    return share if isinstance(share, float) else 0.0


def is_called_personal(name: str) -> bool:
    """Return whether a column's name says that its values are personal."""
    return any(word.lower() in _NAMES for word in _WORDS.findall(_E_MAIL.sub("email", name)))
