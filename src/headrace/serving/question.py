"""What both protocols make of a request, before it is scored."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from headrace.serving.errors import MalformedRequest, TooManyRows


class Question(msgspec.Struct, frozen=True, gc=False):
    """Validated rows, the moment they are asked as of, and how the asker wants the answer.

    `outputs` are the outputs asked for, all when empty; `echo` is the asker's own id of the request.
    """

    rows: Sequence[dict[str, object]]
    as_of: datetime
    with_features: bool = False
    outputs: tuple[str, ...] = ()
    echo: str | None = None


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
