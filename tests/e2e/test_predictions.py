"""Files and requests predicted, and every prediction walked back."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

import headrace as hr
from headrace.app import prediction_table
from headrace.app.prediction_table import PREDICTIONS, LakeSink
from headrace.app.store import lake_of
from headrace.core.errors import SystemFault
from headrace.core.ids import new_id
from headrace.lake.errors import LakeFault
from headrace.lake.tables import Tables
from headrace.ledger import audit
from headrace.ledger.errors import LedgerUnreachable
from headrace.serving.records import PredictionBatch, PredictionRecord, UsageWindow

from .command import COMMAND, call, environment, refused, run_command, served
from .small_project import PROJECT, write_project

ROWS = """shop,amount,email,placed
s1,150.0,b4@example.org,2024-03-31T12:00:00Z
s2,10.0,b5@example.org,2024-03-31T13:00:00Z
s9,70.5,,2024-03-31T14:00:00Z
"""


@pytest.fixture(scope="module")
def champion(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the trained project whose model Ben has approved."""
    folder = tmp_path_factory.mktemp("champion") / "returns"
    shutil.copytree(trained.parent, folder)
    run_command(folder / "project.py", "approve", "returned", "--comment", "good enough for the pilot", user="ben")
    (folder / "ask.csv").write_text(ROWS, encoding="utf-8")
    return folder / "project.py"


def test_formats_agree(champion: Path) -> None:
    there = champion.parent
    rows = pl.read_csv(there / "ask.csv", try_parse_dates=True)
    rows.write_parquet(there / "ask.parquet")
    rows.with_columns(pl.col("placed").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).write_ndjson(there / "ask.jsonl")
    for name in ("ask.csv", "ask.parquet", "ask.jsonl"):
        assert "3 rows predicted by returned@1" in run_command(champion, "predict", "returned", name, f"{name}.out.parquet").out
    found = [pl.read_parquet(there / f"{name}.out.parquet") for name in ("ask.csv", "ask.parquet", "ask.jsonl")]
    assert found[0]["score"].to_list() == found[1]["score"].to_list() == found[2]["score"].to_list()
    assert found[0]["shop"].to_list() == ["s1", "s2", "s9"]
    assert len({name for each in found for name in each["prediction_id"]}) == 9


@pytest.mark.parametrize(
    ("text", "output", "told"),
    [
        (ROWS, "out.xlsx", "Name a file that ends in .csv or .parquet."),
        (ROWS.replace("amount", "amout"), "out.csv", "Did you mean 'amout'?"),
        (ROWS.replace("10.0", "ten"), "out.csv", "row 2: 'amount' cannot be 'ten'"),
        (ROWS.replace("2024-03-31T13:00:00Z", "yesterday"), "out.csv", "row 2: 'placed' cannot be 'yesterday'"),
        ("", "out.csv", "is empty"),
        (ROWS.replace("10.0", "1O.0").replace("12:00", "12:61"), "out.csv", "row 2: 'amount' cannot be '1O.0'"),
    ],
)
def test_rows_that_cannot_be_answered_are_told_and_nothing_is_written(champion: Path, text: str, output: str, told: str) -> None:
    (champion.parent / "bad.csv").write_text(text, encoding="utf-8")
    assert told in refused(champion.parent, "predict", "returned", "bad.csv", output)
    assert not (champion.parent / "out.xlsx").exists()
    assert not (champion.parent / "out.csv").exists()
    assert not list(champion.parent.glob(".*.part"))


def test_no_rows_give_no_answers(champion: Path) -> None:
    (champion.parent / "none.csv").write_text(ROWS.splitlines()[0] + "\n", encoding="utf-8")
    assert run_command(champion, "predict", "returned", "none.csv", "none.out.csv").out.startswith("0 rows")
    assert pl.read_csv(champion.parent / "none.out.csv").columns[-3:] == ["prediction_id", "score", "decision"]


def test_a_file_that_is_not_there_is_told(champion: Path) -> None:
    assert "there is no file" in refused(champion.parent, "predict", "returned", "nowhere.csv", "out.csv")


