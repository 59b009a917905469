"""Building, printing and rebuilding of trees."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from headrace.core.fingerprints import fingerprint
from headrace.expressions import Column, Expr, Literal, coalesce, col, concat, haversine_km, lit, max_of, minutes_of, udf, when
from headrace.expressions.errors import ExpressionError


class Leaf(Expr, frozen=True, eq=False, kw_only=True):
    """A leaf of another room."""

    table: str

    def label(self):
        return f"leaf({self.table})"


def test_importing_the_tree_imports_no_engine():
    code = "import sys, headrace.expressions, headrace.expressions.python_backend; print({'polars', 'numpy', 'pyarrow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (col("a") + 1, '(col("a") + 1)'),
        (1 - col("a") / 2, '(1 - (col("a") / 2))'),
        (2 * col("a") // 3 % 4, '(((2 * col("a")) // 3) % 4)'),
        (3 / (2 // (1 % (2 ** (1 + col("a") ** 2)))), '(3 / (2 // (1 % (2 ** (1 + (col("a") ** 2))))))'),
        (~(col("a") & True) | False, '(~(col("a") & True) | False)'),
        (True & (False | col("a")), '(True & (False | col("a")))'),
        (-col('say "a\\"'), '-col("say \\"a\\\\\\"")'),
        (col("x").round(2), 'col("x").round(2)'),
        (col("x").clip(0, 5), 'col("x").clip(high=5, low=0)'),
        (col("t").hour(), 'col("t").hour()'),
        (col("t").hour(tz="Europe/Paris"), "col(\"t\").hour(tz='Europe/Paris')"),
        (col("s").cast("int"), "col(\"s\").cast('int')"),
        (col("s").is_in(["a", None]), "col(\"s\").is_in(['a', None])"),
        (when(col("a") > 1).then(2).when(col("b")).then(3).otherwise(None),
         'when((col("a") > 1)).then(2).when(col("b")).then(3).otherwise(None)'),
        (coalesce(col("a"), 0), 'coalesce(col("a"), 0)'),
        (concat(col("a"), "-"), "concat(col(\"a\"), '-')"),
        (max_of(col("a"), col("b")), 'max_of(col("a"), col("b"))'),
        (minutes_of(col("a")), 'minutes_of(col("a"))'),
        (haversine_km(1, 2, 3, 4), "haversine_km(1, 2, 3, 4)"),
        (udf(len, "int", col("s")), 'udf(builtins:len, col("s"))'),
        (Leaf(table="weather") + 1, "(leaf(weather) + 1)"),
    ],
)  # fmt: skip
def test_an_expression_prints_as_it_was_written(expr, text):
    assert str(expr) == text
    assert repr(expr) == text


def test_walk_goes_down_from_the_root_in_order():
    expr = (col("a") + col("b")) * col("a").abs()
    assert [str(node) for node in expr.walk()] == [
        '((col("a") + col("b")) * col("a").abs())', '(col("a") + col("b"))', 'col("a")', 'col("b")', 'col("a").abs()', 'col("a")',
    ]  # fmt: skip
    assert expr.columns() == {"a", "b"}


def test_a_foreign_leaf_reads_no_column_and_can_be_replaced():
    leaf = Leaf(table="weather")
    expr = (col("a") - leaf).fill_null(leaf)
    assert leaf.children() == ()
    assert expr.columns() == {"a"}
    replaced = expr.substitute(lambda node: Column("lookup_0") if node is leaf else None)
    assert str(replaced) == 'coalesce((col("a") - col("lookup_0")), col("lookup_0"))'
    assert expr.columns() == {"a"}


def test_substitution_goes_bottom_up_and_keeps_what_it_does_not_touch():
    expr = udf(len, "int", col("a")) + col("b")
    doubled = expr.substitute(lambda node: node * 2 if isinstance(node, Column) and node.name == "a" else None)
    assert str(doubled) == '(udf(builtins:len, (col("a") * 2)) + col("b"))'
    assert expr.substitute(lambda node: None) is expr


def test_a_column_knows_the_line_that_names_it():
    column = col("a")
    assert Path(column.location.file).name == "test_tree.py"


def test_an_expression_has_no_truth_value():
    with pytest.raises(ExpressionError, match="no truth value"):
        bool(col("a") > 1)
    with pytest.raises(ExpressionError, match="is_between for a < x < b"):
        assert 1 < col("a") < 3


def test_literals_become_plain_values_and_moments_utc():
    west = timezone(timedelta(hours=-5))
    assert lit(datetime(2013, 1, 1, tzinfo=west)).value == datetime(2013, 1, 1, 5, tzinfo=UTC)
    assert lit(datetime(2013, 1, 1, tzinfo=west)).value.tzinfo is UTC
    assert lit(True).value is True
    assert isinstance(lit(None), Literal)
    column = col("a")
    assert lit(column) is column


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (datetime(2013, 1, 1), "no time zone"),  # noqa: DTZ001 - that is the mistake
        (2**63, "does not fit in 64 bits"),
        (timedelta(days=200_000_000), "does not fit in 64 bits"),
        (b"bytes", "of type bytes"),
        (col("a").mean(), "window"),
        (when(col("a")).then(1), "Finish when"),
        ([1], "Expected an expression"),
    ],
)
def test_what_cannot_be_a_literal_is_refused_with_the_remedy(value, problem):
    with pytest.raises(ExpressionError, match=problem):
        col("a") + value


def test_a_name_must_be_a_text():
    with pytest.raises(ExpressionError, match="a column's name"):
        col(3)


def test_expressions_have_fingerprints_that_follow_their_meaning():
    assert fingerprint(col("a") + 1) == fingerprint(col("a") + 1)
    assert fingerprint(col("a") + 1) != fingerprint(col("a") + 2)
    assert fingerprint(col("a").round(1)) != fingerprint(col("a").round(2))
