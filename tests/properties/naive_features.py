"""Random tables, declarations and questions, and what DESIGN says of them.

The reference is plain Python, one question and one row at a time, in exact fractions. It is written from the words of DESIGN §4,
and shares nothing with the product but the declarations.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import polars as pl
from hypothesis import strategies as st

from headrace.expressions import DType, coalesce, col, count, lit
from headrace.spec.features import latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Entity, Events

EPOCH, HOUR = datetime(1970, 1, 1, tzinfo=UTC), timedelta(hours=1)
TYPES = {
    "k": DType.STRING, "j": DType.INT, "f": DType.FLOAT, "x": DType.FLOAT, "n": DType.INT, "b": DType.BOOL, "s": DType.STRING,
    "d": DType.DATETIME, "e": DType.DURATION, "time": DType.DATETIME, "seen": DType.DATETIME, "x_seen": DType.DATETIME,
    "_ingested": DType.DATETIME, "_arrival": DType.INT,
}  # fmt: skip
POLARS = {
    DType.STRING: pl.String, DType.INT: pl.Int64, DType.FLOAT: pl.Float64, DType.BOOL: pl.Boolean,
    DType.DATETIME: pl.Datetime("us", "UTC"), DType.DURATION: pl.Duration("us"),
}  # fmt: skip
SPINE_TYPES = {"a": DType.STRING, "c": DType.INT, "g": DType.FLOAT, "asked": DType.DATETIME}
KEYS = [{"a": "k"}, {"c": "j"}, {"a": "k", "c": "j"}, {"g": "f"}, {"c": "j", "g": "f"}]
ARGUMENTS = {
    "x": (col("x"), lambda row: row["x"], {"x"}),
    "n": (col("n"), lambda row: row["n"], {"n"}),
    "b": (col("b"), lambda row: row["b"], {"b"}),
    "s": (col("s"), lambda row: row["s"], {"s"}),
    "d": (col("d"), lambda row: row["d"], {"d"}),
    "e": (col("e"), lambda row: row["e"], {"e"}),
    "n + 1 or 0": (coalesce(col("n") + 1, lit(0)), lambda row: 0 if row["n"] is None else row["n"] + 1, {"n"}),
    "seven": (lit(7), lambda row: 7, set()),
}
CONDITIONS = {
    "b": (col("b"), lambda row: row["b"], {"b"}),
    "n > 0": (col("n") > 0, lambda row: row["n"] is not None and row["n"] > 0, {"n"}),
    "x is null": (col("x").is_null(), lambda row: row["x"] is None, {"x"}),
}
NUMERIC = ["sum", "mean", "var", "std", "quantile"]
KINDS = ["count", "min", "max", "first", "last", "distinct", *NUMERIC]
KNOWN = [None, "seen", "ingested", {"x": "x_seen"}, {"*": "seen", "x": "x_seen", "k": "ingested"}]
KNOWN_BY_ROW = [None, "seen", "ingested", {"*": "seen"}]


@dataclass(frozen=True)
class Ask:
    """One lookup: `kind` is an aggregate or `latest`."""

    kind: str
    argument: str | None
    keys: dict
    over: timedelta | None = None
    hop: timedelta | None = None
    where: str | None = None
    max_age: timedelta | None = None
    probability: float | None = None


@dataclass(frozen=True)
class Declared:
    """What a table says of itself; `deleted` is a condition's name."""

    timed: bool
    known: str | dict | None
    deleted: str | None

    def table(self, source=File("t.csv"), identity=()):
        if not self.timed:
            return Entity("t", source=source, id=identity, key="k", deleted=self._deleted())
        if self.deleted is None:
            return Events("t", source=source, id=identity, time="time", known=self.known)
        return Entity("t", source=source, id=identity, key="k", time="time", known=self.known, deleted=self._deleted())

    def _deleted(self):
        return None if self.deleted is None else CONDITIONS[self.deleted][0]


# ---- the reference ----------------------------------------------------------------------------------------------------------------


