"""How long what is no longer in use stays."""

from datetime import timedelta

from headrace.core.errors import UserError
from headrace.core.units import parse_duration
from headrace.spec.declaration import Declaration
from headrace.spec.errors import InvalidOption

_RULES = ("versions", "models", "predictions", "landings")


class Retention(Declaration, frozen=True, kw_only=True):
    """The rules that `headrace gc` goes by; None is for ever. What the description, a model that serves or waits, or a prediction that is
    kept needs stays in any case.

    Attributes:
        versions: versions of tables, and what else steps made, after they were last in use: going back to a description of yesterday
            then makes nothing again. A table's own `keep_versions` goes before it.
        models: a version that was the champion, after it was retired: its bundle, and the table versions it was made from.
        predictions: rows of the log of predictions. A model version that one of them names stays as long as they do. Where features are
            taken from the log, the next run learns from the rows that are left; what was taken before stays.
        landings: answers of databases and APIs, after a newer one took their place.

    >>> Retention(predictions="365d").models
    datetime.timedelta(days=90)
    """

    versions: str | timedelta | None = timedelta(days=30)
    models: str | timedelta | None = timedelta(days=90)
    predictions: str | timedelta | None = None
    landings: str | timedelta | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for rule in _RULES:
            self._set(rule, kept_for(f"{rule} of Retention()", getattr(self, rule), self))

    def of(self, rule: str) -> timedelta | None:
        """Return a rule's duration, None for one that keeps for ever."""
        found: timedelta | None = getattr(self, rule)
        return found


def kept_for(what: str, value: str | timedelta | None, declared: Declaration) -> timedelta | None:
    """Return how long something is kept, None for ever.

    Raises:
        InvalidOption: if it is no duration.
    """
    if value is None:
        return None
    try:
        return parse_duration(value)
    except (UserError, TypeError) as error:
        expected = "a duration such as '90d', or None to keep for ever"
        raise InvalidOption(what, value, expected, location=declared.location) from error
