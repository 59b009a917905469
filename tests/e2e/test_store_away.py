"""A lake in a bucket whose store goes away while its tables are read: one message, the documented exit code; later the work is done."""

import re
import time
from pathlib import Path

import pytest
from services.s3 import S3

from headrace.app import predicting

from .command import Said, ask, call, run_command, started
from .small_project import write_project

WAITING = """def with_region(orders: pl.LazyFrame, shops: pl.LazyFrame) -> pl.LazyFrame:
    import pathlib, time

    pathlib.Path("reached").touch()
    while not pathlib.Path("away").exists():
        time.sleep(0.01)
"""


def of_the_store(said: Said, action: str, place: str) -> None:
    assert said.code == 3, said
    assert len(re.findall("^error: ", said.err, re.MULTILINE)) == 1
    assert re.search(f"{action} {re.escape(place)}", said.err), said.err
    assert "Connection refused" in said.err
    assert "can be reached" in said.err
    assert "defect" not in said.err


def test_a_run_a_prediction_and_a_question_while_the_store_is_away(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = write_project(tmp_path / "returns")
    folder, text = project.parent, project.read_text(encoding="utf-8")
    lake, options = f"{s3.bucket()}/team", s3.environment
    variables = {"HEADRACE_LAKE": lake, **options}
    head = WAITING.splitlines()[0]
    assert head in text
    project.write_text(text.replace(head, WAITING), encoding="utf-8")
    with started(folder, "run", **variables) as process:
        while not (folder / "reached").exists():
            assert process.poll() is None
            time.sleep(0.01)
        s3.stop()
        try:
            (folder / "away").touch()
            out, err = process.communicate()
        finally:
            s3.start()
    # It was tried again, and then the table could not even be opened.
    of_the_store(Said(process.returncode, out, err), "could not open the table at", f"{lake}/lake/returns/")
    assert "step 'derive:orders' failed" in err
    run_command(project, "run", **variables)
    run_command(project, "approve", "returned", "--comment", "fine", user="ben", **variables)
    (folder / "ask.csv").write_text("shop,amount,email,placed\ns1,150.0,b4@example.org,2024-03-31T12:00:00Z\n", encoding="utf-8")

    real = predicting.newest_tables

    def then_away(*arguments: object) -> object:
        found = real(*arguments)
        s3.stop()
        return found

    monkeypatch.setattr(predicting, "newest_tables", then_away)  # the real one runs, then the real server is stopped
    try:
        of_the_store(call(folder, "predict", "returned", "ask.csv", "out.csv", **variables), "could not read", f"{lake}/lake/returns/")
        assert not (folder / "out.csv").exists()
        assert ask(folder, "show", "orders", **variables).code == 0, "it is asked of the ledger"
        asked = ask(folder, "why", "prd_01m80zw07a4ktxednfy7hy5exh", **variables)
        of_the_store(asked, "could not open the table at", f"{lake}/lake/returns/predictions.log")
    finally:
        s3.start()
    monkeypatch.undo()
    run_command(project, "predict", "returned", "ask.csv", "out.csv", **variables)
    assert len((folder / "out.csv").read_text(encoding="utf-8").splitlines()) == 2
