"""What a worker has done since it began, table by table: for its summary, for people who watch, and for Prometheus."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from headrace.app.stream_reports import LearntLine, ScoredLine
from headrace.core.units import counted
from headrace.features.stream.positions import Position
from headrace.ingest.remarks import INFO
from headrace.ingest.requests import RuleResult

_Line = TypeVar("_Line", ScoredLine, LearntLine)
_SECONDS = "headrace_stream_commit_seconds"
_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


@dataclass
class Counts:
    """Of one table. `events` are rows and messages that could not be read; `behind` is None while that is not known.

    `filled` is of how many rows in the lake how many were read, while its state is made of them.
    """

    events: int = 0
    accepted: int = 0
    late: int = 0
    duplicates: int = 0
    quarantined: int = 0
    flushed: int = 0
    commits: int = 0
    commit_seconds: float = 0.0
    slowest_commit_seconds: float = 0.0
    behind: int | None = None
    waiting_bytes: int = 0
    watermark_us: int | None = None
    partitions: int = 0
    trouble: str = ""
    filled: tuple[int, int] | None = None
    rules: dict[tuple[str, str], tuple[int, int, str]] = field(default_factory=dict)
    buckets: Counter[float] = field(default_factory=Counter)

    @property
    def watermark_seconds(self) -> float | None:
        """The table's watermark in seconds since 1970."""
        return None if self.watermark_us is None else self.watermark_us / 1e6

    def moved(self, before: Position, after: Position, events: int) -> None:
        """Count what has become of the rows by which a partition was moved."""
        self.events += events
        self.accepted += after.accepted - before.accepted
        self.late += after.late - before.late
        self.duplicates += after.duplicates - before.duplicates
        self.quarantined += after.quarantined - before.quarantined

    def committed(self, seconds: float) -> None:
        """Count a commit."""
        self.commits += 1
        self.commit_seconds += seconds
        self.slowest_commit_seconds = max(self.slowest_commit_seconds, seconds)
        self.buckets.update(bound for bound in _BUCKETS if seconds <= bound)

    def remarks(self, quarantine: str) -> list[str]:
        """Return what is to be known of the rows: how many were set aside, why and where (`quarantine`), and what was taken for granted."""
        broken = {severity: self._broken(severity) for severity in ("quarantine", "warn")}
        aside = f"{_are(self.quarantined)} in quarantine ({broken['quarantine']}), each with its _reason: {quarantine}"
        said = [aside] if self.quarantined else []
        said += [f"kept, and breaking a rule that only warns: {broken['warn']}"] if broken["warn"] else []
        return said + [f"{rule}: {detail}" for (rule, severity), (_, _, detail) in self.rules.items() if severity == INFO]

    def _broken(self, severity: str) -> str:
        return ", ".join(f"{rule}: {failed:,}" for (rule, of), (failed, _, _) in self.rules.items() if of == severity and failed)

    def judged(self, results: Iterable[RuleResult]) -> None:
        """Add up how rows met the rules."""
        for each in results:
            failed, checked, _ = self.rules.get((each.rule, each.severity), (0, 0, ""))
            self.rules[each.rule, each.severity] = (failed + each.failed, checked + each.checked, each.detail)


def _are(rows: int) -> str:
    return f"{counted(rows, 'row')} {'is' if rows == 1 else 'are'}"


def prometheus(counts: Mapping[str, Counts], scored: Iterable[ScoredLine] = (), learnt: Iterable[LearntLine] = ()) -> str:
    """Return the counts, and those of models that answer or learn, in the text format that Prometheus scrapes (version 0.0.4)."""
    lines: list[str] = []
    for name, kind, meaning, value in _METRICS:
        lines += [f"# HELP headrace_stream_{name} {meaning}", f"# TYPE headrace_stream_{name} {kind}"]
        lines += [
            f'headrace_stream_{name}{{table="{table}"}} {found}' for table, each in counts.items() if (found := value(each)) is not None
        ]
    lines += [
        "# HELP headrace_stream_commit_seconds How long commits of micro-batches took.",
        "# TYPE headrace_stream_commit_seconds histogram",
    ]
    for table, each in counts.items():
        lines += [f'{_SECONDS}_bucket{{table="{table}",le="{bound:g}"}} {each.buckets[bound]}' for bound in _BUCKETS]
        lines.append(f'{_SECONDS}_bucket{{table="{table}",le="+Inf"}} {each.commits}')
        lines.append(f'{_SECONDS}_sum{{table="{table}"}} {each.commit_seconds}')
        lines.append(f'{_SECONDS}_count{{table="{table}"}} {each.commits}')
    lines += _by_model(_OF_MODELS, list(scored)) + _by_model(_OF_LEARNERS, list(learnt))
    return "\n".join(lines) + "\n"


def _by_model(metrics: Iterable[tuple[str, str, str, Callable[[_Line], int]]], found: Sequence[_Line]) -> list[str]:
    lines: list[str] = []
    for name, kind, meaning, number in metrics if found else ():
        lines += [f"# HELP headrace_stream_{name} {meaning}", f"# TYPE headrace_stream_{name} {kind}"]
        lines += [f'headrace_stream_{name}{{model="{each.model}"}} {number(each)}' for each in found]
    return lines


_METRICS: tuple[tuple[str, str, str, Callable[[Counts], float | None]], ...] = (
    ("events_total", "counter", "Rows that came, and messages that could not be read.", lambda each: each.events),
    ("accepted_total", "counter", "Rows accepted into the table.", lambda each: each.accepted),
    ("late_total", "counter", "Rows that came after their partition's watermark.", lambda each: each.late),
    ("duplicates_total", "counter", "Rows whose id had come before.", lambda each: each.duplicates),
    ("quarantined_total", "counter", "Rows that broke the contract, and messages that could not be read.", lambda each: each.quarantined),
    ("flushed_total", "counter", "Rows put into the lake.", lambda each: each.flushed),
    ("lag", "gauge", "Messages that the source has and that were not taken yet.", lambda each: each.behind),
    ("partitions", "gauge", "Partitions that this worker has.", lambda each: each.partitions),
    ("waiting_bytes", "gauge", "What waits for the lake.", lambda each: each.waiting_bytes),
    ("watermark_seconds", "gauge", "The table's watermark, in seconds since 1970.", lambda each: each.watermark_seconds),
)  # fmt: skip
_OF_MODELS: tuple[tuple[str, str, str, Callable[[ScoredLine], int]], ...] = (
    ("predictions_total", "counter", "Questions that were answered.", lambda each: each.answered),
    ("unanswered_total", "counter", "Questions that could not be answered.", lambda each: each.refused),
    ("questions", "gauge", "Questions that wait for their answer.", lambda each: each.waiting),
)  # fmt: skip
_OF_LEARNERS: tuple[tuple[str, str, str, Callable[[LearntLine], int]], ...] = (
    ("lessons_total", "counter", "Rows that a model has learnt.", lambda each: each.learned),
    ("unasked_total", "counter", "Rows learnt that came when their question was over.", lambda each: each.unasked),
    ("lessons_waiting", "gauge", "Rows asked about whose answer is not known.", lambda each: each.waiting),
    ("versions_total", "counter", "Versions made of what was learnt.", lambda each: each.versions),
)  # fmt: skip
