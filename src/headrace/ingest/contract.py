"""Judging rows and tables by their contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from headrace.core.units import counted, format_duration
from headrace.expressions import DType, infer
from headrace.expressions.polars_backend import to_polars
from headrace.ingest.errors import ColumnProblem
from headrace.ingest.mapping import known_columns
from headrace.ingest.requests import INGESTED_AT, RuleResult
from headrace.spec.expectations import Fresh, RowCount, RowRule
from headrace.spec.tables import INGESTED, Table, deletion_of

QUARANTINE = "quarantine"


@dataclass(frozen=True)
class Judged:
    """A rule and, for each row of a frame, whether the row breaks it."""

    rule: str
    severity: str
    broken: pl.Series


def judge_rows(frame: pl.DataFrame, types: Mapping[str, DType], table: Table) -> list[Judged]:
    """Return how each row meets Headrace's own rules and the contract's row rules; a null passes all but those that ask for null.

    Headrace's own, each with severity quarantine: time and id are there, nothing is known before its time, and it is known when a delete
    becomes known. A delete carries what its source gives it, which may be the key alone: it needs no time where `known` is another column,
    and the contract's rules are not for it.

    Raises:
        ColumnProblem: for a rule, or a `deleted`, that is not a yes or no.
        ExpressionTypeError: for a rule that does not fit the columns, with the user's line.
    """
    deleted = _deleted(types, table)
    rules: list[tuple[str, str, pl.Expr]] = [(f"{name} of the id is null", QUARANTINE, pl.col(name).is_null()) for name in table.id]
    rules += _rules_of_time(table, deleted)
    rules += [(rule.title, rule.severity, ~deleted & ~_passes(rule, types, table)) for rule in table.expect if isinstance(rule, RowRule)]
    # Beside the columns, so that a rule which reads none of them has an answer for each row all the same.
    broken = frame.with_columns(expression.fill_null(False).alias(f"\0{number}") for number, (_, _, expression) in enumerate(rules))
    return [Judged(title, severity, broken[f"\0{number}"]) for number, (title, severity, _) in enumerate(rules)]


def deletes(frame: pl.DataFrame, types: Mapping[str, DType], table: Table) -> pl.Series:
    """Tell of each row whether it says that its thing is gone."""
    return frame.with_columns(_deleted(types, table).alias("\0"))["\0"]


def _deleted(types: Mapping[str, DType], table: Table) -> pl.Expr:
    deleted = deletion_of(table)
    if deleted is None:
        return pl.lit(value=False)
    kind = infer(deleted, types)
    if kind not in (DType.BOOL, DType.NULL):
        problem = f"deleted= of table {table.name!r} is {kind}, not a yes or no: {deleted}."
        raise ColumnProblem(problem, remedy="Write a comparison, such as col('op') == 'd'.", location=table.location)
    found: pl.Expr = to_polars(deleted, types)
    return found.cast(pl.Boolean).fill_null(value=False)


def _rules_of_time(table: Table, deleted: pl.Expr) -> list[tuple[str, str, pl.Expr]]:
    if not table.time:
        return []
    known = [name for name in known_columns(table) if name != table.time]
    needs_time = ~deleted if table.row_known != table.time else pl.lit(value=True)
    rules = [(f"time {table.time} is null", QUARANTINE, pl.col(table.time).is_null() & needs_time)]
    if deletion_of(table) is not None and table.row_known in known and table.row_known != INGESTED:
        rules.append((f"{table.row_known} of a delete is null", QUARANTINE, pl.col(table.row_known).is_null() & deleted))
    for name in known:
        moment = INGESTED_AT if name == INGESTED else name
        rules.append((f"known before time ({moment} < {table.time})", QUARANTINE, pl.col(moment) < pl.col(table.time)))
    return rules


def reasons_of(judged: Sequence[Judged], height: int) -> pl.Series:
    """Return for each row the quarantining rules that it breaks, joined by "; "; null for a row that breaks none."""
    told = [pl.when(each.broken).then(pl.lit(each.rule)) for each in judged if each.severity == QUARANTINE and each.broken.any()]
    if not told:
        return pl.Series("_reason", [None] * height, pl.String)
    joined = pl.concat_str(told, separator="; ", ignore_nulls=True)
    return pl.select(pl.when(joined != "").then(joined).alias("_reason")).to_series()


class Judgement:
    """How a table meets its contract, counted up chunk by chunk."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}
        self._newest: datetime | None = None

    def add(self, rule: str, severity: str, failed: int, checked: int) -> None:
        """Add how some rows met a rule; results come in the order of their first mention."""
        before = self._counts.get((rule, severity), (0, 0))
        self._counts[rule, severity] = before[0] + failed, before[1] + checked

    def accepted(self, frame: pl.DataFrame) -> None:
        """Add accepted rows."""
        newest = frame[self._table.time].max() if self._table.time else None
        if isinstance(newest, datetime):
            self._newest = newest if self._newest is None else max(self._newest, newest)

    def results(self, accepted: int, now: datetime) -> tuple[RuleResult, ...]:
        """Return one result for each rule, those about the whole table last.

        Raises:
            ColumnProblem: for freshness of a table without time.
        """
        rows = [RuleResult(rule, severity, failed, checked) for (rule, severity), (failed, checked) in self._counts.items()]
        return (*rows, *_judge_table(self._table, accepted, self._newest, now))


def _judge_table(table: Table, accepted: int, newest: datetime | None, now: datetime) -> list[RuleResult]:
    results = []
    for rule in table.expect:
        if isinstance(rule, RowCount):
            fits = rule.minimum <= accepted and (rule.maximum is None or accepted <= rule.maximum)
            results.append(RuleResult(rule.title, rule.severity, int(not fits), 1, counted(accepted, "row")))
        if isinstance(rule, Fresh):
            results.append(_judge_fresh(rule, newest, table, now))
    return results


def _judge_fresh(rule: Fresh, newest: datetime | None, table: Table, now: datetime) -> RuleResult:
    if table.time is None:
        remedy = "Give the table a time=, or take the rule out."
        raise ColumnProblem(f"table {table.name!r} expects {rule.title}, but has no time.", remedy=remedy, location=rule.location)
    if newest is None:
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
