"""Candidates that learn by event, from the description to the explained prediction."""

import polars as pl
import pytest

import headrace as hr

from .small_project import write_project


def test_a_model_that_learnt_by_event_is_judged_kept_asked_and_explained(tmp_path):
    path = write_project(tmp_path, days=45)
    text = path.read_text(encoding="utf-8")
    start, end = text.index("candidates=["), text.index("]", text.index("candidates=["))
    path.write_text(text[:start] + "candidates=[hr.HoeffdingTree(grace_period=100, delta=1e-3)" + text[end:], encoding="utf-8")
    project = hr.load(path, environment={"HEADRACE_USER": "ana"})
    try:
        (report,) = project.run().models
        assert [each.name for each in report.candidates if each.progressive is None] == ["baseline"]
        assert report.candidate == "hoeffding_tree"
        found = next(each.progressive for each in report.candidates if each.progressive)
        assert found.rows > 300
        assert found.unlearned > 0
        assert 3_600 < found.waited_seconds < 72 * 3_600
        asked = [piece.asked for piece in found.pieces]
        assert asked == sorted(asked)
        assert project.show("returned") == report
        assert [gate.gate for gate in report.gates]
    finally:
        project.close()
    ben = hr.load(path, environment={"HEADRACE_USER": "ben"})
    try:
        if report.state == "awaiting_approval":
            ben.approve("returned", "looks right")
        questions = tmp_path / "questions.csv"
        questions.write_text("shop,amount,email,placed\ns1,150.0,b4@example.org,2024-02-15T10:00:00Z\n", encoding="utf-8")
        ben.predict("returned", questions, tmp_path / "answers.csv")
        (answer,) = pl.read_csv(tmp_path / "answers.csv").to_dicts()
        told = ben.why(answer["prediction_id"])
        assert told.score == pytest.approx(answer["score"], rel=1e-9)
        raw = told.bias + sum(line.contribution for line in told.features)
        assert 1 / (1 + 2.718281828459045**-raw) == pytest.approx(told.score, abs=1e-9)
    finally:
        ben.close()
