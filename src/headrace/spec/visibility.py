"""What the asker can know: the checks that keep features from using anything before it is known."""

from collections.abc import Iterator, Mapping

from headrace.core.errors import closest
from headrace.spec.errors import NotKnownInTime, SpecError
from headrace.spec.features import Features, Lookup
from headrace.spec.tables import Table, deletion_of


def check_features(features: Features) -> None:
    """Check that features use only what the asker can know.

    Raises:
        NotKnownInTime: for a given column that becomes known after the question, a spine column that nobody gives, or a lookup into a table
            without a time that holds what had one.
        SpecError: for a lookup in time without `as_of`, keys that are pseudonymised on one side only, or a spine with deletes.
    """
    spine, given = features.spine, features.given
    if deletion_of(spine) is not None:
        raise SpecError(
            f"the spine {spine.name!r} has deleted=: every delete would be a question.",
            remedy="Make the questions a table of their own with hr.Derived, which leaves deletes out.",
            location=features.location,
        )
    if isinstance(spine.known, Mapping):
        for column in given:
            if column in spine.known:
                raise NotKnownInTime(
                    f"the given column {column!r} of {spine.name!r} becomes known at {spine.known[column]!r}, "
                    "which is after the question is asked.",
                    remedy="Take it out of given=; use hr.window or hr.latest to see its past values.",
                    location=features.location,
                )
    if features.as_of is not None:
        _require_given(features, "as_of", features.as_of.columns())
    for name, value in features.values.items():
        _require_given(features, f"feature {name!r}", value.columns())
    for lookup in features.lookups():
        _check_lookup(features, lookup)


def _require_given(features: Features, user: str, columns: frozenset[str]) -> None:
    for column in sorted(columns - set(features.given)):
        hint = _hint(features, column)
        raise NotKnownInTime(
            f"{user} uses the column {column!r} of {features.spine.name!r}, which the asker is not said to supply.",
            remedy=f"{hint}If it is known when the question is asked, add it to given=; else use hr.window or hr.latest. "
            f"Given: {', '.join(features.given) or 'nothing'}.",
            location=features.location,
        )


def _hint(features: Features, column: str) -> str:
    """Say what may be misspelt: the name in given=, if nothing uses it and no feature is called so; else the column."""
    near = closest(column, features.given)
    if near is None:
        return ""
    if near in features.values or near in _used(features):
        return f"Did you mean {near!r}? "
    either = "" if column in features.values else f" there, or {near!r} here"
    return f"given= has {near!r}: did you mean {column!r}{either}? "


def _used(features: Features) -> frozenset[str]:
    keys = (left for lookup in features.lookups() for left, _ in lookup.keys)
    as_of = () if features.as_of is None else features.as_of.columns()
    return frozenset(keys).union(as_of, *(value.columns() for value in features.values.values()))


def _check_lookup(features: Features, lookup: Lookup) -> None:
    _require_given(features, f"the key of {lookup.label()}", frozenset(left for left, _ in lookup.keys))
    if features.as_of is None and lookup.table.row_known is not None:
        raise SpecError(
            f"{lookup.label()} looks into a table with a time, but the features do not say when the question is asked.",
            remedy="Add as_of= to hr.Features.",
            location=features.location,
        )
    if lookup.table.row_known is None:
        _check_always_visible(features, lookup)
    for left, right in lookup.keys:
        if (left in features.spine.personal) != (right in lookup.table.personal):
            hidden, plain = (
                (features.spine.name, lookup.table.name) if left in features.spine.personal else (lookup.table.name, features.spine.name)
            )
            raise SpecError(
                f"{lookup.label()} joins a pseudonymised column of {hidden!r} with a plain one of {plain!r}: nothing would match.",
                remedy=f"Declare the column personal in {plain!r} too.",
                location=features.location,
            )


def _check_always_visible(features: Features, lookup: Lookup) -> None:
    """A table without a time is visible always: it must not be the spine, nor be made from the spine or from anything that has a time."""
    for table in _with_ancestors(lookup.table):
        if table.name != features.spine.name and table.row_known is None:
            continue
        own = table is lookup.table
        origin = "the features' own spine" if own else f"made from {table.name!r}"
        raise NotKnownInTime(
            f"{lookup.label()} looks into {lookup.table.name!r}, which has no time and is {origin}: "
            f"{'a row would see its own answer' if own else 'what only later rows tell would be seen before they happen'}.",
            remedy=f"Say with time= (and known=) of {lookup.table.name!r} when its rows become known.",
            location=features.location,
        )


def _with_ancestors(table: Table) -> Iterator[Table]:
    yield table
    for parent in table.parents:
        yield from _with_ancestors(parent)
