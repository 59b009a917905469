"""What is needed, from what is on record and the rules: a pure function. What it does not reach may go.

Needed are
- what the steps of the present description gave, and those of runs that have not ended;
- the bundle of a model version that serves, waits for its approval, was retired not long ago, or predicted what is kept, and the table
  versions that it was made from; with one that a stream has learnt, what it was measured on, and what it began from;
- the newest version of each table of the description, and of those that a needed model looks into;
- what was landed from databases and APIs;
- whatever other projects of the same ledger name: their descriptions are not at hand;
- what was last in use so short ago that a rule keeps it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from headrace.core.units import format_duration
from headrace.ledger import models

TABLE, BLOB = "table", "blob"
_SERVING = {models.CHAMPION: "is the champion", models.AWAITING_APPROVAL: "waits for approval", models.APPROVED: "is approved"}


class Item(NamedTuple):
    """Bytes that the ledger names: a version of a table, or a blob by its hash."""

    kind: str
    name: str
    version: int | None = None


class StepOutput(NamedTuple):
    """What a step gave, and when a run last used it."""

    fingerprint: str
    items: frozenset[Item]
    used: datetime


class TableRecord(NamedTuple):
    """A table version on record, with its quarantine; `made` is when it became the newest."""

    id: str
    name: str
    items: frozenset[Item]
    made: datetime


class ModelRecord(NamedTuple):
    """A model version on record; `inputs` are the ids of table records, `predicted` is its last prediction that is on record,
    `bundle` its bundle and what goes with it."""

    label: str
    state: str
    made: datetime
    retired: datetime | None
    predicted: datetime | None
    bundle: frozenset[Item]
    inputs: frozenset[str]


class LandingRecord(NamedTuple):
    """An answer of a source; `replaced` is when a newer one took its place, None for the newest."""

    table: str
    items: frozenset[Item]
    replaced: datetime | None


@dataclass(frozen=True)
class Recorded:
    """All that the ledger names of a lake: one project's own, table records newest first, and whatever others name."""

    outputs: tuple[StepOutput, ...] = ()
    running: frozenset[Item] = frozenset()
    tables: tuple[TableRecord, ...] = ()
    models: tuple[ModelRecord, ...] = ()
    landings: tuple[LandingRecord, ...] = ()
    others: frozenset[Item] = frozenset()


@dataclass(frozen=True)
class Rules:
    """The present moment and description (`steps` are fingerprints, `tables` names), and how long things stay; None is for ever."""

    now: datetime
    steps: frozenset[str]
    tables: frozenset[str]
    versions: timedelta | None
    models: timedelta | None
    predictions: timedelta | None
    landings: timedelta | None
    keep_versions: Mapping[str, timedelta]


class Marked(NamedTuple):
    """Why each item is needed, and by which rule each other one may go."""

    needed: dict[Item, str]
    free: dict[Item, str]


def mark(recorded: Recorded, rules: Rules) -> Marked:
    """Tell what is needed, and what may go."""
    needed: dict[Item, str] = {}
    for items, why in _roots(recorded, rules):
        for item in items:
            needed.setdefault(item, why)
    named = {item: why for items, why in _named(recorded, rules) for item in items}
    return Marked(needed, {item: why for item, why in named.items() if item not in needed})


def _roots(recorded: Recorded, rules: Rules) -> Iterator[tuple[Iterable[Item], str]]:
    yield from ((output.items, "the description") for output in recorded.outputs if output.fingerprint in rules.steps)
    yield recorded.running, "a run that has not ended"
    yield recorded.others, "another project"
    for landing in recorded.landings:
        if landing.replaced is None or _lasts(landing.replaced, rules.landings, rules.now):
            yield landing.items, f"what was landed for {landing.table}"
    yield from _of_models(recorded, rules)
    yield from _recent(recorded, rules)


def _of_models(recorded: Recorded, rules: Rules) -> Iterator[tuple[Iterable[Item], str]]:
    """Needed models, the tables they were made from, and the newest version of every table that may be looked into."""
    by_id = {record.id: record for record in recorded.tables}
    names = set(rules.tables)
    for version in recorded.models:
        why = _why_needed(version, rules)
        if why is not None:
            yield version.bundle, f"{version.label}, which {why}"
            for record in (by_id[each] for each in version.inputs if each in by_id):
                names.add(record.name)
                yield record.items, f"{version.label}, which {why}"
    seen: set[str] = set()
    for record in recorded.tables:
        if record.name in names and record.name not in seen:
            yield record.items, "the newest version of a table"
        seen.add(record.name)


def _why_needed(version: ModelRecord, rules: Rules) -> str | None:
    if version.state in _SERVING:
        return _SERVING[version.state]
    if version.predicted is not None and _lasts(version.predicted, rules.predictions, rules.now):
        return "made predictions that are kept"
    if version.retired is not None and _lasts(version.retired, rules.models, rules.now):
        return "was the champion and may be again"
    return None


def _recent(recorded: Recorded, rules: Rules) -> Iterator[tuple[Iterable[Item], str]]:
    for items, used in _uses(recorded):
        for item in items:
            if _lasts(used, _stay(item, rules), rules.now):
                yield (item,), "it was in use not long ago"


def _uses(recorded: Recorded) -> Iterator[tuple[Iterable[Item], datetime]]:
    yield from ((output.items, output.used) for output in recorded.outputs)
    yield from ((record.items, record.made) for record in recorded.tables)
    # What a retired one needs is the rule of models.
    yield from ((version.bundle, version.made) for version in recorded.models if version.retired is None)


def _named(recorded: Recorded, rules: Rules) -> Iterator[tuple[Iterable[Item], str]]:
    """Everything that is named, with the rule by which it goes if nothing needs it; the last that names it says."""
    yield from ((landing.items, rule_text("landings", rules.landings)) for landing in recorded.landings)
    for items, _ in _uses(recorded):
        yield from (((item,), rule_text(*_stay_rule(item, rules))) for item in items)
    for version in recorded.models:
        if version.retired is not None:
            yield version.bundle, rule_text("models", rules.models)


def _stay(item: Item, rules: Rules) -> timedelta | None:
    return _stay_rule(item, rules)[1]


def _stay_rule(item: Item, rules: Rules) -> tuple[str, timedelta | None]:
    table = item.name.removesuffix("/quarantine")
    if item.kind == TABLE and table in rules.keep_versions:
        return "keep_versions", rules.keep_versions[table]
    return "versions", rules.versions


def rule_text(name: str, duration: timedelta | None) -> str:
    """Return a rule as people wrote it."""
    return f"{name}={format_duration(duration) if duration else None}"


def _lasts(moment: datetime, duration: timedelta | None, now: datetime) -> bool:
    return duration is None or now - moment < duration
