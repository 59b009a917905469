import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from headrace.bundles.profiles import BINS, LEVELS, reference_profile


def test_every_row_is_in_a_bin_or_a_level_or_null():
    n = 1000
    start = datetime(2024, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame({
        "number": [None if i % 10 == 0 else float(i % 97) for i in range(n)],
        "nan": [float("nan") if i % 2 else float(i) for i in range(n)],
        "constant": [1] * n,
        "text": [None if i % 9 == 0 else f"level {i % 80:02d}" for i in range(n)],
        "truth": [i % 3 == 0 for i in range(n)],
        "moment": [start + timedelta(hours=i) for i in range(n)],
        "empty": pl.Series([None] * n, dtype=pl.Float64),
    })  # fmt: skip
    profile = reference_profile(frame, np.linspace(0, 1, n))
    for name, facts in profile["features"].items():
        counted = sum(facts["counts"]) if facts["kind"] == "number" else sum(facts["levels"].values()) + facts["other"]
        assert counted + facts["nulls"] == n, name
    number, text = profile["features"]["number"], profile["features"]["text"]
    assert len(number["counts"]) == len(number["edges"]) + 1 <= BINS
    assert number["edges"] == sorted(set(number["edges"]))
    assert (len(text["levels"]), text["distinct"]) == (LEVELS, 80)
    assert profile["features"]["truth"]["levels"] == {"false": 666, "true": 334}
    assert profile["features"]["moment"]["min"] == start.timestamp()
    assert set(profile["scores"]) == {"score"}


def test_scores_of_classes_are_profiled_by_class():
    profile = reference_profile(pl.DataFrame({"a": [1.0, 2.0]}), np.array([[0.2, 0.8], [0.6, 0.4]]), ("no", "yes"))
    assert profile["scores"]["yes"]["mean"] == 0.6000000000000001


def test_counts_fall_where_a_count_by_hand_puts_them():
    values = np.array([0.0, 1.0, 1.0, 2.0, 5.0, 5.0, 9.0])
    facts = reference_profile(pl.DataFrame({"a": values}), values)["features"]["a"]
    edges = [-np.inf, *facts["edges"], np.inf]
    by_hand = [int(((values >= low) & (values < high)).sum()) for low, high in itertools.pairwise(edges)]
    assert facts["counts"] == by_hand
