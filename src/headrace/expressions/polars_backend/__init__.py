"""Expressions to Polars expressions. Importing it imports Polars.

The values have the bits that the generated Python gives, with two exceptions, both in frames of a single row, where Polars takes short
cuts meant for constants: the sign of a zero that is a sum or difference with zero, and the last bit of a power whose exponent is a column.
Functions such as exp and sin are those of the machine's C library in both, so that both give the same on one machine.
"""

from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.expressions.polars_backend.compile import to_polars

__all__ = ["POLARS_TYPES", "to_polars"]
