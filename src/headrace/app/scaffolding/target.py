"""What kind of prediction a target column asks for."""

import msgspec
import polars as pl

from headrace.app.scaffolding.errors import UnusableTarget
from headrace.app.scaffolding.names import quoted
from headrace.core.units import counted, every
from headrace.expressions import DType
from headrace.ingest.profile import ColumnProfile
from headrace.spec.metrics import BINARY, MULTICLASS, REGRESSION

MOST_INTEGER_CLASSES = 10
"""Integers with at most so many different values are taken for classes, with more for a number."""
MOST_TEXT_CLASSES = 50
_YES = frozenset({"yes", "y", "true", "t", "1", "1.0", "positive", "pos"})
_RARE_ROWS = 10
_FEWEST_ROWS = 4
"""Of fewer rows a split at random leaves none for validation, or for the test: of two classes it is made for each."""
METRIC_OF_TASK = {BINARY: "average_precision", MULTICLASS: "log_loss", REGRESSION: "rmse"}


class TargetChoice(msgspec.Struct, frozen=True):
    """The task, the target as code, and what to say about both."""

    task: str
    code: str
    comments: tuple[str, ...]
    states_task: bool = False


def choose_target(values: pl.Series, profile: ColumnProfile) -> TargetChoice:
    """Decide what a target asks for.

    Booleans and two values: binary. Texts, and integers with at most ten values: multi-class. Other numbers: regression.

    Raises:
        UnusableTarget: for a column that is null or the same throughout, of a type that is not predicted, or of too many texts.
    """
    _check_usable(profile, len(values))
    column = f"col({quoted(profile.name)})"
    nulls = (f"{counted(profile.nulls, 'row without it is', 'rows without it are')} left out and counted.",) if profile.nulls else ()
    if profile.type is DType.BOOL:
        return TargetChoice(BINARY, column, nulls)
    counts = dict(values.drop_nulls().value_counts().iter_rows())
    if profile.distinct == 2:
        positive = _positive(counts)
        negative = next(value for value in counts if value != positive)
        found, other = (f"{quoted(value)} ({counted(counts[value], 'row')})" for value in (positive, negative))
        said = f"Two values: {found} is the one to find, {other} the other."
        return TargetChoice(BINARY, f"{column} == {quoted(positive)}", (said, *nulls))
    if profile.type is DType.STRING:
        return TargetChoice(MULTICLASS, column, (f"{profile.distinct} classes.", *_rare(counts), *nulls))
    if profile.type is DType.INT and profile.distinct <= MOST_INTEGER_CLASSES:
        quantity = 'If they are a quantity: drop task=, use hr.Ridge() and metric="rmse".'
        said = f"{profile.distinct} different integers are taken for classes. {quantity}"
        return TargetChoice(MULTICLASS, column, (said, *_rare(counts), *nulls), states_task=True)
    return TargetChoice(REGRESSION, column, (f"A number from {profile.min} to {profile.max}.", *nulls))


def check_rows(choice: TargetChoice, name: str, values: pl.Series) -> None:
    """Refuse a target of too few rows to be split at random.

    Raises:
        UnusableTarget: if there are.
    """
    known, parts = values.drop_nulls(), "training, validation and test"
    if choice.task == BINARY:
        value, rows = min(known.value_counts().iter_rows(), key=lambda each: each[1])
        if rows < _FEWEST_ROWS:
            problem = f"{counted(rows, 'row has', 'rows have')} the value {quoted(value)}, and {parts} need both values"
            raise UnusableTarget(name, problem, f"Give a file with {_FEWEST_ROWS} rows of each value at least, better with hundreds.")
    elif len(known) < _FEWEST_ROWS:
        problem = f"{counted(len(known), 'row has', 'rows have')} a value, and {parts} need rows"
        raise UnusableTarget(name, problem, f"Give a file with {_FEWEST_ROWS} such rows at least, better with hundreds.")


def _check_usable(profile: ColumnProfile, rows: int) -> None:
    if not rows:
        raise UnusableTarget(profile.name, "the file has no rows", "Give a file with rows.")
    if profile.distinct == 0:
        raise UnusableTarget(profile.name, f"it is null in {every(rows, 'row')}", "Choose another column with --target.")
    if profile.distinct == 1:
        raise UnusableTarget(
            profile.name, f"it is {quoted(profile.min)} in every row that has it", "Choose a column whose value differs between rows."
        )
    if profile.type in (DType.DATETIME, DType.DURATION):
        raise UnusableTarget(
            profile.name, f"it is a {profile.type}", "Choose a column of numbers, texts or booleans, or compute one from it first."
        )
    if profile.type is DType.STRING and profile.distinct > MOST_TEXT_CLASSES:
        problem = f"it holds {profile.distinct:,} different texts, more than the {MOST_TEXT_CLASSES} classes that a first model may have"
        raise UnusableTarget(profile.name, problem, "Group them into fewer classes, or choose another column.")


def _positive(counts: dict[object, int]) -> object:
    says_yes = [value for value in counts if str(value).lower() in _YES]
    return says_yes[0] if len(says_yes) == 1 else min(counts, key=lambda value: (counts[value], str(value)))


def _rare(counts: dict[object, int]) -> tuple[str, ...]:
    rare = sorted(str(value) for value, rows in counts.items() if rows < _RARE_ROWS)
    return (f"Fewer than {_RARE_ROWS} rows each, hard to learn and to judge: {', '.join(rare)}.",) if rare else ()
