"""What counts as a change, and for which steps."""

import shutil
from datetime import UTC, datetime

import polars as pl
import pytest

from headrace.app.prediction_table import PREDICTIONS
from headrace.app.store import lake_of

ALL = {
    "ingest:orders", "ingest:shops", "derive:double", "lookup:late.0", "lookup:late.1", "features:late", "train:late.baseline",
    "train:late.logistic", "evaluate:late", "bundle:late", "judge:late",
}  # fmt: skip
MODEL = {name for name in ALL if name.startswith(("train", "evaluate", "bundle", "judge"))}
END = {"evaluate:late", "bundle:late", "judge:late"}


def changed(before, after):
    return {name for name in before if before[name] != after.get(name)}


def edit(folder, right, wrong):
    path = folder / "project.py"
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), encoding="utf-8")


def test_the_steps_of_a_life(folder, fingerprints):
    found = fingerprints(folder)
    assert set(found) == ALL
    assert len(set(found.values())) == len(ALL)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("FACTOR = 2", "# how much more\n\nFACTOR = 2"),
        ("    return orders.with", "    # twice is enough\n    return  orders.with"),
        ("def doubled(orders, shops):", 'def doubled(orders, shops):\n    """Double them."""'),
        ("candidates=[hr.Baseline(), hr.Logistic(c=1.0)]", "candidates=[hr.Logistic(c=1.0)]"),  # the baseline is always there
        ("[orders, shops], build", "(orders, shops), build"),
        ('over="7d"', 'over="1w"'),
        ('id="order", time="placed")\nshops', 'id=["order"], time="placed")\nshops'),
    ],
)
def test_words_and_ways_of_writing_do_not_count(folder, fingerprints, right, wrong):
    before = fingerprints(folder)
    edit(folder, right, wrong)
    assert changed(before, fingerprints(folder)) == set()


@pytest.mark.parametrize(
    ("right", "wrong", "steps"),
    [
        ('source=hr.File("orders.csv")', 'source=hr.File("orders.csv", null_values="?")', ALL - {"ingest:shops"}),
        ('key="shop")', 'key="shop", expect=[hr.unique("shop")])', ALL - {"ingest:orders"}),
        ("FACTOR = 2", "FACTOR = 3", ALL - {"ingest:orders", "ingest:shops", "lookup:late.0"}),
        ("FACTOR * 1", "FACTOR * 4", ALL - {"ingest:orders", "ingest:shops", "lookup:late.0"}),
        ('over="7d"', 'over="8d"', {"lookup:late.1", "features:late"} | MODEL),
        ('"amount": col("amount")', '"amount": col("amount") * 2', {"features:late"} | MODEL),
        ('"amount": col', '"sum": col', {"features:late"} | MODEL),
        ("c=1.0", "c=2.0", {"train:late.logistic"} | END),
        ('metric="roc_auc"', 'metric="log_loss"', MODEL),
        ('gate.beats("baseline")', 'gate.beats("champion")', END),
        ('test="15d"', 'test="16d"', MODEL),
        ("seed=7", "seed=8", MODEL),
    ],
)
def test_a_change_of_meaning_counts_for_what_depends_on_it_and_nothing_else(folder, fingerprints, right, wrong, steps):
    before = fingerprints(folder)
    edit(folder, right, wrong)
    assert changed(before, fingerprints(folder)) == steps


def test_where_the_project_and_its_files_lie_does_not_count(folder, fingerprints, tmp_path):
    before = fingerprints(folder)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "data").mkdir(parents=True)
    shutil.copy(folder / "project.py", elsewhere)
    shutil.copy(folder / "shops.csv", elsewhere)
    shutil.copy(folder / "orders.csv", elsewhere / "data" / "moved.csv")
    edit(elsewhere, "orders.csv", "data/moved.csv")
    assert fingerprints(elsewhere) == before


def test_the_content_of_a_file_counts(folder, fingerprints):
    before = fingerprints(folder)
    with (folder / "shops.csv").open("a", encoding="utf-8") as file:
        file.write("b,2\n")
    assert changed(before, fingerprints(folder)) == ALL - {"ingest:orders"}


def test_another_model_beside_it_or_before_it_does_not_count(folder, fingerprints):
    before = fingerprints(folder)
    other = 'other = hr.Model("other", features=features, target=col("late"), split=hr.split.random(), candidates=[], metric="roc_auc")\n'
    edit(folder, "project = hr.Project", f"{other}\nproject = hr.Project")
    edit(folder, "models=[late]", "models=[late, other]")
    beside = fingerprints(folder)
    assert changed(before, beside) == set()
    assert beside["features:other"] == beside["features:late"]  # so it is computed once
    edit(folder, "models=[late, other]", "models=[other, late]")
    assert fingerprints(folder) == beside


def test_another_key_makes_other_pseudonyms(folder, fingerprints):
    edit(folder, 'id="order", time="placed")\nshops', 'id="order", time="placed", personal={"shop": hr.Pseudonym()})\nshops')
    edit(folder, 'key="shop")', 'key="shop", personal={"shop": hr.Pseudonym()})')
    edit(
        folder, 'build=doubled, id="order", time="placed")', 'build=doubled, id="order", time="placed", personal={"shop": hr.Pseudonym()})'
    )
    before = fingerprints(folder)
    assert fingerprints(folder) == before
    (folder / ".headrace" / "keys" / "shop.pseudonym.key").unlink()
    assert changed(before, fingerprints(folder)) == ALL


def test_features_from_the_log_follow_the_log_and_look_nothing_up(folder, fingerprints, workspace):
    edit(folder, 'given=["shop"', 'from_log=True, given=["order", "shop"')
    before = fingerprints(folder)
    assert set(before) == ALL - {"lookup:late.0", "lookup:late.1"}
    edit(folder, 'over="7d"', 'over="8d"')
    assert changed(before, fingerprints(folder)) == {"features:late"} | MODEL
    edit(folder, 'over="8d"', 'over="7d"')
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    lake_of(workspace).tables.write(PREDICTIONS, pl.DataFrame({"moment": [moment], "as_of": [moment]}), "append")
    assert changed(before, fingerprints(folder)) == {"features:late"} | MODEL
