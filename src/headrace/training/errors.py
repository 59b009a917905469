"""Errors of training.

UserError
└── TrainingError
    ├── UnsuitableFeature   a feature of a type that models do not take
    ├── UnsuitableTarget    a target whose type or values do not fit the task, or a metric that does not
    ├── EmptyPart           a split that leaves a part without rows, or without a class to learn or judge by
    └── LearnerNeedsExtra   a candidate whose library is not installed
"""

from headrace.core.errors import UserError


class TrainingError(UserError):
    """A model that cannot be trained as described."""


class UnsuitableFeature(TrainingError):
    """A feature of a type that models do not take."""

    def __init__(self, name: str, dtype: str) -> None:
        remedies = {
            "datetime": f"Use its parts, such as col({name!r}).hour() or .weekday(), or a difference of moments in .total_minutes().",
            "duration": f"Use col({name!r}).total_minutes().",
        }
        remedy = remedies.get(dtype, "Cast it, or leave it out.")
        super().__init__(f"the feature {name!r} is of type {dtype}; models take bool, int, float and string.", remedy=remedy)


class UnsuitableTarget(TrainingError):
    """A target whose type or values do not fit the task, or a metric that does not."""


class EmptyPart(TrainingError):
    """A split that leaves a part without rows, or without a class to learn or judge by."""


class LearnerNeedsExtra(TrainingError):
    """A candidate whose library is not installed."""

    def __init__(self, candidate: str, library: str, extra: str) -> None:
        super().__init__(f"{candidate} cannot learn: {library} is not installed.", remedy=f"Install it: pip install 'headrace[{extra}]'.")
