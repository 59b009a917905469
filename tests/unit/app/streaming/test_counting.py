"""What Prometheus scrapes: its text format, counts that add up, and no number for what is not known."""

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from headrace.app.errors import PortNotFree
from headrace.app.stream_reports import LearntLine, ScoredLine
from headrace.app.streaming.counting import Counts, prometheus
from headrace.app.streaming.metrics import metrics_served
from headrace.ingest.requests import RuleResult


def counts() -> dict[str, Counts]:
    found = Counts(events=12, accepted=9, late=2, quarantined=1, watermark_us=1_500_000)
    for seconds in (0.002, 0.02, 20.0):
        found.committed(seconds)
    return {"orders": found, "shops": Counts(behind=3)}


def test_counts_are_written_as_prometheus_reads_them():
    lines = prometheus(counts()).splitlines()
    assert "# TYPE headrace_stream_events_total counter" in lines
    assert 'headrace_stream_events_total{table="orders"} 12' in lines
    assert 'headrace_stream_watermark_seconds{table="orders"} 1.5' in lines
    assert [line for line in lines if line.startswith("headrace_stream_lag{")] == ['headrace_stream_lag{table="shops"} 3']
    buckets = [int(line.rpartition(" ")[2]) for line in lines if line.startswith('headrace_stream_commit_seconds_bucket{table="orders"')]
    assert buckets == sorted(buckets)
    assert (buckets[0], buckets[1], buckets[-2], buckets[-1]) == (0, 1, 2, 3)
    assert 'headrace_stream_commit_seconds_count{table="orders"} 3' in lines


def test_no_digit_is_lost():
    """A watermark in a few figures would be hours off."""
    lines = prometheus({"orders": Counts(events=12_345_678, watermark_us=1_767_225_601_500_000)}).splitlines()
    assert 'headrace_stream_events_total{table="orders"} 12345678' in lines
    assert 'headrace_stream_watermark_seconds{table="orders"} 1767225601.5' in lines


def test_a_port_that_another_has_is_told():
    with metrics_served(0, counts, (said := []).append):
        port = int(said[0].rpartition(":")[2].removesuffix("/metrics"))
        with pytest.raises(PortNotFree, match=f"at 127.0.0.1:{port}: .*in use"), metrics_served(port, counts, said.append):
            pass


def test_they_are_served_on_loopback_while_the_worker_works():
    said: list[str] = []
    with metrics_served(0, counts, said.append):
        url = said[0].removeprefix("metrics at ")
        with urlopen(url) as answer:
            assert answer.read().decode() == prometheus(counts())
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        with pytest.raises(HTTPError, match="404") as missing:
            urlopen(url.replace("/metrics", "/other"))
        missing.value.close()
    with metrics_served(None, counts, said.append):
        assert len(said) == 1


def test_models_that_answer_are_counted_by_name() -> None:
    scored = ScoredLine(model="late", version="late@3", answered=7, refused=1, waiting=2)
    lines = prometheus({}, [scored]).splitlines()
    assert 'headrace_stream_predictions_total{model="late"} 7' in lines
    assert 'headrace_stream_unanswered_total{model="late"} 1' in lines
    assert 'headrace_stream_questions{model="late"} 2' in lines
    assert "# TYPE headrace_stream_questions gauge" in lines


def test_models_that_learn_are_counted_by_name() -> None:
    learnt = LearntLine(model="late", version="late@3", learned=7, unasked=1, waiting=2, versions=3)
    lines = prometheus({}, learnt=[learnt]).splitlines()
    assert 'headrace_stream_lessons_total{model="late"} 7' in lines
    assert 'headrace_stream_unasked_total{model="late"} 1' in lines
    assert 'headrace_stream_lessons_waiting{model="late"} 2' in lines
    assert 'headrace_stream_versions_total{model="late"} 3' in lines
    assert "# TYPE headrace_stream_lessons_waiting gauge" in lines


def test_what_was_set_aside_or_taken_for_granted_is_said_with_the_place_to_look() -> None:
    counts = Counts(quarantined=3)
    for _ in range(2):
        counts.judged([RuleResult("readable", "quarantine", 1, 9), RuleResult("types", "quarantine", 0, 8)])
    counts.judged([RuleResult("between(a, 0, 1)", "quarantine", 1, 7), RuleResult("at has no zone", "info", 0, 7, "taken for UTC")])
    counts.judged([RuleResult("not_null(b)", "warn", 4, 7)])
    assert counts.remarks("/lake/orders.quarantine") == [
        "3 rows are in quarantine (readable: 2, between(a, 0, 1): 1), each with its _reason: /lake/orders.quarantine",
        "kept, and breaking a rule that only warns: not_null(b): 4",
        "at has no zone: taken for UTC",
    ]
    assert not Counts().remarks("/lake/orders.quarantine")
