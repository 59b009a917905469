"""How each primitive that gives null only for a null operand (or where marked) is written in Python.

`{0}`, `{1}` are operands, `{t}` is a fresh temporary. A template in which an operand occurs twice is given a plain name or literal for it.
Nothing else is ever put into a template: options and texts reach the code as constants, by name.
"""

import math
from types import ModuleType

from headrace.expressions.python_backend import moment_functions as moments
from headrace.expressions.python_backend import number_functions as numbers
from headrace.expressions.python_backend import text_functions as texts
from headrace.expressions.types import INT_MAX, INT_MIN

_WRAPPED = "({{t}} if int_min <= ({{t}} := {}) <= int_max else wrap({{t}}))"
_WRAPPED_DURATION = "({{t}} if duration_min <= ({{t}} := {}) <= duration_max else duration_of_us(microseconds({{t}})))"

TEMPLATES: dict[str, str] = {
    "add_int": _WRAPPED.format("{0} + {1}"),
    "sub_int": _WRAPPED.format("{0} - {1}"),
    "mul_int": _WRAPPED.format("{0} * {1}"),
    "neg_int": _WRAPPED.format("-{0}"),
    "abs_int": _WRAPPED.format("abs({0})"),
    "add_float": "({0} + {1})",
    "sub_float": "({0} - {1})",
    "mul_float": "({0} * {1})",
    "neg_float": "(-{0})",
    "abs_float": "abs({0})",
    "truediv": "({0} / {1} if {1} else divide({0}, {1}))",
    "floordiv_float": "floor_divide({0}, {1})",
    "mod_float": "modulo({0}, {1})",
    "pow": "power({0}, {1})",
    "add_duration": _WRAPPED_DURATION.format("{0} + {1}"),
    "sub_duration": _WRAPPED_DURATION.format("{0} - {1}"),
    "neg_duration": _WRAPPED_DURATION.format("-{0}"),
    "abs_duration": _WRAPPED_DURATION.format("abs({0})"),
    "mul_duration": "multiply_duration({0}, {1})",
    "gap": "({0} - {1})",
    "microseconds": "float(microseconds({0}))",
    "not": "(not {0})",
    "eq": "({0} == {1})", "ne": "({0} != {1})", "lt": "({0} < {1})", "le": "({0} <= {1})", "gt": "({0} > {1})", "ge": "({0} >= {1})",
    "eq_float": "({0} == {1} or ({0} != {0} and {1} != {1}))",
    "ne_float": "({0} != {1} and ({0} == {0} or {1} == {1}))",
    "lt_float": "({0} < {1} or ({1} != {1} and {0} == {0}))",
    "le_float": "({0} <= {1} or {1} != {1})",
    "gt_float": "({0} > {1} or ({0} != {0} and {1} == {1}))",
    "ge_float": "({0} >= {1} or {0} != {0})",
    "is_nan": "({0} != {0})",
    "sqrt": "(sqrt({0}) if {0} >= 0.0 else nan)",
    "exp": "exponential({0})",
    "log": "(log({0}) if {0} > 0.0 else logarithm({0}))",
    "log1p": "(log1p({0}) if {0} > -1.0 else logarithm_above_one({0}))",
    "sin": "(sin({0}) if {0} - {0} == 0.0 else nan)",
    "cos": "(cos({0}) if {0} - {0} == 0.0 else nan)",
    "arcsin": "(asin({0}) if -1.0 <= {0} <= 1.0 else nan)",
    "floor": "floor({0})",
    "ceil": "ceil({0})",
    "lower": "{0}.lower()",
    "upper": "{0}.upper()",
    "strip": "{0}.strip(white_space)",
    "len_chars": "len({0})",
    "contains": "({1} in {0})",
    "starts_with": "{0}.startswith({1})",
    "ends_with": "{0}.endswith({1})",
    "year": "{0}.year", "month": "{0}.month", "day": "{0}.day", "hour": "{0}.hour", "minute": "{0}.minute", "second": "{0}.second",
    "weekday": "{0}.isoweekday()",
    "day_of_year": "day_of_year({0})",
    "bool_to_int": "int({0})",
    "bool_to_float": "float({0})",
    "bool_to_string": '("true" if {0} else "false")',
    "int_to_bool": "({0} != 0)",
    "int_to_float": "float({0})",
    "int_to_string": "str({0})",
    "float_to_bool": "({0} != 0.0)",
    "float_to_string": "text_of_float({0})",
    # what follows may give null for operands that are not
    "floordiv_int": "(" + _WRAPPED.format("{0} // {1}") + " if {1} else None)",
    "mod_int": "({0} % {1} if {1} else None)",
    "shift": "shift({0}, {1})",
    "shift_back": "shift_back({0}, {1})",
    "float_to_int": "int_of_float({0})",
    "string_to_int": "int_of_text({0})",
    "string_to_float": "float_of_text({0})",
    "string_to_bool": '(True if {0} == "true" else False if {0} == "false" else None)',
}  # fmt: skip

# With a literal, and no zero or NaN, on the right the shorter code means the same.
WITH_LITERAL: dict[str, str] = {
    "truediv": "({0} / {1})",
    "floordiv_int": "({0} // {1})",
    "mod_int": "({0} % {1})",
    "eq_float": "({0} == {1})",
    "ne_float": "({0} != {1})",
    "lt_float": "({0} < {1})",
    "le_float": "({0} <= {1})",
    "gt_float": "(not {0} <= {1})",
    "ge_float": "(not {0} < {1})",
}
MAY_BE_NULL = frozenset(
    "floordiv_int mod_int shift shift_back float_to_int string_to_int string_to_float string_to_bool datetime_of local truncate"
    " parse_datetime duration_of_int duration_of_float".split()
)


def _functions(module: ModuleType) -> dict[str, object]:
    return {name: value for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}


_MATHS = {"sqrt": math.sqrt, "log": math.log, "log1p": math.log1p, "sin": math.sin, "cos": math.cos, "asin": math.asin}
SCOPE: dict[str, object] = {
    **_functions(numbers), **_functions(moments), **_functions(texts), **_MATHS, "nan": math.nan, "null": None,
    "int_min": INT_MIN, "int_max": INT_MAX, "duration_min": moments.DURATION_MIN, "duration_max": moments.DURATION_MAX,
    "white_space": texts.WHITE_SPACE,
}  # fmt: skip
