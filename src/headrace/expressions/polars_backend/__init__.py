"""Expressions to Polars expressions. Importing it imports Polars.

The values have the bits that the generated Python gives. Functions such as exp and sin are those of the machine's C library in both, so
that both give the same on one machine.
"""

from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.expressions.polars_backend.compile import to_polars

__all__ = ["POLARS_TYPES", "to_polars"]
