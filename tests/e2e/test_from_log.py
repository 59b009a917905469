"""Models that learn from features as they were served and logged."""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import headrace as hr
from headrace.app.bundles import open_bundle
from headrace.app.errors import NothingLogged, TooFewServed
from headrace.app.handle import ProjectHandle
from headrace.app.models import model_report
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.reports import RunReport
from headrace.app.served_log import log_state
from headrace.app.store import lake_of
from headrace.engine.errors import StepFailed
from headrace.ledger import models

START = datetime(2024, 1, 1, tzinfo=UTC)
PROJECT = """import headrace as hr
from headrace import col

orders = hr.Events("orders", source=hr.File("orders.csv"), id="order", time="placed", known={"late": "settled"})
shops = hr.Entity("shops", source=hr.File("shops.csv"), key="shop")
features = hr.Features(
    spine=orders, as_of=col("placed"), given=["order", "shop", "amount", "placed"],
    values={
        "amount": col("amount"),
        "size": hr.latest(shops, "size", by="shop"),
        "orders_2d": hr.window(orders, hr.count(), by="shop", over="2d"),
    },
)
late = hr.Model("late", features=features, target=col("late"), split=hr.split.by_time(validation="4d", test="4d"),
                candidates=[hr.Baseline()], metric="roc_auc")
project = hr.Project("orders", models=[late], seed=1)
"""
LEFT_OUT = "left out: "


def order(number: int, answered: bool = True) -> str:
    placed = START + timedelta(hours=2 * number)
    settled = f"{placed + timedelta(hours=30):%Y-%m-%dT%H:%M:%SZ}" if answered else ""
    late = number % 4 == 0 if answered else ""
    return f"{number},{'abc'[number % 3]},{number % 17 + 1.5},{placed:%Y-%m-%dT%H:%M:%SZ},{settled},{late}"


def write(folder: Path, orders: Iterable[str], sizes: tuple[int, int, int] = (1, 2, 3)) -> None:
    (folder / "orders.csv").write_text("\n".join(["order,shop,amount,placed,settled,late", *orders]) + "\n", encoding="utf-8")
    (folder / "shops.csv").write_text("shop,size\n" + "".join(f"{shop},{size}\n" for shop, size in zip("abc", sizes, strict=True)), "utf-8")


def edit(folder: Path, right: str, wrong: str) -> None:
    path = folder / "project.py"
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), encoding="utf-8")


def take_from_log(folder: Path) -> None:
    edit(folder, "spine=orders,", "spine=orders, from_log=True,")


@contextmanager
def opened(folder: Path) -> Iterator[ProjectHandle]:
    project = hr.load(folder, environment={"HEADRACE_USER": "ana"})
    try:
        yield project
    finally:
        project.close()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has learned from history once and answered the next 160 orders, as bytes to begin with: it is copied for each test."""
    folder = tmp_path_factory.mktemp("orders")
    (folder / "project.py").write_text(PROJECT, encoding="utf-8")
    write(folder, map(order, range(200)))
    with opened(folder) as project:
        project.run()
        predict(project, folder, range(200, 360))
    return folder


@pytest.fixture
def folder(ran: Path, tmp_path: Path) -> Path:
    return shutil.copytree(ran, tmp_path / "orders")


def predict(project: ProjectHandle, folder: Path, orders: Iterable[int]) -> None:
    lines = ["order,shop,amount,placed", *(",".join(order(number).split(",")[:4]) for number in orders)]
    (folder / "next.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    project.predict("late", folder / "next.csv", folder / "scored.csv")


def log_again(project: ProjectHandle, **changed: pl.Expr) -> None:
    """Put the log's rows in its place, changed."""
    tables = lake_of(project.workspace).tables
    tables.write(PREDICTIONS, tables.scan(PREDICTIONS).collect().with_columns(**changed))


def said(report: RunReport, step: str = "features:late") -> str:
    (line,) = [each for each in report.steps if each.name == step]
    return line.summary


def taken(project: ProjectHandle) -> pl.DataFrame:
    return lake_of(project.workspace).tables.scan("features/late").collect()


def test_what_was_served_is_learned_from(folder: Path) -> None:
    take_from_log(folder)
    # Batch has other sizes by now, five orders are not settled, and of the last ten that were asked about nothing has come.
    write(folder, [*map(order, range(345)), *(order(number, answered=False) for number in range(345, 350))], sizes=(7, 8, 9))
    with opened(folder) as project:
        predict(project, folder, range(200, 230))
        served = lake_of(project.workspace).tables.scan(PREDICTIONS).collect().sort("moment", "id")
        report = project.run()
        assert said(report) == (
            "3 features of 150 rows from version 1 of the log (late@1: 150, 5 without an answer yet); left out: "
            "10 predictions about a row that is not there yet, 30 predictions about a row that was asked about before"
        )
        rows = taken(project)
        assert rows["_arrival"].to_list() == list(range(200, 350))
        assert rows["_prediction"].to_list() == served["id"].to_list()[:150]
        assert rows["_served_as_of"].to_list() == [START + timedelta(hours=2 * number) for number in range(200, 350)]
        logged = [json.loads(text) for text in served["features"].to_list()[:150]]
        assert rows.select("amount", "size", "orders_2d").to_dicts() == logged
        assert set(rows["size"]) == {1, 2, 3}
        with project.workspace.ledger.read() as session:
            version = models.latest(session, "orders", "late")
            assert version is not None
            told = model_report(session, project.workspace.project, version).served_features
        assert told is not None
        assert said(report).endswith(told)
        card = open_bundle(project.workspace, version.bundle_location or "").card
        assert "features as they were served" in card
        assert "30 logged predictions are left out: about a row that was asked about before." in card

        state = log_state(project.workspace)
        assert lake_of(project.workspace).upkeep(PREDICTIONS).compact(2) is not None
        assert log_state(project.workspace) != state
        assert project.run().run_id is None  # the files of the log are others, its predictions are not
        project.gc(timedelta(0))
        assert project.run().run_id is None
        assert taken(project).height == 150

    # A feature less: what was logged with it will do. The champion has it still, from history.
    edit(folder, '        "size": hr.latest(shops, "size", by="shop"),\n', "")
    with opened(folder) as project:
        report = project.run()
        assert said(report).startswith("2 features of 150 rows from version 2 of the log (late@1: 150, 5")
        assert said(report, "evaluate:late").endswith("look 2; for late@2 size from history: not logged with these rows' features")


