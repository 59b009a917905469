"""Errors of serving. They know no HTTP; `serving.problems` maps them to it once.

UserError
├── RequestError
│   ├── MalformedRequest     not JSON, or not of the shape that the call takes
│   ├── InvalidValue         a row, a field: what was expected and what came
│   ├── UnknownTarget        a model, a version, a path that is not here
│   ├── WrongMethod          the path is here, the method is not
│   ├── WrongContentType     the body is declared as something other than JSON
│   ├── BodyTooLarge         more bytes than the limit
│   ├── TooManyRows          more rows than the limit
│   ├── HeadTooSlow          the head did not arrive in time
│   └── BodyTooSlow          the body did not arrive in time
└── ServerRefused            the server will not start as asked
SystemFault
├── Overloaded               at the limit of requests in flight, or of predictions waiting to be logged
├── StateAway                the online state cannot be read, or does not hold all that is needed
├── StaleFeatures            a feature is older than it may be
└── StorageFault
    └── PredictionsLost      the log could not be written before the server had to stop
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from headrace.core.errors import SystemFault, UserError
from headrace.core.storage import StorageFault
from headrace.core.units import counted, format_age, format_duration


class RequestError(UserError):
    """A request that cannot be answered as it stands."""


class MalformedRequest(RequestError):
    """Not JSON, or not of the shape that the call takes."""


class InvalidValue(RequestError):
    """A value of a row that is not what its field takes."""

    def __init__(self, row: int | None, field: str, expected: str, came: str, remedy: str = "") -> None:
        where = f"row {row}: " if row is not None else ""
        super().__init__(f"{where}{field!r} must be {expected}; it is {came}.", remedy=remedy)
        self.row = row
        self.field = field
        self.expected = expected
        self.came = came


class UnknownTarget(RequestError):
    """A model, a version, a path that is not here."""


class WrongMethod(RequestError):
    """The path is here, the method is not."""

    def __init__(self, method: str, path: str, allowed: Iterable[str]) -> None:
        self.allowed = tuple(allowed)
        super().__init__(f"{method} {path} is not offered.", remedy=f"Use {' or '.join(self.allowed)}.")


class WrongContentType(RequestError):
    """The body is declared as something other than JSON."""

    def __init__(self, what: str, came: str) -> None:
        super().__init__(
            f"the {what} {came!r} is not understood.", remedy="Send plain JSON with the header Content-Type: application/json."
        )


class BodyTooLarge(RequestError):
    """More bytes than the limit."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the body has more than {counted(limit_bytes, 'byte')}.", remedy="Send fewer rows in one request.")


class TooManyRows(RequestError):
    """More rows than the limit."""

    def __init__(self, rows: int, limit: int) -> None:
        super().__init__(
            f"the request has {counted(rows, 'row')}, more than {limit:,}.",
            remedy="Send fewer rows in one request; `headrace predict` scores files.",
        )


class HeadTooSlow(RequestError):
    """The head did not arrive in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the head of the request did not arrive within {seconds:g} seconds.", remedy="Send it again.")


class BodyTooSlow(RequestError):
    """The body did not arrive in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body did not arrive within {seconds:g} seconds.", remedy="Send it again.")


class ServerRefused(UserError):
    """The server will not start as asked."""


class Overloaded(SystemFault):
    """At the limit of requests in flight, or of predictions waiting to be logged."""

    def __init__(self, what: str, retry_after_seconds: int) -> None:
        super().__init__(f"the server is at its limit of {what}.", remedy=f"Try again in {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class StateAway(SystemFault):
    """The online state cannot be read, or does not hold all that is needed."""

    def __init__(self, reason: str, retry_after_seconds: int) -> None:
        super().__init__(f"features cannot be computed now: {reason}", remedy=f"Try again in {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class StaleFeatures(SystemFault):
    """A feature is older than it may be."""

    retry_after_seconds = 1

    def __init__(self, feature: str, table: str, known_until: datetime | None, as_of: datetime, limit: timedelta) -> None:
        age = None if known_until is None else as_of - known_until
        until = "is not known to any moment yet" if age is None else f"is known until {format_age(age)} before the question"
        super().__init__(
            f"the feature {feature!r} is too old: the table {table!r} {until}, and may be {format_duration(limit)} behind it at most.",
            remedy="Try again when the table has caught up, or allow more: max_staleness= and when_stale= of the features or the request.",
        )
        self.feature = feature
        self.table = table
        self.staleness_seconds = None if age is None else age.total_seconds()
        self.limit_seconds = limit.total_seconds()


class PredictionsLost(StorageFault):
    """The log could not be written before the server had to stop."""

    def __init__(self, count: int, reason: str) -> None:
        super().__init__(
            f"{counted(count, 'prediction was', 'predictions were')} answered but could not be logged before the server stopped: {reason}.",
            remedy="Repair the lake or the ledger; `headrace why` will not know these predictions.",
        )
        self.count = count