def test_texts_that_look_like_numbers_are_asked_as_they_are_written(tmp_path: Path) -> None:
    """Shop 1.50 was trained as a text; a file in which every shop looks like a number still asks about 1.50."""
    project = write_project(tmp_path / "returns")
    for name in ("orders.csv", "shops.csv"):
        text = (project.parent / name).read_text(encoding="utf-8").replace("s0,", "A,").replace("s1,", "1.50,")
        (project.parent / name).write_text(text, encoding="utf-8")
    project.write_text(PROJECT.replace('    approve=hr.Approve(role="reviewer"),\n', ""), encoding="utf-8")
    run_command(project, "run")
    (project.parent / "ask.csv").write_text(ROWS.replace("s1,", "1.50,").replace("s2,", "1.50,").replace("s9,", "1.50,"), encoding="utf-8")
    run_command(project, "predict", "returned", "ask.csv", "out.parquet")
    name = pl.read_parquet(project.parent / "out.parquet")["prediction_id"][0]
    report = json.loads(run_command(project, "why", name, "--json").out)
    assert report["inputs"]["shop"] == "1.50"
    assert next(each["value"] for each in report["features"] if each["name"] == "size") is not None


def test_a_served_prediction_is_explained(champion: Path) -> None:
    question = {"shop": "s1", "amount": 150.0, "email": "b4@example.org", "placed": "2024-03-31T12:00:00Z"}
    with served(champion.parent, "--as-of", "2024-03-31T12:00:00Z") as url:
        answer = httpx.post(f"{url}/predict?features=true", json=question).json()["predictions"][0]
        wrong = httpx.post(f"{url}/predict", json={**question, "amout": 1})
        assert wrong.status_code == 422
        assert "'amout'" in wrong.json()["error"]["message"]
        assert "amount" in wrong.json()["error"]["remedy"]
    said = run_command(champion, "why", answer["prediction_id"]).out
    assert "by serve, as of 2024-03-31 12:00:00 UTC" in said
    assert "approved" not in said.split("approvals")[0]
    assert "ben (reviewer)" in said
    assert "good enough for the pilot" in said
    report = json.loads(run_command(champion, "why", answer["prediction_id"], "--json").out)
    assert {each["name"]: each["value"] for each in report["features"]} == answer["features"]
    assert report["score"] == answer["score"]
    assert report["inputs"]["email"].startswith("pn_")
    assert [table["name"] for table in report["tables"]] == ["orders", "orders_raw", "shops"]
    costs = json.loads(run_command(champion, "cost", "--json").out)
    by_source = {each["source"]: each for each in costs["served"]}
    assert {each["version"] for each in costs["served"]} == {"returned@1"}
    assert by_source["serve"]["predictions"] == 1
    assert report["per_thousand_usd"] == by_source["serve"]["per_thousand_usd"]


def test_a_constant_model_is_explained_by_where_it_starts_from(tmp_path: Path) -> None:
    project = write_project(tmp_path / "returns", days=60)
    text = PROJECT.replace('    approve=hr.Approve(role="reviewer"),\n', "")
    start, end = text.index("    candidates=["), text.index("    tune=")
    text = text[:start] + "    candidates=[hr.Baseline()],\n" + text[end:]
    start, end = text.index("    gates=["), text.index(")\n\nproject =")
    project.write_text(text[:start] + text[end:], encoding="utf-8")
    run_command(project, "run")
    (project.parent / "ask.csv").write_text(ROWS, encoding="utf-8")
    run_command(project, "predict", "returned", "ask.csv", "out.csv")
    name = pl.read_csv(project.parent / "out.csv")["prediction_id"][0]
    report = json.loads(run_command(project, "why", name, "--json").out)
    assert {each["contribution"] for each in report["features"]} == {0.0}
    assert report["bias"] != 0.0


def test_costs_add_up_to_the_same_whichever_way_they_are_grouped(champion: Path) -> None:
    run_command(champion, "predict", "returned", "ask.csv", "scored.csv")
    reports = [json.loads(run_command(champion, "cost", "--by", by, "--json").out) for by in ("run", "step", "model")]
    totals = {Decimal(report["total_usd"]) for report in reports}
    assert len(totals) == 1
    assert all(sum(Decimal(line["amount_usd"]) for line in report["lines"]) == Decimal(report["total_usd"]) for report in reports)
    assert {line["name"] for line in reports[0]["lines"]} > {"predictions"}


def test_a_changed_ledger_is_found_out(copied: Path) -> None:
    assert "The audit is whole" in run_command(copied, "audit", "verify").out
    with sqlite3.connect(copied.parent / ".headrace" / "ledger.db") as database:
        database.execute("DROP TRIGGER IF EXISTS audit_is_append_only")
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE audit SET actor = 'eve' WHERE sequence = 3")
    database.close()
    said = call(copied.parent, "audit", "verify")
    assert said.code == 1
    assert "THE AUDIT IS BROKEN: row 3 is not what was written" in said.out


