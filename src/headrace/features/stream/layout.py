"""How the rows that lookups need are laid out in a store: key groups, worked out from plans.

The lookups of one plan that find rows of a table by the same of its columns are a **group**: its records have one key each, and a row is
stored once for all of them, in words of 64 bits. A group is named by all that its rows depend on, so that rows which were kept for another
declaration are never taken for its own; plans that need the same share it.
"""

from collections.abc import Iterable, Iterator

import msgspec

from headrace.core.fingerprints import fingerprint
from headrace.expressions import DType, infer
from headrace.features.lookups import PlannedLookup
from headrace.features.plan import FeaturePlan

FORMAT = 1
ARRIVAL, TIME, FLAGS, FIRST_KNOWN = 0, 1, 2, 3
"""The words of a stored row, before its knowledge times and its values."""
_MOST_FLAGS = 60


class Seen(msgspec.Struct, frozen=True, order=True):
    """Which rows a lookup ever sees: those whose `known` columns and `value` are not null and that meet `where` (JSON texts; "": none)."""

    known: tuple[str, ...]
    value: str
    where: str


class Kept(msgspec.Struct, frozen=True, order=True):
    """How long rows are needed: for a window as far as it reaches back; else the newest, up to its age. -1: no such limit."""

    seen: Seen
    over_us: int
    hop_us: int
    max_age_us: int


class Place(msgspec.Struct, frozen=True):
    """Where a lookup finds what it needs in a stored row.

    Attributes:
        known: the word of its knowledge time; None: always known.
        seen: the flag of the rows it sees.
        value, null: the word of its value and the flag of its being null; None where rows are counted.
        dtype: the type of the value as it is stored.
    """

    known: int | None
    seen: int
    value: int | None
    null: int
    dtype: DType | None


class GroupLayout(msgspec.Struct, frozen=True, kw_only=True):
    """What a group's rows are made of.

    Words: arrival, time (microseconds since 1970, 0 for null), flags, knowledge times, values: integers, moments and durations in
    microseconds, booleans, the bits of floats, and for texts their offset in the heap << 32 | their length, in bytes.
    Flags from the lowest: time is null; one for each of `seens`; one for each value: it is null.

    Attributes:
        space: the store's space with the group's records.
        table: where its rows come from.
        keys: the table's key columns, in the order of their names.
        columns: the types of all columns that are read.
        time: the column that says when a row happened.
        knowns: the columns whose latest is a knowledge time.
        values: expressions as JSON texts, and their types.
    """

    space: str
    table: str
    keys: tuple[tuple[str, DType], ...]
    columns: dict[str, DType]
    time: str | None
    knowns: tuple[tuple[str, ...], ...]
    values: tuple[tuple[str, DType], ...]
    seens: tuple[Seen, ...]
    kept: tuple[Kept, ...]

    @property
    def width(self) -> int:
        """How many words a row has."""
        return FIRST_KNOWN + len(self.knowns) + len(self.values)

    @property
    def texts(self) -> list[int]:
        """The words that are places in the heap."""
        return [self.value_word(number) for number, (_, dtype) in enumerate(self.values) if dtype == DType.STRING]

    def known_word(self, known: tuple[str, ...]) -> int | None:
        """The word of a knowledge time; None: always known."""
        return FIRST_KNOWN + self.knowns.index(known) if known else None

    def value_word(self, number: int) -> int:
        """The word of a value."""
        return FIRST_KNOWN + len(self.knowns) + number

    def seen_flag(self, number: int) -> int:
        """The flag of the rows that are seen."""
        return 1 << (1 + number)

    def null_flag(self, number: int) -> int:
        """The flag of a value that is null."""
        return 1 << (1 + len(self.seens) + number)

    def place(self, lookup: PlannedLookup) -> Place:
        """Return where one of the group's lookups finds what it needs."""
        seen, value = _seen(lookup), _value(lookup)
        number = None if value is None else self.values.index(value)
        return Place(
            known=self.known_word(lookup.known), seen=self.seen_flag(self.seens.index(seen)),
            value=None if number is None else self.value_word(number), null=0 if number is None else self.null_flag(number),
            dtype=None if value is None else value[1],
        )  # fmt: skip


def group_layouts(plans: Iterable[FeaturePlan]) -> tuple[GroupLayout, ...]:
    """Return the groups that plans need, each once."""
    return tuple({layout.space: layout for plan in plans for layout in slot_layouts(plan).values()}.values())


def slot_layouts(plan: FeaturePlan) -> dict[str, GroupLayout]:
    """Return the group of each lookup by its slot."""
    alike: dict[tuple[str, tuple[str, ...]], list[PlannedLookup]] = {}
    for lookup in plan.lookups:
        alike.setdefault((lookup.table, tuple(right for _, right in sorted_keys(lookup))), []).append(lookup)
    found = {}
    for lookups in alike.values():
        for group in _cut(sorted(lookups, key=lambda lookup: (_kept(lookup), _value(lookup) or ()))):
            layout = _layout(group)
            found.update({lookup.slot: layout for lookup in group})
    return found


def sorted_keys(lookup: PlannedLookup) -> list[tuple[str, str]]:
    """Return a lookup's keys, the spine's column and the table's, in the order of the table's."""
    return sorted(lookup.keys, key=lambda pair: pair[1])


def _cut(lookups: list[PlannedLookup]) -> Iterator[list[PlannedLookup]]:
    """Cut lookups into runs whose flags fit into a word."""
    run: list[PlannedLookup] = []
    for lookup in lookups:
        longer = [*run, lookup]
        if run and len({_seen(each) for each in longer}) + len({_value(each) for each in longer}) > _MOST_FLAGS:
            yield run
            longer = [lookup]
        run = longer
    yield run


def _layout(lookups: list[PlannedLookup]) -> GroupLayout:
    first = lookups[0]
    columns = {name: dtype for lookup in lookups for name, dtype in sorted(lookup.columns.items())}
    layout = GroupLayout(
        space="", table=first.table, keys=tuple((right, first.columns[right]) for _, right in sorted_keys(first)),
        columns=dict(sorted(columns.items())), time=first.time,
        knowns=tuple(sorted({lookup.known for lookup in lookups if lookup.known})),
        values=tuple(sorted({value for lookup in lookups if (value := _value(lookup)) is not None})),
        seens=tuple(sorted({_seen(lookup) for lookup in lookups})), kept=tuple(sorted({_kept(lookup) for lookup in lookups})),
    )  # fmt: skip
    name = fingerprint("group", FORMAT, msgspec.json.encode(layout))[:16]
    return msgspec.structs.replace(layout, space=f"state/{first.table}/{name}")


def _kept(lookup: PlannedLookup) -> Kept:
    limits = (-1 if limit is None else limit for limit in (lookup.over_us, lookup.hop_us, lookup.max_age_us))
    return Kept(_seen(lookup), *limits)


def _seen(lookup: PlannedLookup) -> Seen:
    return Seen(lookup.known, _text(_argument(lookup)) if lookup.kind == "window" else "", _text(lookup.where))


def _value(lookup: PlannedLookup) -> tuple[str, DType] | None:
    """What is stored for a lookup: nothing where rows are counted."""
    expression = lookup.argument({})
    if expression is None or lookup.aggregate_kind == "count":
        return None
    return _text(_argument(lookup)), infer(expression, lookup.columns)


def _argument(lookup: PlannedLookup) -> object:
    return lookup.value if lookup.aggregate is None else lookup.aggregate["argument"]


def _text(obj: object) -> str:
    return "" if obj is None else msgspec.json.encode(obj, order="sorted").decode()
