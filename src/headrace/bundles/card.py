"""The model card: what the model is for, what it was made from, how good it is, and where it ends; Markdown for people.

The headings follow Mitchell et al., Model Cards for Model Reporting (2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DataUsed:
    """A table that the model was made from, or a part of the split: a name, rows, and what else there is to say of it."""

    name: str
    rows: int
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """A metric with its interval; `low` and `high` are None where none was computed."""

    metric: str
    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        interval = f" [{self.low:.4f}, {self.high:.4f}]" if self.low is not None and self.high is not None else ""
        return f"{self.value:.4f}{interval}"


@dataclass(frozen=True)
class CandidateTried:
    """A candidate and what it scored in validation."""

    name: str
    measured: Measured
    chosen: bool = False


@dataclass(frozen=True)
class CardFacts:
    """What the card tells.

    Attributes:
        purpose: what is predicted, for whom, when the question is asked.
        given: what the asker supplies, each as a readable line; features likewise.
        metrics: of the released model on the test rows; `looks` is how many models have been measured on those rows.
        threshold: where it decides, in words; costs included.
        limits: what it should not be used for, and what was left out of the data.
    """

    project: str
    model: str
    version: str
    purpose: str
    task: str
    data: Sequence[DataUsed]
    split: Sequence[DataUsed]
    candidates: Sequence[CandidateTried]
    metrics: Sequence[Measured]
    looks: int
    given: Sequence[str]
    features: Sequence[str]
    threshold: str = ""
    limits: Sequence[str] = ()


def render_card(facts: CardFacts) -> str:
    """Return the card as Markdown: equal facts give equal text."""
    metric = facts.candidates[0].measured.metric if facts.candidates else ""
    sections = [
        f"# {facts.model} {facts.version}",
        f"A {facts.task} model of the project {facts.project}.",
        _section("Purpose", facts.purpose),
        _section("Data", _table(("table", "rows", "fingerprint"), [(used.name, f"{used.rows:,}", used.note) for used in facts.data])),
        _section("Split", _table(("part", "rows", ""), [(used.name, f"{used.rows:,}", used.note) for used in facts.split])),
        _section("Candidates", _table(("candidate", f"{metric} in validation", ""), [_tried(candidate) for candidate in facts.candidates])),
        _section("Test", f"{_table(('metric', 'value'), [(m.metric, str(m)) for m in facts.metrics])}\n\n{_looks(facts.looks)}"),
        _section("Decision", facts.threshold) if facts.threshold else "",
        _section("Asked with", _bullets(facts.given)),
        _section("Features", _bullets(facts.features)),
        _section("Limits", _bullets(facts.limits)) if facts.limits else "",
        _section("Serving", _SERVING),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


_SERVING = """`headrace serve` loads this bundle after checking its signature, every file's hash and the golden rows. Ask with

    curl -H 'Content-Type: application/json' -d '{"rows": [{...}]}' http://127.0.0.1:8080/predict

`GET /openapi.json` describes the fields; the Open Inference Protocol is at `/v2`."""


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}"


def _tried(candidate: CandidateTried) -> tuple[str, str, str]:
    return (candidate.name, str(candidate.measured), "chosen" if candidate.chosen else "")


def _looks(looks: int) -> str:
    return (
        "These rows were looked at for the first time."
        if looks <= 1
        else f"Look number {looks} at these rows: each look makes the figures a little too kind."
    )


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)
