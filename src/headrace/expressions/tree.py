"""The tree: what `col("x") + 1` builds. Frozen values that no engine is needed for."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import msgspec

from headrace.core.locations import Location, caller_location
from headrace.core.moments import MICROSECOND
from headrace.expressions.aggregates import Aggregate, AggregateMethods
from headrace.expressions.errors import ExpressionError
from headrace.expressions.fluent import Option
from headrace.expressions.json_values import literal_to_json, option_to_json
from headrace.expressions.moments import MomentMethods
from headrace.expressions.numbers import NumberMethods
from headrace.expressions.operators import Operators
from headrace.expressions.options import check_options
from headrace.expressions.printing import call_text
from headrace.expressions.texts import TextMethods
from headrace.expressions.types import INT_MAX, INT_MIN, DType, Value, dtype_of
from headrace.expressions.userfunctions import check_importable
from headrace.expressions.values import ValueMethods

# Subclasses, such as the members of a StrEnum, become the plain type.
_PLAIN: tuple[Any, ...] = (bool, int, float, str)
Replace = Callable[["Expr"], "Expr | None"]


class Expr(Operators, ValueMethods, NumberMethods, TextMethods, MomentMethods, AggregateMethods, msgspec.Struct, frozen=True, eq=False):
    """An expression: the value of one row. Methods and operators build larger ones; nothing is computed until it is compiled.

    >>> print((col("distance") * 1.609).round(1))
    (col("distance") * 1.609).round(1)
    """

    def children(self) -> tuple["Expr", ...]:
        """The operands, in order; a leaf has none."""
        return ()

    def walk(self) -> Iterator["Expr"]:
        """This node and all below it, in pre-order."""
        yield self
        for child in self.children():
            yield from child.walk()

    def columns(self) -> frozenset[str]:
        """The names of the columns that it reads."""
        return frozenset(node.name for node in self.walk() if isinstance(node, Column))

    def substitute(self, replace: Replace) -> "Expr":
        """Return the expression with nodes replaced, the bottom of the tree first; where `replace` gives None the node stays."""
        before = self.children()
        after = tuple(child.substitute(replace) for child in before)
        same = all(new is old for new, old in zip(after, before, strict=True))
        node = self if same else self._with_children(after)
        replaced = replace(node)
        return node if replaced is None else replaced

    def to_json(self) -> dict[str, Any]:
        """The expression as JSON values; `from_json` reads them.

        Raises:
            ExpressionError: for a leaf of another room, which must be substituted first.
            UdfError: for a function that no module name leads to.
        """
        raise ExpressionError(f"{self} has no JSON form.", remedy="Substitute columns for lookups before an expression is stored.")

    def _with_children(self, children: tuple["Expr", ...]) -> "Expr":
        raise NotImplementedError  # each kind of node does

    def _call(self, operation: str, *arguments: object, **options: Option) -> "Expr":
        return call(operation, self, *arguments, **options)

    def _reversed(self, operation: str, other: object) -> "Expr":
        return call(operation, other, self)

    def _aggregate(self, kind: str, parameter: float | None = None) -> Aggregate:
        return Aggregate(kind, self, parameter)

    def __bool__(self) -> NoReturn:
        raise ExpressionError(
            f"{self} has no truth value until it is computed.",
            remedy="Combine conditions with &, | and ~ in parentheses instead of and, or, not; is_between for a < x < b, is_in for in.",
        )

    def __str__(self) -> str:
        label = getattr(self, "label", None)
        return str(label()) if callable(label) else f"{type(self).__name__}(...)"

    def __repr__(self) -> str:
        return str(self)

    __hash__ = object.__hash__


class Column(Expr, frozen=True, eq=False):
    """A column of the row, by name; `location` is the line that names it."""

    name: str
    location: Location | None = None

    def to_json(self) -> dict[str, Any]:
        return {"column": self.name}

    def __str__(self) -> str:
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'col("{quoted}")'


class Literal(Expr, frozen=True, eq=False):
    """A plain value; a moment is aware and UTC."""

    value: Value

    def to_json(self) -> dict[str, Any]:
        return {"literal": literal_to_json(self.value), "type": dtype_of(self.value).value}

    def __str__(self) -> str:
        return repr(self.value)


class Call(Expr, frozen=True, eq=False):
    """An operation on operands. `options` are its plain settings, sorted by name."""

    operation: str
    arguments: tuple[Expr, ...]
    options: tuple[tuple[str, Option], ...] = ()

    def children(self) -> tuple[Expr, ...]:
        return self.arguments

    def _with_children(self, children: tuple[Expr, ...]) -> Expr:
        return Call(self.operation, children, self.options)

    def to_json(self) -> dict[str, Any]:
        settings = {name: option_to_json(value) for name, value in self.options}
        return {"call": self.operation, "arguments": [each.to_json() for each in self.arguments], "options": settings}

    def __str__(self) -> str:
        return call_text(self.operation, [str(argument) for argument in self.arguments], dict(self.options))


class Udf(Expr, frozen=True, eq=False):
    """A Python function of one row's values. `function` is None for one that was read from JSON: it raises when compiled."""

    function: Callable[..., Any] | None
    name: str
    returns: DType
    arguments: tuple[Expr, ...]

    def children(self) -> tuple[Expr, ...]:
        return self.arguments

    def _with_children(self, children: tuple[Expr, ...]) -> Expr:
        return Udf(self.function, self.name, self.returns, children)

    def to_json(self) -> dict[str, Any]:
        check_importable(self.function, self.name)
        return {"udf": self.name, "returns": self.returns.value, "arguments": [each.to_json() for each in self.arguments]}

    def __str__(self) -> str:
        return f"udf({', '.join([self.name, *map(str, self.arguments)])})"


