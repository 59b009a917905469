"""What to say when operands do not fit: the node, their types, and the conversion that would help."""

from collections.abc import Iterable

from headrace.expressions.errors import ExpressionTypeError
from headrace.expressions.primitives import Typed
from headrace.expressions.printing import name_of
from headrace.expressions.tree import Call, Column
from headrace.expressions.types import DType

_NUMBERS = {DType.INT, DType.FLOAT}


def mismatch(node: Call, arguments: Iterable[Typed], fix: str) -> ExpressionTypeError:
    """Return the error for a node whose operands do not fit, at the line of the first column below it."""
    location = next((leaf.location for leaf in node.walk() if isinstance(leaf, Column) and leaf.location), None)
    kinds = [argument.dtype for argument in arguments]
    return ExpressionTypeError(f"{name_of(node.operation)} in {node}", kinds, f"{fix} {_advice(set(kinds))}".strip(), location=location)


def _advice(kinds: set[DType]) -> str:
    if DType.STRING in kinds and DType.DATETIME in kinds:
        return "Read the text with .parse_datetime(format), or write a datetime with a zone."
    if DType.DURATION in kinds and kinds & _NUMBERS:
        return "Make the number a duration with hours_of(), minutes_of() or seconds_of(), or the duration a number with .total_seconds()."
    if DType.DATETIME in kinds and kinds & _NUMBERS:
        return "Make the number a duration with hours_of(), minutes_of() or seconds_of(), or take a part such as .year()."
    if DType.BOOL in kinds and kinds & _NUMBERS:
        return "Convert the boolean with .cast('int')."
    if DType.STRING in kinds and kinds & _NUMBERS:
        return "Convert with .cast('float'), .cast('int') or .cast('string')."
    if kinds <= _NUMBERS:
        return "Make a condition by comparison, such as value > 0, or convert with .cast()."
    return "Convert with .cast()." if kinds & {DType.STRING, DType.BOOL} else ""
