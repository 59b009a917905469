"""What both protocols make of a request, before it is scored."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from headrace.core.errors import UserError
from headrace.core.moments import MICROSECOND
from headrace.core.units import parse_duration
from headrace.serving.errors import InvalidValue, MalformedRequest, TooManyRows
from headrace.serving.fields import describe
from headrace.serving.freshness import NOTHING_ASKED, AskedFreshness
from headrace.spec.freshness import WHEN_STALE


class Question(msgspec.Struct, frozen=True, gc=False):
    """Validated rows, the moment they are asked as of, and how the asker wants the answer.

    `outputs` are the outputs asked for, all when empty; `echo` is the asker's own id of the request; `freshness` is how old the features
    may be.
    """

    rows: Sequence[dict[str, object]]
    as_of: datetime
    with_features: bool = False
    outputs: tuple[str, ...] = ()
    echo: str | None = None
    freshness: AskedFreshness = NOTHING_ASKED


def check_count(count: int, limit: int) -> None:
    """Check the number of rows before any is read.

    Raises:
        TooManyRows: above the limit.
        MalformedRequest: for none.
    """
    if count > limit:
        raise TooManyRows(count, limit)
    if count == 0:
        raise MalformedRequest("the request has no rows.", remedy="Send at least one.")


def read_freshness(parameters: Mapping[str, object]) -> AskedFreshness:
    """Return how old features may be by the parameters of a request, `max_staleness` and `when_stale`.

    Raises:
        InvalidValue: for what is no duration, or nothing that can be done.
    """
    limit, when = parameters.get("max_staleness"), parameters.get("when_stale")
    if when is not None and when not in WHEN_STALE:
        raise InvalidValue(None, "when_stale", " or ".join(map(repr, WHEN_STALE)), describe(when))
    if limit is None and when is None:
        return NOTHING_ASKED
    return AskedFreshness(None if limit is None else _limit_us(limit), when)


def _limit_us(limit: object) -> int:
    try:
        if isinstance(limit, str):
            return parse_duration(limit, zero=True) // MICROSECOND
    except UserError:
        pass  # told below, as what is no text is
    raise InvalidValue(None, "max_staleness", "a duration, such as '10m'", describe(limit))
