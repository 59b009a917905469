"""What verifying features found: frozen values that every face can print or send as JSON."""

from datetime import datetime
from typing import Any

from headrace.app.reports import Report

STREAM, ONLINE = "stream", "online"


class DifferingValue(Report, frozen=True, kw_only=True):
    """A feature of one question that an execution, `stream` or `online`, gives another value than batch does.

    Attributes:
        question: what was given, and `as of`.
    """

    execution: str
    question: dict[str, Any]
    batch: Any
    found: Any


class ReplayedFeature(Report, frozen=True, kw_only=True):
    """How a feature's values compare with batch's: of so many rows, how many differ in the stream and online.

    Attributes:
        nulls: of how many rows batch's value is null.
        worst: the greatest relative difference of two finite numbers, be it within what rounding explains.
    """

    feature: str
    dtype: str
    rows: int
    nulls: int
    stream: int
    online: int
    worst: float
    examples: list[DifferingValue]


class PlayedLine(Report, frozen=True, kw_only=True):
    """A table that the features look into. `rows` were played, up to the last question; None: its rows were always known."""

    table: str
    version: int
    rows: int | None


class ReplayedModel(Report, frozen=True, kw_only=True):
    """A model's features, replayed: `rows` questions asked as of moments from `first` to `last`."""

    model: str
    rows: int
    first: datetime | None
    last: datetime | None
    tables: list[PlayedLine]
    features: list[ReplayedFeature]
    seconds: float

    @property
    def mismatches(self) -> int:
        """How many values are not the same."""
        return sum(each.stream + each.online for each in self.features)


class DifferingPrediction(Report, frozen=True, kw_only=True):
    """A prediction that was served from other features than batch now has: `served` and `batch` are those that differ, by name."""

    prediction_id: str
    moment: datetime
    as_of: datetime
    explanation: str
    served: dict[str, Any]
    batch: dict[str, Any]


class ServedVersion(Report, frozen=True, kw_only=True):
    """Predictions of a model's version, held to what batch now says.

    Attributes:
        same: how many were served from the features that batch has now.
        explained: how many were not, by what explains the difference.
        unexplained: how many are left.
        features: how many values differ, by feature.
        notes: what could not be looked at.
    """

    version: str
    predictions: int
    same: int
    explained: dict[str, int]
    unexplained: int
    features: dict[str, int]
    examples: list[DifferingPrediction]
    notes: list[str]


class AgreementReport(Report, frozen=True, kw_only=True):
    """Whether features are the same whoever computes them, and what was served the same as what batch now says."""

    agrees: bool
    models: list[ReplayedModel]
    served: list[ServedVersion]
    seconds: float
