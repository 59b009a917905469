"""Features verified on a project's own history, and predictions that batch now answers otherwise, explained."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import polars as pl
import pytest

import headrace as hr
from headrace.app.bundles import open_bundle
from headrace.app.champions import champion
from headrace.app.errors import NothingToVerify, NoTimeBetween
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.steps.comparing import newest_tables
from headrace.app.store import lake_of
from headrace.cli import render_verify
from headrace.core.clock import SystemClock
from headrace.features.online import OnlineFeatures
from headrace.features.plan import FeaturePlan
from headrace.features.publish import build_state
from headrace.serving.records import features_json
from headrace.spec.errors import UnknownName

from .command import call, refused
from .command import served as serving

START = datetime(2024, 1, 1, tzinfo=UTC)
PROJECT = """import headrace as hr
from headrace import col

orders = hr.Events("orders", source=hr.File("orders.csv"), id="id", time="placed", known={"late": "settled"})
shops = hr.Entity("shops", source=hr.File("shops.csv"), key="shop")
features = hr.Features(
    spine=orders, as_of=col("placed"), given=["shop", "amount", "placed"],
    values={
        "amount": col("amount"),
        "size": hr.latest(shops, "size", by="shop"),
        "orders_2d": hr.window(orders, hr.count(), by="shop", over="2d"),
        "mean_2d": hr.window(orders, col("amount").mean(), by="shop", over="2d"),
        "late_9d": hr.window(orders, col("late").mean(), by="shop", over="9d", hop="1d"),
        "last": hr.latest(orders, "amount", by="shop"),
    },
)
late = hr.Model("late", features=features, target=col("late"), split=hr.split.by_time(validation="6d", test="6d", purge="1d"),
                candidates=[hr.Logistic(c=1.0)], metric="roc_auc")
project = hr.Project("orders", models=[late], seed=1)
"""


def order(number):
    placed = START + timedelta(hours=2 * number)
    settled = placed + timedelta(hours=30)
    return f"{number},{'abc'[number % 3]},{number % 17 + 1.5},{placed:%Y-%m-%dT%H:%M:%SZ},{settled:%Y-%m-%dT%H:%M:%SZ},{number % 4 == 0}"


def write(folder, orders, sizes=(1, 2, 3)):
    (folder / "orders.csv").write_text("\n".join(["id,shop,amount,placed,settled,late", *orders]) + "\n", encoding="utf-8")
    (folder / "shops.csv").write_text("shop,size\n" + "".join(f"{shop},{size}\n" for shop, size in zip("abc", sizes, strict=True)), "utf-8")


ORDERS = [order(number) for number in range(300)]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A project that has run once, as bytes to begin with: it is copied for each test."""
    folder = tmp_path_factory.mktemp("orders")
    (folder / "project.py").write_text(PROJECT, encoding="utf-8")
    write(folder, ORDERS)
    opened = hr.load(folder, environment={"HEADRACE_USER": "ana"})
    opened.run()
    opened.close()
    return folder


@pytest.fixture
def folder(ran, tmp_path):
    return shutil.copytree(ran, tmp_path / "orders")


@pytest.fixture
def project(folder):
    opened = hr.load(folder, environment={"HEADRACE_USER": "ana"})
    yield opened
    opened.close()


