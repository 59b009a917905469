"""Expressions to Polars expressions. Importing it imports Polars."""

from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.expressions.polars_backend.compile import to_polars

__all__ = ["POLARS_TYPES", "to_polars"]
