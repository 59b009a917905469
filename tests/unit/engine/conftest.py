"""What engine tests share: a memo in a dict, an observer that takes notes, and both ways to run: here, and recorded in Postgres."""

import dataclasses
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from headrace.engine.execution import RunResult, execute
from headrace.engine.graph import Graph, Output, Step, StepContext
from headrace.engine.observers import Observer, StepEnd
from headrace.engine.options import ExecuteOptions


class DictMemo:
    """A real memo, as far as the engine can tell."""

    def __init__(self) -> None:
        self.kept: dict[str, Output] = {}

    def find(self, fingerprint: str) -> Output | None:
        return self.kept.get(fingerprint)

    def save(self, fingerprint: str, step_name: str, output: Output) -> None:
        self.kept[fingerprint] = output


class Notes:
    """Writes down what it is told, and by how many threads at once."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.ends: dict[str, StepEnd] = {}
        self.reports: list[tuple[str, float, float | None, str]] = []
        self.at_once = threading.Semaphore(1)

    def step_started(self, step: str) -> None:
        assert self.at_once.acquire(blocking=False)
        self.said.append(("started", step))
        self.at_once.release()

    def step_progress(self, step: str, done: float, total: float | None, unit: str) -> None:
        self.reports.append((step, done, total, unit))

    def step_finished(self, end: StepEnd) -> None:
        assert self.at_once.acquire(blocking=False)
        self.said.append((str(end.outcome), end.step))
        self.ends[end.step] = end
        self.at_once.release()


@dataclasses.dataclass
class Bench:
    """Runs graphs with one memo, and one store or none."""

    folder: Path
    memo: DictMemo
    store_url: str | None
    runs: int = 0

    def execute(
        self,
        *steps: Step,
        run_id: str = "",
        observers: tuple[Observer, ...] = (),
        attempts: int = 3,
        step_timeout: timedelta | None = None,
    ) -> RunResult:
        self.runs += 1
        options = ExecuteOptions(
            run_id=run_id or f"run_{self.runs}",
            memo=self.memo,
            store_url=self.store_url,
            observers=observers,
            attempts=attempts,
            retry_seconds=0.01,
            step_timeout=step_timeout,
        )
        return execute(Graph(steps), options)


@pytest.fixture(params=["here", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """No store, as one machine runs, and an empty one, as several do."""
    url: str | None = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    return url


@pytest.fixture
def bench(tmp_path: Path, store_url: str | None) -> Bench:
    return Bench(tmp_path, DictMemo(), store_url)


@pytest.fixture
def notes() -> Notes:
    return Notes()


def step(name: str, *inputs: str, run=None, fingerprint: str = "") -> Step:
    """A step that says its name, or does what it is told."""

    def says_its_name(context: StepContext) -> Output:
        return {"name": context.step_name, "of": [context.inputs[each]["name"] for each in inputs]}

    return Step(name, fingerprint or f"fingerprint of {name}", inputs, run or says_its_name)
