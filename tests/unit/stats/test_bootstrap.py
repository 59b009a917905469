import time

import numpy as np
import pytest

from headrace.stats.bootstrap import Interval, bonferroni_level, bootstrap, paired_difference, replicates_for, resamples
from headrace.stats.measures import average_precision, mae, mean_of, recall, roc_auc


def test_the_interval_of_a_mean_is_the_textbooks():
    values = np.random.default_rng(0).normal(10, 2, 4_000)
    interval = bootstrap({"mean": mean_of(values)}, len(values), seed=1)["mean"]
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert interval.value == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=0.4 * error)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=0.4 * error)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    generator = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        interval = bootstrap({"mean": mean_of(generator.normal(size=80))}, 80, seed=seed, level=0.9)["mean"]
        covered += interval.low <= 0.0 <= interval.high
    assert 165 <= covered <= 195


def test_the_same_arguments_give_the_same_interval():
    values = np.arange(50.0)
    first, again, other = (bootstrap({"m": mean_of(values)}, 50, seed=seed)["m"] for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_resample_weighs_as_much_as_the_rows():
    assert [weights.sum() for weights in resamples(30, 5, seed=0)] == [30.0] * 5


def test_a_wider_level_needs_more_replicates():
    assert replicates_for(0.95) == 200
    assert replicates_for(0.99) == 1_000
    assert replicates_for(bonferroni_level(5)) == 1_000


def test_looks_share_the_error_that_is_allowed():
    assert bonferroni_level(1) == pytest.approx(0.95)
    assert bonferroni_level(10) == pytest.approx(0.995)


def test_what_is_undefined_has_no_interval():
    assert bootstrap({"recall": recall(np.zeros(5), np.ones(5))}, 5, seed=0)["recall"] == Interval(None, None, None)
    assert bootstrap({"mean": mean_of(np.zeros(0))}, 0, seed=0)["mean"] == Interval(None, None, None)


def test_paired_rows_tell_apart_what_unpaired_intervals_do_not():
    generator = np.random.default_rng(0)
    target = generator.normal(size=500) * 10
    noise = generator.normal(size=500)
    worse, better = mae(target, target + noise * 1.1), mae(target, target + noise)
    alone = bootstrap({"worse": worse, "better": better}, 500, seed=0)
    assert alone["worse"].low < alone["better"].high
    difference = paired_difference(worse, better, 500, seed=0)
    assert 0 < difference.low < difference.value < difference.high


def test_a_replicate_does_not_sort_again():
    generator = np.random.default_rng(0)
    target, scores = (generator.random(40_000) < 0.2).astype(float), generator.random(40_000)
    weights = next(resamples(40_000, 1, seed=0))

    def thread_seconds(work):
        started = time.thread_time()
        for _ in range(10):
            work()
        return time.thread_time() - started

    for prepare in (average_precision, roc_auc):
        prepared = prepare(target, scores)
        assert thread_seconds(lambda: prepared(weights)) < thread_seconds(lambda: prepare(target, scores)) / 2  # noqa: B023


def test_luck_seldom_passes_for_average_precision():
    target = np.repeat([1.0, 0.0], [20, 200])
    constant = average_precision(target, np.zeros(220))
    lucky = 0
    for seed in range(40):
        guessed = average_precision(target, np.random.default_rng(seed).random(220))
        lucky += paired_difference(guessed, constant, 220, seed=seed).low > 0
    assert lucky <= 1  # by percentiles it is 5, and should be 1
