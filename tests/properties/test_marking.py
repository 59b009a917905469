"""Nothing that is needed is ever free: the law of collecting, against a second way of finding out what is needed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from headrace.app.collecting.marking import BLOB, TABLE, Item, LandingRecord, ModelRecord, Recorded, Rules, StepOutput, TableRecord, mark
from headrace.ledger.models import TRANSITIONS

NOW = datetime(2026, 6, 1, tzinfo=UTC)
names = st.sampled_from(["orders", "shops", "gone"])
items = st.one_of(
    st.builds(lambda name: Item(BLOB, name), st.sampled_from("abcdefgh")),
    st.builds(
        lambda name, part, version: Item(TABLE, name + part, version), names, st.sampled_from(["", "/quarantine"]), st.integers(0, 3)
    ),
)
some = st.frozensets(items, max_size=3)
moments = st.integers(0, 200).map(lambda days: NOW - timedelta(days=days))
durations = st.none() | st.integers(1, 150).map(lambda days: timedelta(days=days))
fingerprints = st.sampled_from(["s1", "s2", "s3", "s4"])
ids = st.sampled_from(["t1", "t2", "t3", "t4"])
recorded = st.builds(
    Recorded,
    outputs=st.lists(st.builds(StepOutput, fingerprints, some, moments), max_size=5, unique_by=lambda each: each.fingerprint).map(tuple),
    running=some,
    tables=st.lists(st.builds(TableRecord, ids, names, some, moments), max_size=4, unique_by=lambda each: each.id).map(tuple),
    models=st.lists(
        st.builds(
            ModelRecord, st.just("m@1"), st.sampled_from(sorted(TRANSITIONS)), moments, st.none() | moments, st.none() | moments,
            st.frozensets(items, max_size=1), st.frozensets(ids, max_size=2),
        ),
        max_size=4,
    ).map(tuple),
    landings=st.lists(st.builds(LandingRecord, names, some, st.none() | moments), max_size=3).map(tuple),
    others=some,
)  # fmt: skip
rules = st.builds(
    Rules,
    now=st.just(NOW),
    steps=st.frozensets(fingerprints, max_size=2),
    tables=st.frozensets(names, max_size=2),
    versions=durations,
    models=durations,
    predictions=durations,
    landings=durations,
    keep_versions=st.dictionaries(names, st.integers(1, 150).map(lambda days: timedelta(days=days)), max_size=2),
)


def kept(moment: datetime | None, duration: timedelta | None) -> bool:
    return moment is not None and (duration is None or moment > NOW - duration)


def is_needed(item: Item, found: Recorded, by: Rules) -> bool:
    """Tell, for one item and without collecting anything, whether somebody needs it."""
    stay = by.keep_versions.get(item.name.partition("/")[0], by.versions) if item.kind == TABLE else by.versions
    alive = [
        each
        for each in found.models
        if each.state in ("champion", "approved", "awaiting_approval")
        or kept(each.predicted, by.predictions)
        or kept(each.retired, by.models)
    ]
    inputs = [each for each in found.tables if any(each.id in version.inputs for version in alive)]
    newest = [each for index, each in enumerate(found.tables) if each.name not in [before.name for before in found.tables[:index]]]
    looked_at = by.tables | {each.name for each in inputs}
    return (
        item in found.running
        or item in found.others
        or any(item in each.items and (each.fingerprint in by.steps or kept(each.used, stay)) for each in found.outputs)
        or any(item in each.items and (each.replaced is None or kept(each.replaced, by.landings)) for each in found.landings)
        or any(item in version.bundle for version in alive)
        or any(item in version.bundle and version.retired is None and kept(version.made, stay) for version in found.models)
        or any(item in each.items for each in inputs)
        or any(item in each.items and each.name in looked_at for each in newest)
        or any(item in each.items and kept(each.made, stay) for each in found.tables)
    )


def everything(found: Recorded) -> frozenset[Item]:
    parts = [each.items for each in (*found.outputs, *found.tables, *found.landings)]
    return frozenset[Item]().union(found.running, found.others, *parts, *(each.bundle for each in found.models))


@given(recorded, rules)
def test_free_is_exactly_what_is_named_and_nobody_needs(found: Recorded, by: Rules) -> None:
    marked = mark(found, by)
    named = everything(found)
    assert marked.free.keys() == {item for item in named if not is_needed(item, found, by)}
    assert marked.needed.keys() == {item for item in named if is_needed(item, found, by)}


@given(recorded, rules)
def test_more_that_is_needed_never_frees_more(found: Recorded, by: Rules) -> None:
    more = replace(by, steps=by.steps | {"s1", "s2"}, tables=by.tables | {"orders"}, versions=None)
    assert mark(found, more).free.keys() <= mark(found, by).free.keys()


@given(recorded, rules, st.integers(0, 100))
def test_what_is_free_stays_free_while_time_goes_by(found: Recorded, by: Rules, days: int) -> None:
    later = replace(by, now=NOW + timedelta(days=days))
    assert mark(found, by).free.keys() <= mark(found, later).free.keys()
