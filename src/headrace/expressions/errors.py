"""Errors of the expression language.

UserError
└── ExpressionError             an expression that cannot be built, read or evaluated
    ├── ExpressionTypeError     operands whose types do not fit: node, types, fix
    ├── UnknownColumn           a column that the schema does not have
    └── UdfError                a Python function that cannot be serialised, is not there, or returned what it did not promise
"""

from collections.abc import Iterable

from headrace.core.errors import UserError, suggest
from headrace.core.locations import Location


class ExpressionError(UserError):
    """An expression that cannot be built, read or evaluated."""


class ExpressionTypeError(ExpressionError):
    """Operands whose types do not fit."""

    def __init__(self, node: str, types: Iterable[str], fix: str, *, location: Location | None = None) -> None:
        listed = tuple(str(kind) for kind in types)
        super().__init__(f"{node} does not take ({', '.join(listed)}).", remedy=fix, location=location)
        self.node = node
        self.types = listed


class UnknownColumn(ExpressionError):
    """A column that the schema does not have."""

    def __init__(self, name: str, choices: Iterable[str], *, location: Location | None = None) -> None:
        super().__init__(f"there is no column {name!r}.", remedy=suggest(name, choices), location=location)
        self.name = name


class UdfError(ExpressionError):
    """A Python function that cannot be serialised, is not there, or returned what it did not promise."""
