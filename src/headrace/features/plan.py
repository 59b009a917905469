"""The plan: features with their types worked out, free of the description that they came from, to and from JSON.

The plan travels in the bundle (`plan.json`) and is all that the executions read: each lookup has a slot (`lookup_0`, ...), and in the
values' expressions the lookup stands as a column of that name.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from headrace.core.fingerprints import fingerprint
from headrace.core.moments import MICROSECOND
from headrace.expressions import Column, DType, Expr, Udf
from headrace.features.errors import FeatureError, InvalidFeature
from headrace.features.lookups import ARRIVAL_COLUMN, Functions, PlannedLookup, plan_lookup, revive, typed
from headrace.spec.features import Features, Lookup
from headrace.spec.freshness import WhenStale
from headrace.spec.visibility import check_features

FORMAT = 1
SERVED_AS_OF, PREDICTION = "_served_as_of", "_prediction"
"""Beside features that were taken from the log of predictions: when each row was asked as of, and the prediction's id."""
STALE = "_stale"
"""Beside the features in the log of predictions: which of them were too old."""


class Freshness(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is asked of served features beside their meaning: how old they may be, in microseconds, and what is done where one is older."""

    max_us: dict[str, int] = {}
    when_stale: WhenStale = "last"


class FeaturePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Features ready to compute.

    Attributes:
        spine: the table of the rows that the question is asked about.
        given: the types of the columns that the asker supplies, in order; personal ones as they are after pseudonymisation.
        personal: the given columns that come plain and are pseudonymised at the door.
        as_of: when the question is asked, as JSON; None where no lookup depends on time.
        lookups: the distinct lookups, in order of first use.
        values: the features' expressions as JSON, over given columns and slots.
        types: the features' types, in order.
        functions: the Python functions that expressions name, by that name. They stay behind: JSON has none, and a plan read from JSON
            computes what needs no function.
        freshness: what matters only when they are served; part of no fingerprint of what is computed.
    """

    spine: str
    given: dict[str, DType]
    personal: tuple[str, ...]
    as_of: dict[str, Any] | None
    lookups: tuple[PlannedLookup, ...]
    values: dict[str, dict[str, Any]]
    types: dict[str, DType]
    functions: dict[str, Callable[..., Any]] = {}
    freshness: Freshness = Freshness()
    format: int = FORMAT

    @classmethod
    def build(cls, features: Features, spine_types: Mapping[str, DType], table_types: Mapping[str, Mapping[str, DType]]) -> "FeaturePlan":
        """Return the plan of declared features over tables of these types.

        Raises:
            FeatureError: for a column that is not there or expressions that do not fit the types; it names line and fix.
        """
        check_features(features)
        for kept in (ARRIVAL_COLUMN, STALE, SERVED_AS_OF, PREDICTION):
            if kept not in features.values:
                continue
            problem = f"a feature is called {kept!r}, a name that Headrace keeps for itself."
            raise InvalidFeature(problem, remedy="Choose another.", location=features.location)
        given = {name: _given_type(features, name, spine_types) for name in features.given}
        slots: dict[str, PlannedLookup] = {}
        for leaf in features.lookups():
            slot = _slot(len(slots), given)
            slots[leaf.meaning()] = plan_lookup(slot, leaf, given, table_types.get(leaf.table.name, {}), features.location)
        row_types = {**given, **{lookup.slot: lookup.dtype for lookup in slots.values()}}
        values = {name: _with_slots(value, slots) for name, value in features.values.items()}
        types = {name: typed(value, row_types, f"feature {name!r}", features.location) for name, value in values.items()}
        as_of = features.as_of
        if as_of is not None and (kind := typed(as_of, given, "as_of", features.location)) != DType.DATETIME:
            raise InvalidFeature(
                f"as_of= must be a datetime; {as_of} is {kind}.",
                remedy="Name a column of moments, or parse one: .parse_datetime(format).",
                location=features.location,
            )
        return cls(
            spine=features.spine.name, given=given, personal=tuple(name for name in given if name in features.spine.personal),
            as_of=None if as_of is None else as_of.to_json(), lookups=tuple(slots.values()),
            values={name: value.to_json() for name, value in values.items()}, types=types,
            functions={node.name: node.function for node in _nodes(features) if isinstance(node, Udf) and node.function is not None},
            freshness=freshness_of(features),
        )  # fmt: skip

    @classmethod
    def from_json(cls, obj: dict[str, Any]) -> "FeaturePlan":
        """Return the plan that `to_json` wrote.

        Raises:
            FeatureError: if it was written in a format that this version does not read.
        """
        if obj.get("format") != FORMAT:
            problem = f"the feature plan has format {obj.get('format')!r}; this Headrace reads {FORMAT}."
            raise FeatureError(problem, remedy="Write the bundle again with this version.")
        return msgspec.convert(obj, cls)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        built: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, functions={}))
        del built["functions"]
        if not built["freshness"]:
            del built["freshness"]
        return built

    def lookup(self, slot: str) -> PlannedLookup:
        """Return the lookup of a slot.

        Raises:
            KeyError: if there is none.
        """
        for lookup in self.lookups:
            if lookup.slot == slot:
                return lookup
        raise KeyError(slot)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables looked into, each once."""
        return tuple(dict.fromkeys(lookup.table for lookup in self.lookups))

    @property
    def row_types(self) -> dict[str, DType]:
        """What the values' expressions read: given columns, then slots."""
        return {**self.given, **{lookup.slot: lookup.dtype for lookup in self.lookups}}

    def as_of_expression(self) -> Expr | None:
        """When the question is asked, over given columns."""
        return None if self.as_of is None else revive(self.as_of, self.functions)

    def expressions(self) -> dict[str, Expr]:
        """The features' expressions, over given columns and slots."""
        return {name: revive(value, self.functions) for name, value in self.values.items()}

    def given_read(self) -> list[str]:
        """The given columns that the features' expressions read; lookups and `as_of` may read others."""
        read = {name for value in self.expressions().values() for name in value.columns()}
        return [name for name in self.given if name in read]

    def looked_into(self) -> dict[str, tuple[PlannedLookup, ...]]:
        """The lookups that each feature is made from."""
        read = {name: value.columns() for name, value in self.expressions().items()}
        return {name: tuple(lookup for lookup in self.lookups if lookup.slot in columns) for name, columns in read.items()}