def test_a_batch_whose_store_failed_after_it_kept_it_is_kept_once(champion: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(champion.parent, tmp_path / "returns")
    handle = hr.load(tmp_path / "returns" / "project.py", environment={"HEADRACE_USER": "ana"})
    moment = handle.workspace.clock.now()
    record = PredictionRecord(
        id=new_id("prd", moment), moment=moment, as_of=moment, model="returned", version="1", inputs={}, features={}, scores=(0.5,),
        decision=True, seconds=0.0, state=moment, watermarks={"orders": moment, "shops": None},
    )  # fmt: skip
    batch = PredictionBatch(new_id("bat", moment), (record,), UsageWindow(1, 0.1, 0.1))
    sink, write, record_use = LakeSink(handle.workspace, "serve"), Tables.write, prediction_table.record_use

    def loses_its_answer(*arguments: Any, **named: Any) -> None:
        write(*arguments, **named)
        raise LakeFault("write the table at", "the log", "the connection was cut")

    def loses_its_commit(*arguments: Any, **named: Any) -> None:
        record_use(*arguments, **named)
        raise LedgerUnreachable("the ledger", "the connection was cut")

    for owner, name, fault in ((Tables, "write", loses_its_answer), (prediction_table, "record_use", loses_its_commit)):
        with monkeypatch.context() as place:
            place.setattr(owner, name, fault)
            with pytest.raises(SystemFault):
                sink.write(batch)
    sink.write(batch)
    log = lake_of(handle.workspace).tables.scan(PREDICTIONS).filter(pl.col("id") == record.id).collect()
    with handle.workspace.ledger.read() as session:
        kept = [row for row in audit.entries(session, subject=batch.id) if row.action == "predictions.log"]
    handle.close()
    assert log["state"].to_list() == [moment]
    assert json.loads(log["watermarks"].item()) == {"orders": moment.isoformat().replace("+00:00", "Z"), "shops": None}
    assert len(kept) == 1


WITHOUT_RIGHTS = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []


@pytest.fixture
def lake_of_its_own(champion: Path, tmp_path: Path) -> Iterator[Path]:
    """The lake of a copy of the project; what a test closed is open again at the end."""
    if WITHOUT_RIGHTS and shutil.which("setpriv") is None:
        pytest.skip("root may write anywhere, and setpriv, which takes that right away, is not here")
    shutil.copytree(champion.parent, tmp_path / "returns")
    lake = tmp_path / "returns" / ".headrace" / "lake"
    yield lake
    may_be_written(lake, True)


def may_be_written(folder: Path, may: bool) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755 if may else 0o555)


@contextmanager
def server_without_rights(lake: Path) -> Iterator[subprocess.Popen[str]]:
    command = [*WITHOUT_RIGHTS, *COMMAND, "serve", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=lake.parents[1], env=environment(), stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_lake_that_cannot_be_written_is_not_served_from(lake_of_its_own: Path) -> None:
    may_be_written(lake_of_its_own, False)
    with server_without_rights(lake_of_its_own) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, "")
    assert err.startswith(
        f"error: nothing is served, as no prediction could be logged: {lake_of_its_own} cannot be written or opened: Perm"
    )
    assert "let this user write there" in err


def test_a_lake_that_cannot_be_written_for_a_while_is_told_of_once_and_loses_nothing(lake_of_its_own: Path) -> None:
    with server_without_rights(lake_of_its_own) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = next(match.group() for line in process.stdout if (match := re.search(r"http://[\w.:]+", line)))
        may_be_written(lake_of_its_own, False)
        row = {"shop": "s1", "amount": 150.0, "email": None, "placed": "2024-03-31T12:00:00Z"}
        answers = [httpx.post(f"{url}/predict", json=row).json()["predictions"][0]["prediction_id"] for _ in range(2)]
        first = process.stderr.readline()
        while httpx.get(f"{url}/metadata").json()["prediction_log"]["failures"] < 4:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        may_be_written(lake_of_its_own, True)
        _, later = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"will be tried again: {lake_of_its_own}" in first
    assert "Permission denied" in first
    assert re.fullmatch(r"predictions are logged again; \d (was|were) waiting\n", later)
    for answer in answers:
        assert answer in call(lake_of_its_own.parents[1], "why", answer).out
