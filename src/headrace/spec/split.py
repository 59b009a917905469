"""How rows are divided into train, validation and test."""

from datetime import timedelta

from headrace.core.units import parse_duration
from headrace.spec.declaration import Declaration
from headrace.spec.errors import InvalidOption


class Split(Declaration, frozen=True, kw_only=True):
    """A rule that gives each labelled row to train, validation, test, or to none of them."""


class ByTime(Split, frozen=True, kw_only=True):
    """The newest rows are the test, those before them the validation, the rest train.

    Rows within `purge` before a boundary, and rows whose target was not known by then, are left out of the part before it.
    """

    validation: timedelta
    test: timedelta
    purge: timedelta


class Random(Split, frozen=True, kw_only=True):
    """Rows at random, in the given shares; for classes, the same shares within each class."""

    validation: float
    test: float
    stratify: bool


def by_time(validation: str | timedelta, test: str | timedelta, purge: str | timedelta = timedelta(0)) -> ByTime:
    """Split by the question's time (`as_of`, else the spine's `time`): the last `test`, the `validation` before it, the rest."""
    gap = timedelta(0) if purge in ("0", timedelta(0)) else parse_duration(purge)
    return ByTime(validation=parse_duration(validation), test=parse_duration(test), purge=gap)


def random(validation: float = 0.2, test: float = 0.2, stratify: bool = True) -> Random:
    """Split at random, seeded by the project; stratified by class unless the target is a number."""
    if not (0 < validation < 1 and 0 < test < 1 and validation + test < 1):
        raise InvalidOption(
            "the shares of split.random()", (validation, test), "validation and test above 0 that together leave rows to train on"
        )
    return Random(validation=validation, test=test, stratify=stratify)