def freshness_of(features: Features) -> Freshness:
    """Return what is asked of features when they are served."""
    limits = features.staleness_limits()
    return Freshness({name: limit // MICROSECOND for name, limit in limits.items()}, features.when_stale)


def lookup_fingerprint_parts(plan: FeaturePlan, slot: str) -> tuple[object, ...]:
    """Return what decides a lookup's column beside the rows of spine and table: neither slot, label nor other features count."""
    lookup = plan.lookup(slot)
    as_of = plan.as_of if lookup.known else None
    return ("lookup", FORMAT, _meaning(lookup), as_of, _named_functions(plan.functions, (_meaning(lookup), as_of)))


def lookup_meaning(lookup: PlannedLookup) -> str:
    """Return the fingerprint of what an online state must have been published for."""
    return fingerprint("state", FORMAT, _meaning(lookup))


def feature_meanings(plan: FeaturePlan) -> dict[str, str]:
    """Return a fingerprint of each feature's meaning: the same in two plans where the feature is the same function of what is given and of
    the tables, whatever else is declared beside it."""
    slots = {lookup.slot: lookup_meaning(lookup) for lookup in plan.lookups}
    keys = {lookup.slot: tuple(left for left, _ in lookup.keys) for lookup in plan.lookups}
    found = {}
    for name, value in plan.expressions().items():
        read = {column for each in value.columns() for column in keys.get(each, (each,))}
        given = {column: (plan.given[column], column in plan.personal) for column in sorted(read)}
        named = value.substitute(lambda node: Column(slots[node.name]) if isinstance(node, Column) and node.name in slots else None)
        found[name] = fingerprint("feature", FORMAT, named.to_json(), plan.types[name], given)
    return found


def assemble_fingerprint_parts(plan: FeaturePlan) -> tuple[object, ...]:
    """Return what decides the assembled features beside the rows of the spine and the lookups' columns."""
    given = {name: str(kind) for name, kind in plan.given.items()}
    slots, values = [lookup.slot for lookup in plan.lookups], list(plan.values.items())
    return ("assemble", FORMAT, given, slots, values, _named_functions(plan.functions, values))


def _meaning(lookup: PlannedLookup) -> object:
    return msgspec.to_builtins(msgspec.structs.replace(lookup, slot="", label=""))


def _named_functions(functions: Functions, obj: object) -> dict[str, object]:
    """The functions whose names stand anywhere in JSON values: one too many does no harm, one too few would."""
    text = msgspec.json.encode(obj).decode()
    return {name: function for name, function in functions.items() if msgspec.json.encode(name).decode() in text}


def _given_type(features: Features, name: str, spine_types: Mapping[str, DType]) -> DType:
    return typed(Column(name), spine_types, f"given= of the features on {features.spine.name!r}", features.location)


def _slot(number: int, given: Mapping[str, DType]) -> str:
    slot = f"lookup_{number}"
    while slot in given:
        slot = f"_{slot}"
    return slot


def _with_slots(value: Expr, slots: Mapping[str, PlannedLookup]) -> Expr:
    return value.substitute(lambda node: Column(slots[node.meaning()].slot) if isinstance(node, Lookup) else None)


def _nodes(features: Features) -> Iterator[Expr]:
    """Every node of every expression, those inside lookups too."""
    roots = [*features.values.values(), *(() if features.as_of is None else (features.as_of,))]
    for lookup in features.lookups():
        roots.extend(lookup.expressions())
    for root in roots:
        yield from root.walk()
