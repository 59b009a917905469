"""Expressions to generated Python for one row. Imports no engine."""

from headrace.expressions.python_backend.rows import RowFunction, compile_row

__all__ = ["RowFunction", "compile_row"]
