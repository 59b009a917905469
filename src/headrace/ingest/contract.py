"""Judging rows and tables by their contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from headrace.core.units import format_duration
from headrace.expressions import DType, infer
from headrace.expressions.polars_backend import to_polars
from headrace.ingest.errors import ColumnProblem
from headrace.ingest.mapping import known_columns
from headrace.ingest.requests import INGESTED_AT, RuleResult
from headrace.spec.expectations import Fresh, RowCount, RowRule, Unique
from headrace.spec.tables import INGESTED, Table

QUARANTINE = "quarantine"


@dataclass(frozen=True)
class Judged:
    """A rule and, for each row of a frame, whether the row breaks it."""

    rule: str
    severity: str
    broken: pl.Series

    def result(self) -> RuleResult:
        """Return the count."""
        return RuleResult(self.rule, self.severity, int(self.broken.sum()), len(self.broken))


def judge_rows(frame: pl.DataFrame, types: Mapping[str, DType], table: Table) -> list[Judged]:
    """Return how each row meets Headrace's own rules and the contract's row rules; a null passes all but those that ask for null.

    Headrace's own, each with severity quarantine: time and id are there, and nothing is known before its time.

    Raises:
        ColumnProblem: for a rule that is not a yes or no.
        ExpressionTypeError: for a rule that does not fit the columns, with the user's line.
    """
    rules: list[tuple[str, str, pl.Expr]] = [(f"{name} of the id is null", QUARANTINE, pl.col(name).is_null()) for name in table.id]
    if table.time:
        rules.append((f"time {table.time} is null", QUARANTINE, pl.col(table.time).is_null()))
        for name in known_columns(table):
            if name != table.time:
                known = INGESTED_AT if name == INGESTED else name
                rules.append((f"known before time ({known} < {table.time})", QUARANTINE, pl.col(known) < pl.col(table.time)))
    rules += [(rule.title, rule.severity, ~_passes(rule, types, table)) for rule in table.expect if isinstance(rule, RowRule)]
    broken = frame.select(expression.fill_null(False).alias(str(number)) for number, (_, _, expression) in enumerate(rules))
    return [Judged(title, severity, broken[str(number)]) for number, (title, severity, _) in enumerate(rules)]


def reasons_of(judged: Sequence[Judged], height: int) -> pl.Series:
    """Return for each row the quarantining rules that it breaks, joined by "; "; null for a row that breaks none."""
    told = [pl.when(each.broken).then(pl.lit(each.rule)) for each in judged if each.severity == QUARANTINE and each.broken.any()]
    if not told:
        return pl.Series("_reason", [None] * height, pl.String)
    joined = pl.concat_str(told, separator="; ", ignore_nulls=True)
    return pl.select(pl.when(joined != "").then(joined).alias("_reason")).to_series()


def is_duplicate(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Return for each row whether one before it has the same values in these columns; never for a row with a null there."""
    if not columns or frame.is_empty():
        return pl.Series("duplicate", [False] * frame.height, pl.Boolean)
    complete = pl.all_horizontal(pl.col(columns).is_not_null())
    return frame.select((complete & ~pl.struct(columns).is_first_distinct()).alias("duplicate")).to_series()


def judge_unique(frame: pl.DataFrame, table: Table) -> list[Judged]:
    """Return which rows repeat what the contract says is unique."""
    return [Judged(rule.title, rule.severity, is_duplicate(frame, rule.of)) for rule in table.expect if isinstance(rule, Unique)]


def judge_table(accepted: pl.DataFrame, table: Table, now: datetime) -> list[RuleResult]:
    """Return how the accepted rows as a whole meet the contract's freshness and row counts."""
    results = []
    for rule in table.expect:
        if isinstance(rule, RowCount):
            fits = rule.minimum <= accepted.height and (rule.maximum is None or accepted.height <= rule.maximum)
            results.append(RuleResult(rule.title, rule.severity, int(not fits), 1, f"{accepted.height} rows"))
        if isinstance(rule, Fresh):
            results.append(_judge_fresh(rule, accepted, table, now))
    return results


def _judge_fresh(rule: Fresh, accepted: pl.DataFrame, table: Table, now: datetime) -> RuleResult:
    if table.time is None:
        remedy = "Give the table a time=, or take the rule out."
        raise ColumnProblem(f"table {table.name!r} expects {rule.title}, but has no time.", remedy=remedy, location=rule.location)
    newest = accepted[table.time].max()
    if not isinstance(newest, datetime):
        return RuleResult(rule.title, rule.severity, 1, 1, "no rows")
    age = now - newest
    told = f"the newest row is {format_duration(age)} old" if age.total_seconds() > 0 else "the newest row is not in the past"
    return RuleResult(rule.title, rule.severity, int(age > rule.max_age), 1, told)


def _passes(rule: RowRule, types: Mapping[str, DType], table: Table) -> pl.Expr:
    kind = infer(rule.passes, types)
    if kind not in (DType.BOOL, DType.NULL):
        problem = f"the rule {rule.title} of table {table.name!r} is {kind}, not a yes or no."
        raise ColumnProblem(problem, remedy="Write a comparison, such as col('x') > 0.", location=rule.location)
    passes: pl.Expr = to_polars(rule.passes, types)
    return passes.cast(pl.Boolean)