def known_of(row, ask, known, timed):
    """When the value of a row became known to us: the latest of all that it depends on; None: never; EPOCH where always."""
    if not timed:
        return datetime.min.replace(tzinfo=UTC)
    by_column = known if isinstance(known, dict) else {}
    of_row = by_column.get("*", "time") if isinstance(known, dict) else known or "time"
    columns = (
        set(ask.keys.values())
        | (ARGUMENTS[ask.argument][2] if ask.argument else set())
        | (CONDITIONS[ask.where][2] if ask.where else set())
    )
    names = {by_column.get(column, of_row) for column in columns}
    if not ask.argument or not ARGUMENTS[ask.argument][2]:
        names.add(of_row)
    moments = [row["_ingested" if name == "ingested" else name] for name in names]
    return None if None in moments else max(moments)


def reference(ask, rows, declared_as, question, as_of, published=None):
    """The value of one lookup for one question; `published` is the moment up to which a state was built."""
    known, timed = declared_as.known, declared_as.timed
    if timed and as_of is None:
        return None
    seen = []
    for row in rows:
        became_known = known_of(row, ask, known, timed)
        keys = [(question[left], row[right]) for left, right in ask.keys.items()]
        matches = all(left is not None and right is not None and left == right for left, right in keys)
        if (
            not matches
            or became_known is None
            or (timed and not became_known < as_of)
            or (published and timed and not became_known < published)
        ):
            continue
        if ask.where and CONDITIONS[ask.where][1](row) is not True:
            continue
        gone = declared_as.deleted is not None and CONDITIONS[declared_as.deleted][1](row) is True
        if gone and ask.kind != "latest":
            continue
        value = None if gone else ARGUMENTS[ask.argument][1](row) if ask.argument else 1
        order = (became_known, row["time"] or datetime.min.replace(tzinfo=UTC) if timed else EPOCH, row["_arrival"])
        seen.append((order, row, value))
    seen.sort(key=lambda each: each[0])
    if ask.kind == "latest":
        if not seen or (ask.max_age and (seen[-1][1]["time"] is None or as_of - seen[-1][1]["time"] > ask.max_age)):
            return None
        return seen[-1][2]
    left = as_of - ask.over
    if ask.hop:
        left = EPOCH + ((left - EPOCH) // ask.hop) * ask.hop
    return aggregate(ask, [value for (moment, _, _), _, value in seen if moment >= left and value is not None])


def aggregate(ask, values):
    if ask.kind == "count":
        return len(values)
    if ask.kind == "distinct":
        return len({"nan" if value != value else value for value in values})
    if not values:
        return None
    if ask.kind in ("first", "last"):
        return values[0 if ask.kind == "first" else -1]
    if ask.kind in ("min", "max"):
        numbers = [value for value in values if value == value]
        return (min if ask.kind == "min" else max)(numbers) if numbers else math.nan
    if ask.kind == "quantile":
        return quantile(sorted(values, key=lambda value: (value != value, value)), ask.probability)
    if ask.kind in ("var", "std") and len(values) < 2:
        return None
    if not all(math.isfinite(value) for value in values):
        return math.nan if ask.kind in ("var", "std") else sum(values) / len(values) if ask.kind == "mean" else sum(values)
    exact = [Fraction(value) for value in values]
    total = sum(exact)
    if ask.kind == "sum":
        return int(total) if isinstance(values[0], int) else float(total)
    if ask.kind == "mean":
        return float(total / len(exact))
    variance = sum((value - total / len(exact)) ** 2 for value in exact) / (len(exact) - 1)
    return float(variance) if ask.kind == "var" else math.sqrt(variance)


def quantile(ordered, probability):
    """Interpolated in doubles, which is what `linear` says."""
    position = probability * (len(ordered) - 1)
    below = math.floor(position)
    low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
    return low if position == below or low == high else low + (position - below) * (high - low)


# ---- random tables, declarations and questions ------------------------------------------------------------------------------------

FLOATS = [0.0, -0.0, 0.1, 1.0, 3.0, -2.5, 1e9, 1e16, -1e16, math.nan, math.inf, -math.inf]
DURATIONS = st.sampled_from([1, 2, 5, 24, 30]).map(lambda hours: hours * HOUR)


ZEROS, INTS, LETTERS = [0.0, -0.0, 1.0, -1.0, math.nan], [0, 1, -(2**63), 2**63 - 1], ["", "a", "b", "é", "\U0001f600", "\uffff"]


def random_moment(random):
    hours = random.choice([-30, -24, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4]) if random.random() < 0.5 else random.randint(-40, 40)
    return EPOCH + hours * HOUR + timedelta(microseconds=random.choice([0, 0, 0, 0, 0, -1, 1]))


def random_rows(random):
    """Rows of the table: from a seed, for Hypothesis takes a hundred times as long to draw them."""

    def nullable(value, nulls=5):
        return None if random.randint(0, nulls) == 0 else value

    def late(time, nulls):
        return nullable(time + random.choice([0, 0, 1, 3, 30]) * HOUR, nulls)

    def number():
        return random.choice([*FLOATS, random.uniform(-1e9, 1e9), random.uniform(-1, 1) * 10.0 ** random.randint(-5, 9)])

    rows = []
    for arrival in range(random.randint(0, 25)):
        time, few = random_moment(random), random.randint(-3, 3)
        row = {
            "k": nullable(random.choice("pq"), 12), "j": nullable(random.choice(INTS), 12), "f": nullable(random.choice(ZEROS), 12),
            "x": nullable(1e9 + random.random() if arrival % 2 else number()),
            "n": nullable(few if random.random() < 0.5 else random.randint(-(2**55), 2**55)), "b": nullable(random.random() < 0.5),
            "s": nullable(random.choice(LETTERS)), "d": nullable(random_moment(random)),
            "e": nullable(random.choice([1, 2, 5, 24, 30]) * HOUR), "time": nullable(time, 20), "seen": late(time, 12),
            "x_seen": late(time, 12), "_ingested": late(time, 10**6), "_arrival": arrival,
        }  # fmt: skip
        rows.append(row)
    return rows


def random_questions(random):
    return [
        {
            "a": random.choice(["p", "p", "q", "q", "r", None]), "c": random.choice([*INTS, 2, None]),
            "g": random.choice([*ZEROS, None]), "asked": random.choice([random_moment(random)] * 9 + [None]),
        }
        for _ in range(random.randint(1, 6))
    ]  # fmt: skip


@st.composite
def tables_declared(draw):
    timed = draw(st.integers(0, 5)) > 0
    deleted = draw(st.none() | st.sampled_from(list(CONDITIONS)))
    known = draw(st.sampled_from(KNOWN if deleted is None else KNOWN_BY_ROW)) if timed else None
    return Declared(timed, known, deleted)


@st.composite
def asks(draw, timed):
    keys = draw(st.sampled_from(KEYS))
    if not timed or draw(st.integers(0, 3)) == 0:
        return Ask("latest", draw(st.sampled_from(list(ARGUMENTS))), keys, max_age=draw(st.none() | DURATIONS) if timed else None)
    kind = draw(st.sampled_from(KINDS))
    numeric = kind in NUMERIC
    choices = [name for name in ARGUMENTS if not numeric or name not in "sde"]
    argument = None if kind == "count" and draw(st.booleans()) else draw(st.sampled_from(choices))
    probability = draw(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0])) if kind == "quantile" else None
    return Ask(
        kind,
        argument,
        keys,
        over=draw(DURATIONS),
        hop=draw(st.none() | DURATIONS),
        where=draw(st.none() | st.sampled_from(list(CONDITIONS))),
        probability=probability,
    )


@st.composite
def declarations(draw, most):
    """A table, and what is asked of it, by name."""
    declared_as = draw(tables_declared())
    asked = draw(st.lists(asks(declared_as.timed), min_size=1, max_size=most))
    return declared_as, {f"v{number}": ask for number, ask in enumerate(asked)}


def declared(ask, table):
    argument = ARGUMENTS[ask.argument][0] if ask.argument else None
    if ask.kind == "latest":
        return latest(table, argument, by=ask.keys, max_age=ask.max_age)
    if argument is None:
        chosen = count()
    elif ask.kind == "quantile":
        chosen = argument.quantile(ask.probability)
    else:
        chosen = getattr(argument, ask.kind)()
    where = CONDITIONS[ask.where][0] if ask.where else None
    return window(table, chosen, by=ask.keys, over=ask.over, hop=ask.hop, where=where)


def same(kind, expected, got):
    if expected is None or got is None:
        return expected is None and got is None
    if type(expected) is not type(got):
        return False
    if isinstance(expected, float) and kind in NUMERIC:
        both_nan = math.isnan(expected) and math.isnan(got)
        return both_nan or expected == got or (math.isfinite(expected) and abs(expected - got) <= 1e-9 * abs(expected))
    return expected == got or (expected != expected and got != got)