def col(name: str) -> Column:
    """Name a column of the row."""
    if not isinstance(name, str):
        raise ExpressionError(f"a column's name is a text, not {name!r}.", remedy="Write col('name').")
    return Column(name, caller_location())


def lit(value: object) -> Expr:
    """Return a plain value as an expression; an expression is returned as it is.

    Raises:
        ExpressionError: for a value of no type that expressions have, a moment without a zone, or an integer outside 64 bits.
    """
    if isinstance(value, Expr):
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ExpressionError(f"the moment {value.isoformat()} has no time zone.", remedy="Add tzinfo=datetime.UTC.")
        return Literal(value.astimezone(UTC).replace(fold=0))
    if isinstance(value, int) and not isinstance(value, bool) and not INT_MIN <= value <= INT_MAX:
        raise ExpressionError(f"the integer {value} does not fit in 64 bits.", remedy="Write it as a float.")
    if isinstance(value, timedelta):
        if not INT_MIN <= value // MICROSECOND <= INT_MAX:
            raise ExpressionError(f"the duration {value} does not fit in 64 bits of microseconds.", remedy="Write a shorter one.")
        return Literal(value)
    for kind in _PLAIN:
        if isinstance(value, kind):
            return Literal(value if type(value) is kind else kind(value))
    if value is None:
        return Literal(None)
    problem = f"{value!r:.80} of type {type(value).__name__} is not a value that expressions have."
    raise ExpressionError(problem, remedy=_literal_remedy(value))


def call(operation: str, *arguments: object, **options: Option) -> Call:
    """Return the node of an operation; plain operands become literals. The options are checked, the operands' types not yet."""
    node = Call(operation, tuple(lit(argument) for argument in arguments), tuple(sorted(options.items())))
    check_options(operation, len(arguments), options)
    return node


def _literal_remedy(value: object) -> str:
    if isinstance(value, Aggregate):
        return "An aggregate has a value only over a window: hr.window(table, aggregate, by=..., over=...)."
    if hasattr(value, "otherwise"):
        return "Finish when(...).then(...) with .otherwise(...)."
    return "Expected an expression, bool, int, float, str, datetime with a zone, timedelta or None."
