"""Texts in Polars."""

import polars as pl

from headrace.expressions.polars_backend.columns import map_distinct, over_distinct
from headrace.expressions.polars_backend.numbers import Build, Plain
from headrace.expressions.polars_backend.patterns import rust_pattern
from headrace.expressions.primitives import Typed
from headrace.expressions.python_backend.text_functions import whole_match
from headrace.expressions.types import DType


def _cased(lower: bool) -> Plain:
    """Change case as Python's Unicode tables have it; Polars' own, which may be of another Unicode version, are used for ASCII."""
    convert = str.lower if lower else str.upper

    def change(series: pl.Series) -> pl.Series:
        native = series.str.to_lowercase() if lower else series.str.to_uppercase()
        foreign = series.str.len_bytes() != series.str.len_chars()
        if not foreign.any():
            return native
        return native.zip_with(~foreign.fill_null(False), map_distinct(series.set(~foreign, None), convert, DType.STRING))

    return lambda text: text.map_batches(change, return_dtype=pl.String(), is_elementwise=True)


def _matches(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    pattern = node.options["pattern"]
    native = rust_pattern(pattern)
    if native is not None:
        return arguments[0].str.contains(native)
    match = whole_match(pattern)
    return over_distinct(arguments[0], lambda text: match(text) is not None, DType.BOOL)


PLAIN_TEXTS: dict[str, Plain] = {
    "concat": lambda *texts: pl.concat_str(texts),
    "lower": _cased(lower=True),
    "upper": _cased(lower=False),
    "strip": lambda text: text.str.strip_chars(),
    "len_chars": lambda text: text.str.len_chars().cast(pl.Int64),
    "contains": lambda text, part: text.str.contains(part, literal=True),
    "starts_with": lambda text, prefix: text.str.starts_with(prefix),
    "ends_with": lambda text, suffix: text.str.ends_with(suffix),
}
TEXTS: dict[str, Build] = {
    "replace_all": lambda node, arguments: arguments[0].str.replace_all(node.options["old"], node.options["new"], literal=True),
    "slice": lambda node, arguments: arguments[0].str.slice(node.options["offset"], node.options["length"]),
    "matches": _matches,
}
