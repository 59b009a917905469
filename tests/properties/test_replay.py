"""The law that `headrace verify features` tries on a project's own history: batch = stream = online.

Random tables and declarations of every aggregate, played in the order of knowledge, in lots and commits of any size.
"""

import os
import tempfile
from pathlib import Path
from random import Random

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headrace.app.verifying import first_known
from headrace.expressions import col
from headrace.features.frames import Bounds
from headrace.features.plan import FeaturePlan
from headrace.features.replaying.replay import Asked, History, replay
from headrace.features.stores.memory import MemoryStore
from headrace.spec.features import Features
from headrace.spec.sources import File
from headrace.spec.tables import Events

from .naive_features import POLARS, SPINE_TYPES, TYPES, asks, declared, random_questions, random_rows, tables_declared

EXAMPLES = int(40 * float(os.environ.get("HEADRACE_EXAMPLES", "1")))
SCHEMA = {name: POLARS[kind] for name, kind in TYPES.items()}


@st.composite
def declarations(draw):
    """A table, and what is asked of it."""
    declared_as = draw(tables_declared())
    return declared_as, draw(st.lists(asks(declared_as.timed), min_size=1, max_size=5))


def numbered(rows):
    return [row | {"_arrival": number} for number, row in enumerate(rows)]


@given(declarations(), st.integers(0, 2**64))
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
def test_history_is_the_same_in_all_executions(declaration, seed):
    random = Random(seed)
    declared_as, asked = declaration
    table = declared_as.table()
    features = Features(
        spine=Events("q", source=File("q.csv"), time="asked"), given=list(SPINE_TYPES), as_of=col("asked"),
        values={f"v{number}": declared(ask, table) for number, ask in enumerate(asked)},
    )  # fmt: skip
    plan = FeaturePlan.build(features, SPINE_TYPES, {"t": TYPES})
    rows = numbered([row for _ in range(random.choice([1, 5])) for row in random_rows(random)])
    questions = numbered([question for _ in range(random.choice([1, 8])) for question in random_questions(random)])
    spine = pl.LazyFrame(questions, schema={**{name: POLARS[kind] for name, kind in SPINE_TYPES.items()}, "_arrival": pl.Int64})
    moment = first_known(table)
    history = History(plan, spine, {"t": pl.LazyFrame(rows, schema=SCHEMA)}, {} if moment is None else {"t": moment})
    with tempfile.TemporaryDirectory() as folder:
        bounds = Bounds(Path(folder), random.choice([3] + [1 << 20] * 7), random.choice([2, 7, 1 << 18]), 0)
        lots = list(replay(history, Asked(), MemoryStore(), bounds, questions_at_once=random.choice([1, 3, 2048])))
    assert lots[-1].done == lots[-1].total == len(questions)
    for lot in lots:
        assert not [each for each in (*lot.stream, *lot.online) if each.mismatches]
