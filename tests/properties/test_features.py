"""The law of features: batch = online = what DESIGN says, row by row.

The reference is in `naive_features`. `HEADRACE_EXAMPLES` multiplies the number of examples.
"""

import os
import tempfile
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.expressions import col
from headrace.features.batch import compute
from headrace.features.bucketed import compute_frames
from headrace.features.frames import Bounds
from headrace.features.online import OnlineFeatures
from headrace.features.plan import FeaturePlan
from headrace.features.publish import build_state
from headrace.spec.features import Features
from headrace.spec.sources import File
from headrace.spec.tables import Events

from .naive_features import (
    HOUR,
    POLARS,
    SPINE_TYPES,
    TYPES,
    declarations,
    declared,
    random_moment,
    random_questions,
    random_rows,
    reference,
    same,
)  # fmt: skip

EXAMPLES = int(160 * float(os.environ.get("HEADRACE_EXAMPLES", "1")))


@given(declarations(most=8), st.integers(0, 2**64))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_batch_and_online_are_the_reference(declaration, seed):
    random = Random(seed)
    declared_as, wanted = declaration
    rows, questions, moment = random_rows(random), random_questions(random), random_moment(random)
    table = declared_as.table()
    features = Features(
        spine=Events("q", source=File("q.csv"), time="asked"), given=list(SPINE_TYPES), as_of=col("asked"),
        values={name: declared(ask, table) for name, ask in wanted.items()},
    )  # fmt: skip
    plan = FeaturePlan.from_json(FeaturePlan.build(features, SPINE_TYPES, {"t": TYPES}).to_json())
    spine = pl.LazyFrame(questions, schema={name: POLARS[kind] for name, kind in SPINE_TYPES.items()})
    tables = {"t": pl.LazyFrame(rows, schema={name: POLARS[kind] for name, kind in TYPES.items()})}

    def check(execution, answers, ask_as_of, published=None):
        for question, answer in zip(questions, answers, strict=True):
            as_of = ask_as_of(question)
            for name, ask in wanted.items():
                expected = reference(ask, rows, declared_as, question, as_of, published)
                assert same(ask.kind, expected, answer[name]), (execution, declared_as, ask, question, as_of, expected, answer[name])

    check("batch", compute(plan, spine, tables).to_dicts(), lambda question: question["asked"])
    if random.randrange(4) == 0:  # files are most of what an example takes
        with tempfile.TemporaryDirectory() as folder:
            at_once, frame_rows, few_rows = (random.randint(*limits) for limits in ((1, 6), (1, 4), (0, 6)))
            bounds = Bounds(Path(folder), at_once, frame_rows, few_rows)
            check("bucketed", pl.concat(compute_frames(plan, spine, tables, bounds)).to_dicts(), lambda question: question["asked"])
            frames = pl.concat(compute_frames(plan, spine, tables, bounds, as_of=moment))
            check("bucketed replay", frames.to_dicts(), lambda question: moment)
            assert not list(Path(folder).iterdir())
    check("replay", compute(plan, spine, tables, as_of=moment).to_dicts(), lambda question: moment)
    online = OnlineFeatures(plan, build_state(plan, tables, as_of=moment))
    check("online", [online.compute(question, moment) for question in questions], lambda question: moment)
    later = random.choice([0, 1, 3, 30]) * HOUR
    check("later", [online.compute(question, moment + later) for question in questions], lambda question: moment + later, moment)
    check("never", [online.compute(question, None) for question in questions], lambda question: None)


def test_the_comparison_can_fail():
    assert not same("sum", 1.0, 1.0 + 1e-8)
    assert not same("latest", 1.0, 1.0 + 1e-12)
    assert not same("count", 0, None)
    assert not same("count", 1, True)
    with pytest.raises(AssertionError):
        assert same("first", "a", "b")