def predict(project, folder, count=30):
    """Predict orders that come next; return the log."""
    asked = [order(number).split(",") for number in range(300, 300 + count)]
    lines = ["shop,amount,placed", *(",".join([shop, amount, placed]) for _, shop, amount, placed, *_ in asked)]
    (folder / "next.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    project.predict("late", folder / "next.csv", folder / "scored.csv")
    return lake_of(project.workspace).tables.scan(PREDICTIONS).collect()


def log_again(project, *, without=(), **changed):
    """Put the log's rows in its place, changed."""
    tables = lake_of(project.workspace).tables
    tables.write(PREDICTIONS, tables.scan(PREDICTIONS).collect().with_columns(**changed).drop(without))


def served(project):
    report = project.verify_features(rows=1)
    (found,) = report.served
    assert found.predictions == found.same + sum(found.explained.values()) + found.unexplained
    assert report.agrees == (found.unexplained == 0)
    return found


def test_a_projects_own_history_is_the_same_in_all_executions(project):
    told = []
    report = project.verify_features(report=lambda *progress: told.append(progress))
    (model,) = report.models
    assert report.agrees
    assert report.served == []
    assert (model.rows, model.first, model.last) == (300, START, START + timedelta(hours=598))
    assert [(table.table, table.rows) for table in model.tables] == [("shops", None), ("orders", 299)]
    assert {each.feature: (each.rows, each.stream, each.online) for each in model.features} == dict.fromkeys(
        ["amount", "size", "orders_2d", "mean_2d", "late_9d", "last"], (300, 0, 0)
    )
    assert [each.nulls for each in model.features] == [0, 0, 0, 3, 18, 3]
    assert told[-1] == ("replay late", 300, 300)
    assert not list((project.settings.home / "scratch").iterdir())
    text = render_verify.verified(report)
    assert "late: 300 questions, as of 2024-01-01 00:00:00 UTC to 2024-01-25 22:00:00 UTC" in text
    assert "Features agree." in text


def test_what_was_served_is_what_batch_says(project, folder):
    predict(project, folder)
    found = served(project)
    assert (found.predictions, found.same, found.explained, found.features) == (30, 30, {}, {})


def test_rows_that_came_in_later_explain_a_difference(project, folder):
    predict(project, folder)
    write(folder, [*ORDERS, *(order(number) for number in range(300, 310))])
    project.run()
    found = served(project)
    assert found.explained == {"late data": 27}  # the first of each shop were asked before any of the ten was known
    assert set(found.features) == {"orders_2d", "mean_2d", "late_9d", "last"}
    example = found.examples[0]
    assert example.served["orders_2d"] < example.batch["orders_2d"]


def test_rows_that_were_corrected_explain_a_difference(project, folder):
    predict(project, folder)
    write(folder, ORDERS, sizes=(1, 2, 9))
    project.run()
    found = served(project)
    assert found.explained == {"corrected rows": 10}
    assert found.features == {"size": 10}


def test_questions_asked_as_of_a_time_to_come_are_explained_by_the_clock(project, folder):
    """The log says when each was made: a moment before some of the rows were known, which batch sees as of the moment that was asked."""
    predict(project, folder)
    before = {"shop": "a", "amount": 1.5, "placed": (START + timedelta(hours=598)).isoformat()}
    values = features_as_of(project, before, START + timedelta(days=10))
    log_again(
        project,
        moment=pl.lit(START + timedelta(days=10)).cast(pl.Datetime("us", "UTC")),
        as_of=pl.lit(START + timedelta(hours=598)).cast(pl.Datetime("us", "UTC")),
        inputs=pl.lit(json.dumps(before)),
        features=pl.lit(values),
    )
    assert served(project).explained == {"clock": 30}


def features_as_of(project, given, known):
    """What a server would have said with a state of a moment, as the log has it."""
    plan = FeaturePlan.from_json(open_bundle(project.workspace, champion(project.workspace, "late").bundle_location).plan)
    online = OnlineFeatures(plan, build_state(plan, newest_tables(project.workspace, plan), known))
    as_of = datetime.fromisoformat(given["placed"])
    return features_json(online.compute({**given, "placed": as_of}, as_of))


STATES = START + timedelta(days=20)


def answered_from_a_state(project, **changed):
    """Have the log say that a server answered from a state of a moment."""
    given = {"shop": "b", "amount": 2.5, "placed": (START + timedelta(hours=598)).isoformat()}
    log_again(
        project,
        as_of=pl.lit(START + timedelta(hours=598)).cast(pl.Datetime("us", "UTC")),
        inputs=pl.lit(json.dumps(given)),
        features=pl.lit(features_as_of(project, given, STATES)),
        source=pl.lit("serve"),
        **changed,
    )


def test_a_state_that_was_published_earlier_explains_a_difference(project, folder):
    predict(project, folder)
    project.publish(STATES + timedelta(days=2))  # since then another one was published: the log says which was read
    answered_from_a_state(project, state=pl.lit(STATES).cast(pl.Datetime("us", "UTC")))
    assert served(project).explained == {"state published earlier": 30}
    log_again(project, state=pl.lit(None, pl.Datetime("us", "UTC")), source=pl.lit("stream"))
    assert served(project).unexplained == 30  # no state was read


def test_a_stream_that_was_not_that_far_explains_a_difference(project, folder):
    """What was answered came from rows up to the watermark; batch has later ones."""
    predict(project, folder)
    watermark = {"orders": (STATES - timedelta(microseconds=1)).isoformat()}
    answered_from_a_state(project, watermarks=pl.lit(json.dumps(watermark)))
    assert served(project).explained == {"stream not that far": 30}
    log_again(project, watermarks=pl.lit(json.dumps({"orders": None})))
    assert served(project).unexplained == 30


def test_of_a_log_that_does_not_say_which_state_was_read_the_published_one_is_tried(project, folder):
    predict(project, folder)
    project.publish(STATES)
    answered_from_a_state(project, without=("state", "watermarks"))
    assert served(project).explained == {"state published earlier": 30}
    predict(project, folder)  # appends to the old log: it gets the columns, and what it has stays
    log = lake_of(project.workspace).tables.scan(PREDICTIONS).collect()
    assert log.select("state", "watermarks").null_count().row(0) == (60, 60)
    assert (served(project).predictions, served(project).explained) == (60, {"state published earlier": 30})


def test_values_that_were_null_since_they_were_too_old_are_explained(project, folder):
    log = predict(project, folder)
    values = [json.loads(text) | {"mean_2d": None, "_stale": {"mean_2d": 7.5}} for text in log["features"]]
    wrong = values[4] | {"last": -1.0}
    log_again(project, features=pl.Series([json.dumps(each) for each in [*values[:4], wrong, *values[5:]]]))
    found = served(project)
    assert (found.explained, found.unexplained) == ({"too old to be served": 23}, 1)  # of the last six the mean is null in batch, too


def test_what_nothing_explains_makes_it_fail(project, folder):
    log = predict(project, folder)
    wrong = json.loads(log["features"][3]) | {"orders_2d": 99}
    log_again(project, features=pl.when(pl.col("id") == log["id"][3]).then(pl.lit(json.dumps(wrong))).otherwise("features"))
    found = served(project)
    assert (found.same, found.unexplained, found.explained, found.features) == (29, 1, {}, {"orders_2d": 1})
    (example,) = found.examples
    assert (example.prediction_id, example.served) == (log["id"][3], {"orders_2d": 99})
    text = render_verify.verified(project.verify_features(rows=1))
    assert "UNEXPLAINED" in text
    assert "orders_2d: served 99; batch now 7" in text
    assert "DISAGREE" in text


def test_predictions_and_questions_of_a_time_are_looked_at(project, folder):
    predict(project, folder)
    now = SystemClock().now()
    nothing = project.verify_features(since=now)
    assert nothing.served == []
    assert "Nothing was compared" in render_verify.verified(nothing)
    with pytest.raises(NoTimeBetween, match="no time lies between"):
        project.verify_features(since=now, until=now)
    report = project.verify_features(since=START + timedelta(days=20), until=now + timedelta(days=1))
    assert report.models[0].rows == 300 - 20 * 12
    assert report.served[0].predictions == 30
    assert msgspec.json.decode(msgspec.json.encode(report))["agrees"]


def test_a_model_that_is_not_there_and_tables_that_are_not_are_told(project, tmp_path):
    with pytest.raises(UnknownName, match="'lat'"):
        project.verify_features("lat")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "project.py").write_text(PROJECT, encoding="utf-8")
    opened = hr.load(tmp_path / "new", environment={"HEADRACE_USER": "ana"})
    try:
        with pytest.raises(NothingToVerify, match="no history to replay"):
            opened.verify_features()
    finally:
        opened.close()


