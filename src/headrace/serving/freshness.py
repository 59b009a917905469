"""How old served features are, and what is done about those that are too old.

A feature is as old as the oldest of the tables that it looks into: that one is known until its watermark, if a stream brings it, else until
the moment of the published state.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from headrace.core.moments import MICROSECOND
from headrace.features.plan import FeaturePlan
from headrace.serving.errors import StaleFeatures
from headrace.spec.freshness import WHEN_STALE, WhenStale

Moments = Mapping[str, datetime | None]
"""Until when tables are known, by name; None: nothing of it is certain yet."""
Stale = Mapping[str, float | None]
"""How many seconds old the features are that are too old; None: nobody knows."""


class AskedFreshness(NamedTuple):
    """What a request asks beside what the features declare: its own limit for all of them, and what is done where one is older."""

    max_us: int | None = None
    when_stale: WhenStale | None = None


NOTHING_ASKED = AskedFreshness()


class Freshness:
    """What a model's features ask."""

    def __init__(self, plan: FeaturePlan, streamed: Collection[str] = ()) -> None:
        """Take the tables that are streamed: of those without a time nobody knows until when they are known."""
        self.when_stale = plan.freshness.when_stale
        looked_into = {
            name: {lookup.table for lookup in lookups if lookup.known or lookup.table not in streamed}
            for name, lookups in plan.looked_into().items()
        }
        self.tables = {name: tuple(sorted(tables)) for name, tables in looked_into.items() if tables}
        # A bundle may be older than a table's being streamed: with that nobody knows its features' age any more.
        self.limits = {name: limit for name, limit in plan.freshness.max_us.items() if name in self.tables}
        self.all_tables = tuple({table for tables in self.tables.values() for table in tables})

    def stale(self, moments: Moments, as_of: datetime, asked: AskedFreshness = NOTHING_ASKED) -> tuple[Stale, Collection[str]]:
        """Return the features that are too old, and those of them that are to be null.

        Raises:
            StaleFeatures: if one is too old to answer.
        """
        ages = {table: None if moment is None else max((as_of - moment) // MICROSECOND, 0) for table, moment in moments.items()}
        found: dict[str, float | None] = {}
        null: list[str] = []
        for name in self.tables if asked.max_us is not None else self.limits:
            table, age = _oldest(self.tables[name], ages)
            action, limit = self._action(name, age, asked)
            if action == "error":
                raise StaleFeatures(name, table, moments[table], as_of, limit * MICROSECOND)
            if action is not None:
                found[name] = None if age is None else age / 1e6
            if action == "null":
                null.append(name)
        return found, null

    def _action(self, name: str, age: int | None, asked: AskedFreshness) -> tuple[WhenStale | None, int]:
        """Return the strictest of what is to be done about a feature of an age, and the limit that it is beyond."""
        action: WhenStale | None = None
        broken = 0
        for limit, when in ((self.limits.get(name), self.when_stale), (asked.max_us, asked.when_stale or self.when_stale)):
            if limit is not None and (age is None or age > limit):
                stricter = when if asked.when_stale is None else _strictest(when, asked.when_stale)
                action, broken = (stricter, limit) if action is None else (_strictest(action, stricter), min(broken, limit))
        return action, broken


def _oldest(tables: Collection[str], ages: Mapping[str, int | None]) -> tuple[str, int | None]:
    unknown = [table for table in tables if ages[table] is None]
    if unknown:
        return unknown[0], None
    oldest = max(tables, key=lambda table: ages[table] or 0)
    return oldest, ages[oldest]


def _strictest(one: WhenStale, other: WhenStale) -> WhenStale:
    return max(one, other, key=WHEN_STALE.index)
