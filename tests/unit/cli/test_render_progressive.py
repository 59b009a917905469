"""Curves of progressive validation as people read them."""

from datetime import UTC, datetime, timedelta

import msgspec

from headrace.app.reports import CandidateLine, MeasuredLine, PieceLine, ProgressiveLine
from headrace.cli import render
from headrace.cli.render_progressive import curves

from .test_render import MODEL

START = datetime(2024, 1, 1, tzinfo=UTC)


def candidate(name, values, timed=True):
    pieces = [PieceLine(asked=START + timedelta(days=day) if timed else None, rows=50, value=value) for day, value in enumerate(values)]
    found = ProgressiveLine(
        metric="roc_auc", value=values[-1], rows=50 * len(values), unlearned=3, waited_seconds=5400.0 if timed else None, pieces=pieces
    )
    measured = MeasuredLine(metric="roc_auc", value=0.5, low=0.4, high=0.6)
    return CandidateLine(name=name, measured=measured, trials=1, seconds=1.0, chosen=False, progressive=found)


def of(*candidates):
    return msgspec.structs.replace(MODEL, candidates=[*MODEL.candidates, *candidates])


def test_curves_share_a_scale_and_stand_before_the_test():
    report = of(candidate("online_logistic", [0.5, 0.625, 0.75, 1.0]), candidate("hoeffding_tree", [0.5, None, 0.875]))
    assert curves(report) == [
        "",
        "  row by row, each asked about before its answer was known; the curve from 0.5000 to 1.0000",
        "    online_logistic  roc_auc 1.0000  ▁▃▅█  200 rows",
        "    hoeffding_tree   roc_auc 0.8750  ▁·▇   150 rows",
        "    asked from 2024-01-01, the last part from 2024-01-04; half of the answers came within 1h30m",
    ]
    text = render.model(report)
    assert text.index("candidates, on") < text.index("row by row") < text.index("sealed test rows")


def test_without_moments_nothing_is_said_of_them_and_without_change_there_is_no_curve():
    assert curves(of(candidate("online_logistic", [0.5, 0.5], timed=False))) == [
        "",
        "  row by row, each asked about before its answer was known; no curve: it is the same all along",
        "    online_logistic  roc_auc 0.5000  ▁▁  100 rows",
    ]
    assert curves(of(candidate("online_logistic", [None])))[2] == "    online_logistic  roc_auc undefined  ·  50 rows"


def test_candidates_that_saw_all_rows_at_once_have_none():
    assert curves(MODEL) == []