SAME = """seldom = hr.Model(
    "seldom", features=hr.Features(spine=orders, as_of=features.as_of, given=features.given, values=features.values, from_log=True),
    target=~col("late"), split=hr.split.random(validation=0.2, test=0.2), candidates=[hr.Baseline()], metric="roc_auc")
project = hr.Project("orders", models=[late, seldom], seed=1)
"""


def test_what_another_model_was_served_is_learned_from_where_its_features_are_the_same(folder: Path) -> None:
    with (folder / "project.py").open("a", encoding="utf-8") as file:
        file.write(SAME)
    write(folder, map(order, range(360)))
    with opened(folder) as project:
        report = project.run()
    assert said(report, "features:late") == "3 features of 360 rows"
    assert said(report, "features:seldom") == "3 features of 160 rows from version 0 of the log (late@1: 160)"


def test_predictions_whose_features_meant_something_else_are_left_out(folder: Path) -> None:
    take_from_log(folder)
    edit(folder, 'over="2d"', 'over="3d"')
    write(folder, map(order, range(360)))
    with opened(folder) as project, pytest.raises(StepFailed) as caught:
        project.run()
    assert isinstance(caught.value.cause, TooFewServed)
    assert str(caught.value.cause).endswith(
        "0 rows from version 0 of the log; left out: 160 predictions made from features that are declared otherwise now."
        "\n  Serve on until more predictions have their answers, and train from history meanwhile: take from_log=True away."
    )


def test_questions_without_a_name_and_values_that_were_too_old(folder: Path) -> None:
    take_from_log(folder)
    write(folder, map(order, range(360)))
    with opened(folder) as project:
        early, number = pl.int_range(pl.len()) < 20, pl.int_range(pl.len())
        log_again(
            project,
            inputs=pl.when(early).then(pl.col("inputs").str.replace('"order":[0-9]+,', "")).otherwise("inputs"),
            features=pl.when(number >= 150)
            .then(pl.col("features").str.replace(r'"size":\d', '"size":null').str.replace(r"\}$", ',"_stale":{"size":9.5}}'))
            .otherwise(pl.col("features").str.replace(r"\}$", ',"gone":null,"_stale":{"gone":9.5}}')),  # of a feature that is no more
        )
        assert said(project.run()) == (
            "3 features of 140 rows from version 1 of the log (late@1: 140, 10 with a value that was too old to be served); left out: "
            "20 predictions of a question that did not say which row it is about"
        )
        assert taken(project)["size"].is_null().to_list() == [False] * 130 + [True] * 10


def test_what_was_taken_stays_when_a_rule_deletes_predictions_and_the_next_run_takes_what_is_left(folder: Path) -> None:
    take_from_log(folder)
    write(folder, map(order, range(360)))
    edit(folder, "seed=1)", 'seed=1, retention=hr.Retention(predictions="90d"))')
    with opened(folder) as project:
        old = pl.when(pl.int_range(pl.len()) < 40).then(pl.lit(START)).otherwise("moment").cast(pl.Datetime("us", "UTC"))
        log_again(project, moment=old)
        project.run()
        project.gc(timedelta(0))
        assert lake_of(project.workspace).tables.scan(PREDICTIONS).collect().height == 120
        assert taken(project).height == 160
        assert said(project.run()) == "3 features of 120 rows from version 2 of the log (late@1: 120)"


def test_a_few_predictions_are_told_as_that(folder: Path) -> None:
    take_from_log(folder)
    write(folder, map(order, range(205)))
    with opened(folder) as project, pytest.raises(StepFailed) as caught:
        project.run()
    assert isinstance(caught.value.cause, TooFewServed)
    assert "that is too little: the split leaves no rows for" in str(caught.value.cause)
    assert "Taken: 5 rows from version 0 of the log (late@1: 5); left out: 155 predictions about" in str(caught.value.cause)


def test_nothing_was_logged_yet(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(PROJECT, encoding="utf-8")
    take_from_log(tmp_path)
    write(tmp_path, map(order, range(5)))
    with opened(tmp_path) as project:
        assert "features:late" in project.plan().to_run
        with pytest.raises(NothingLogged, match="no prediction is logged yet"):
            project.run()
