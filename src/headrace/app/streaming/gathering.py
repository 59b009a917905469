"""Messages of a partition put together, so that a worker which is behind takes few large micro-batches: each costs a commit."""

from collections.abc import Iterable

import polars as pl

from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.messages import Messages, Position, place_of


def gathered(several: Iterable[Messages], most_rows: int) -> list[Messages]:
    """Return messages with those of one partition that follow one another as one, of about so many rows at most."""
    made: dict[int, Messages] = {}
    done: list[Messages] = []
    for each in several:
        before = made.get(each.partition)
        if before is None:
            made[each.partition] = each
        elif _fits(before, each) and before.frame.height + each.frame.height <= most_rows:
            made[each.partition] = _joined(before, each)
        else:
            done.append(before)
            made[each.partition] = each
    return [*done, *made.values()]


def beyond(messages: Messages, offset: int) -> Messages:
    """Return messages without those before an offset: they were taken already."""
    if messages.first.offset >= offset:
        return messages
    fresh, unread = (_offsets(arrivals) >= offset for arrivals in (messages.arrivals, messages.failures[ARRIVAL]))
    return messages._replace(
        first=Position(offset, messages.first.origin),
        frame=messages.frame.filter(fresh),
        arrivals=messages.arrivals.filter(fresh),
        failures=messages.failures.filter(unread),
    )


def _fits(one: Messages, other: Messages) -> bool:
    alike = (one.topic, one.next.origin, one.frame.schema, one.writing) == (
        other.topic,
        other.first.origin,
        other.frame.schema,
        other.writing,
    )
    return alike and one.next.offset <= other.first.offset


def _joined(one: Messages, other: Messages) -> Messages:
    return one._replace(
        next=other.next,
        frame=pl.concat([one.frame, other.frame]),
        arrivals=pl.concat([one.arrivals, other.arrivals]),
        failures=pl.concat([one.failures, other.failures]),
    )


def _offsets(arrivals: pl.Series) -> pl.Series:
    return arrivals.to_frame(ARRIVAL).select(place_of(pl.col(ARRIVAL))[1]).to_series()
