from datetime import timedelta
from decimal import Decimal

from headrace.spec.candidates import Baseline, GradientBoosting, Logistic, Tune
from headrace.training.budget import COST, TIME, Budget, Caps, searched, share_caps


def test_shares_follow_the_number_of_parameters_and_add_up():
    candidates = [Baseline(), Logistic(), GradientBoosting()]
    caps = share_caps(Tune(trials=30, time="60s", cost_usd=Decimal("0.05")), candidates, Decimal("0.00001"))
    assert [caps[name].trials for name in ("baseline", "logistic", "gradient_boosting")] == [1, 6, 24]
    assert caps["logistic"].seconds + caps["gradient_boosting"].seconds == 60
    assert caps["logistic"].cost_usd + caps["gradient_boosting"].cost_usd == Decimal("0.05")
    assert caps["logistic"].usd_per_cpu_second == Decimal("0.00001")


def test_each_candidate_is_tried_once_however_few_the_trials():
    caps = share_caps(Tune(trials=1, time=timedelta(seconds=5)), [Baseline(), Logistic(), GradientBoosting()])
    assert {each.trials for each in caps.values()} == {1}


def test_what_has_nothing_to_search_is_tried_once():
    caps = share_caps(Tune(trials=50), [Logistic(c=1.0), GradientBoosting()])
    assert caps["logistic"].trials == 1


def test_only_ranges_are_searched():
    assert searched(Logistic(c=(1.0, 1.0))) == ()
    assert searched(GradientBoosting(num_leaves=31, rounds=(10, 20))) == ("learning_rate", "min_child_samples", "reg_lambda", "rounds")


def test_cost_is_cpu_seconds_times_the_price():
    used = iter([10.0, 10.9, 11.1])
    budget = Budget(Caps(trials=1, seconds=1e6, cost_usd=Decimal("0.10"), usd_per_cpu_second=Decimal("0.10")), lambda: next(used))
    assert budget.spent() is None
    assert budget.spent() == COST


def test_time_is_spent_when_it_is_over():
    assert Budget(Caps(trials=1, seconds=0.0)).spent() == TIME
    assert Budget(Caps(trials=1, seconds=1e6)).spent() is None
