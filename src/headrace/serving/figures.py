"""What Prometheus scrapes of a server."""

from collections.abc import Iterator, Sequence

from headrace.serving.describing import Standing

PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"


def prometheus(standing: Standing) -> bytes:
    """Return how the server stands in the text format that Prometheus scrapes (version 0.0.4)."""
    lines: list[str] = []
    for name, kind, meaning, samples in _metrics(standing):
        if samples:
            lines += [f"# HELP headrace_serving_{name} {meaning}", f"# TYPE headrace_serving_{name} {kind}"]
            lines += [f"headrace_serving_{name}{labels} {value!r}" for labels, value in samples]
    return ("\n".join(lines) + "\n").encode()


def _metrics(standing: Standing) -> Iterator[tuple[str, str, str, Sequence[tuple[str, float]]]]:
    log, link = standing.log, standing.link
    yield "predictions_logged_total", "counter", "Predictions that are logged.", [("", log.written)]
    yield "predictions_waiting", "gauge", "Predictions that wait to be logged.", [("", log.waiting)]
    yield "log_failures_total", "counter", "Attempts to log predictions that failed.", [("", log.failures)]
    names = [model.manifest.model for model in standing.models]
    stale = [(_label("model", name), standing.stale.get(name, 0)) for name in names]
    yield "stale_answers_total", "counter", "Predictions of features that were older than they may be.", stale
    moments = [(_label("model", model.manifest.model), model.state_moment) for model in standing.models]
    published = [(label, moment.timestamp()) for label, moment in moments if moment is not None]
    yield "state_moment_seconds", "gauge", "The moment of the published state, in seconds since 1970.", published
    if link is not None:
        yield "online_state_up", "gauge", "Whether the online state can be read.", [("", int(link.fault is None))]
        known = [(_label("table", name), moment) for name, moment in link.watermarks.items() if moment is not None]
        watermarks = [(label, moment.timestamp()) for label, moment in known]
        yield "watermark_seconds", "gauge", "The moment until which a streamed table is known, in seconds since 1970.", watermarks
        ages = [(label, (standing.now - moment).total_seconds()) for label, moment in known]
        yield "staleness_seconds", "gauge", "How long ago that moment was.", ages


def _label(name: str, value: str) -> str:
    return f'{{{name}="{value}"}}'