def test_a_server_with_a_state_of_yesterday_is_explained_and_a_changed_log_is_found_out(project, folder):
    """Through the command line and a real server: it answers now from a state that ends after twenty days."""
    moment = (START + timedelta(days=20)).isoformat()
    assert call(folder, "features", "publish", "--as-of", moment).code == 0
    with serving(folder) as url, httpx.Client(base_url=url) as client:
        rows = [{"shop": shop, "amount": 5.0, "placed": moment} for shop in "abc"]
        assert client.post("/predict", json={"rows": rows}).status_code == 200
    said = call(folder, "verify", "features", "--model", "late", "--rows", "20")
    assert said.code == 0, said.err
    assert "late: 20 questions" in said.out
    assert "served by late@1: 3 predictions, 0 from the features that batch has now" in said.out
    assert "3  state published earlier" in " ".join(said.out.split(" "))

    log_again(project, features=pl.col("features").str.replace('"amount":5.0', '"amount":6.0', literal=True))
    said = call(folder, "verify", "features", "--rows", "20", "--json")
    assert said.code == 1
    (version,) = json.loads(said.out)["served"]
    assert (version["unexplained"], version["features"]["amount"]) == (3, 3)
    assert refused(folder, "verify", "features", "--since", "2024-01-01").startswith("error: '2024-01-01' has no time zone")
