"""The public names, pinned: adding one is a decision, losing one breaks users."""

import headrace

PINNED = """
Approve Baseline Custom Derived Entity Events Evolve Expr Features File Folder GradientBoosting HoeffdingTree Kafka Learning Logistic
Model OnlineLogistic Outcomes Person Project ProjectHandle Pseudonym REST Replay Retention Ridge SQL Scoring ToKafka ToTable Tune Webhook
__version__ auth between check coalesce col concat count datetime_of days days_of fresh gate haversine_km hours hours_of latest lit load
matches max_of min_of minutes minutes_of not_null one_of paging rows seconds_of split udf unique when window
""".split()


def test_public_names_are_pinned() -> None:
    assert sorted(headrace.__all__) == sorted(PINNED)


def test_every_public_name_is_there_and_documented() -> None:
    for name in headrace.__all__:
        value = getattr(headrace, name)
        assert name == "__version__" or value.__doc__, name


def test_a_misspelt_name_is_an_attribute_error() -> None:
    assert not hasattr(headrace, "Evnts")
