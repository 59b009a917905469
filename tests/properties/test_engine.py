"""Whatever the graph: inputs come first, each meaning runs once, a failure stops what needs it and nothing else."""

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engine.graph import Company, Contexts, Graph, Output, Step, StepContext
from headrace.engine.observers import Outcome, StepEnd
from headrace.engine.options import ExecuteOptions
from headrace.engine.schedule import Schedule


class Watch:
    """A memo and an observer in one."""

    def __init__(self, known: dict[str, Output]) -> None:
        self.kept = dict(known)
        self.order: list[str] = []
        self.ended: list[str] = []

    def find(self, fingerprint: str) -> Output | None:
        return self.kept.get(fingerprint)

    def save(self, fingerprint: str, step_name: str, output: Output) -> None:
        self.kept[fingerprint] = output

    def step_started(self, step: str) -> None:
        self.order.append(step)

    def step_progress(self, step: str, done: float, total: float | None, unit: str) -> None:
        pass

    def step_finished(self, end: StepEnd) -> None:
        self.order.append(end.step)
        self.ended.append(end.step)


@st.composite
def graphs(draw):
    """Up to eight steps: each takes some of the earlier ones, may mean the same as another, may fail, may be known already.

    Some go together, so many at once.
    """
    count = draw(st.integers(1, 8))
    steps = []
    for index in range(count):
        inputs = tuple(sorted(draw(st.sets(st.integers(0, index - 1), max_size=3)))) if index else ()
        meaning = draw(st.integers(0, index)) if draw(st.booleans()) else index
        steps.append((inputs, meaning))
    failing = draw(st.sets(st.integers(0, count - 1), max_size=3))
    known = draw(st.sets(st.integers(0, count - 1), max_size=3)) - failing
    joined = draw(st.sets(st.integers(0, count - 1)))
    return steps, failing, known, joined, draw(st.integers(1, 4))


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(1, 2))
def test_every_step_ends_as_it_must(drawn, workers):
    shape, failing, known, joined, most = drawn
    runs: list[int] = []
    lock = threading.Lock()

    def working(meaning: int):
        def work(context: StepContext) -> Output:
            with lock:
                runs.append(meaning)
            if meaning in failing:
                raise ValueError(meaning)
            return {"meaning": meaning}

        return work

    def together(contexts: Contexts) -> dict[str, Output]:
        meanings = {name: shape[int(name[1:])][1] for name in contexts}
        assert len(meanings) > 1
        if failing & set(meanings.values()):
            raise ValueError(meanings)
        return {name: working(meanings[name])(context) for name, context in contexts.items()}

    company = Company(lambda contexts: list(contexts)[:most], together)
    graph = Graph(
        [
            Step(f"s{index}", f"f{meaning}", tuple(f"s{each}" for each in inputs), working(meaning), company if index in joined else None)
            for index, (inputs, meaning) in enumerate(shape)
        ]
    )
    watch = Watch({f"f{meaning}": {"meaning": meaning} for meaning in known})
    schedule = Schedule(
        graph,
        ExecuteOptions(run_id="run", memo=watch, observers=(watch,), workers=workers, attempts=1),
    )
    if schedule.settle_known():
        schedule.run()
    ends = schedule.ends_in_order()

    assert tuple(ends) == graph.names
    assert sorted(watch.ended) == sorted(graph.names)
    assert len(runs) == len(set(runs))
    assert not set(runs) & known
    first: dict[int, str] = {}
    for name in graph.names:
        inputs, meaning = shape[int(name[1:])]
        needs = [f"s{each}" for each in inputs] + ([first[meaning]] if meaning in first else [])
        lacking = any(ends[need].output is None for need in needs)
        expected = Outcome.DONE
        if meaning in known:
            expected = Outcome.REUSED
        elif lacking:
            expected = Outcome.SKIPPED
        elif meaning in first:
            expected = Outcome.REUSED
        elif meaning in failing:
            expected = Outcome.FAILED
        assert ends[name].outcome is expected
        if expected is Outcome.DONE:
            begun = watch.order.index(name)
            assert all(watch.order.index(need) < begun for need in needs)
        first.setdefault(meaning, name)
