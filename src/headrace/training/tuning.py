"""Search of a candidate's parameters by the tree-structured Parzen estimator (Bergstra et al., 2011; Optuna), within caps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import optuna

from headrace.models.artifact import Artifact
from headrace.spec.candidates import Candidate
from headrace.training.budget import TRIALS, Budget, Caps, searched
from headrace.training.trainer import Parameters, Progress, Trainer
from headrace.training.trial import Trial


@dataclass(frozen=True, kw_only=True)
class Search:
    """What to search and how: `work` makes and judges trials, `at_once` of them; of equal values the earlier trial is the better."""

    candidate: Candidate
    defaults: Parameters
    work: "Work"
    at_once: int = 1
    higher_is_better: bool
    caps: Caps
    budget: Budget
    seed: int
    progress: Progress


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that was made: its metric on validation, what it leaves to the next, and where its artifact is."""

    value: float
    seconds: float
    memory: bytes
    artifact: Artifact | None = None
    kept: str = ""


class Work(Protocol):
    """Makes and judges trials."""

    def each(self, sets: Sequence[Parameters], budget: Budget, progresses: Sequence[Progress]) -> Iterator[Tried]:
        """Yield the trials of these parameters, in order. Each starts from what the last of the call before left."""
        ...

    def artifact(self, tried: Tried) -> Artifact:
        """Return what a trial made."""
        ...


class WorkHere:
    """Makes trials one after the other in this process; `judge` gives the metric on validation."""

    def __init__(self, trainer: Trainer, judge: Callable[[Artifact], float]) -> None:
        self._trainer, self._judge = trainer, judge

    def each(self, sets: Sequence[Parameters], budget: Budget, progresses: Sequence[Progress]) -> Iterator[Tried]:
        """See `Work.each`."""
        left = self._trainer.memory
        for parameters, progress in zip(sets, progresses, strict=True):
            self._trainer.memory = left
            yield try_once(self._trainer, self._judge, parameters, budget, progress)

    def artifact(self, tried: Tried) -> Artifact:
        """See `Work.artifact`."""
        assert tried.artifact is not None
        return tried.artifact


def try_once(trainer: Trainer, judge: Callable[[Artifact], float], parameters: Parameters, budget: Budget, progress: Progress) -> Tried:
    """Make one trial."""
    started = budget.seconds
    artifact = trainer.fit(parameters, budget, progress)
    value = judge(artifact)
    return Tried(value=value, seconds=budget.seconds - started, memory=trainer.memory, artifact=artifact)


@dataclass(frozen=True)
class Found:
    """The best artifact, every trial in order, and what ended the search: `trials`, `time` or `cost`."""

    artifact: Artifact
    trials: tuple[Trial, ...]
    stopped_by: str


def search(what: Search) -> Found:
    """Try parameters until a cap is met; the first trial starts from the trainer's defaults, and is always made."""
    study = _study(what)
    trials: list[Trial] = []
    best: tuple[float, Artifact] | None = None
    while best is None or (len(trials) < what.caps.trials and not what.budget.spent()):
        asked = [study.ask() for _ in range(min(what.at_once, what.caps.trials - len(trials)))]
        sets = [_suggest(each, what.candidate.space()) for each in asked]
        progresses = [_share_of(what, len(trials) + number) for number in range(len(sets))]
        for each, parameters, tried in zip(asked, sets, what.work.each(sets, what.budget, progresses), strict=True):
            study.tell(each, tried.value)
            trials.append(Trial(number=len(trials), parameters=dict(parameters), value=tried.value, seconds=tried.seconds))
            if best is None or (tried.value > best[0] if what.higher_is_better else tried.value < best[0]):
                best = (tried.value, what.work.artifact(tried))
    # A trial that the clock cut short counts as stopped by the clock, were it the last one or not: it would not come out the same again.
    return Found(best[1], tuple(trials), what.budget.spent() or TRIALS)


def _study(what: Search) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=what.seed % 2**32, n_startup_trials=max(3, min(10, what.caps.trials // 3)))
    study = optuna.create_study(direction="maximize" if what.higher_is_better else "minimize", sampler=sampler)
    space = what.candidate.space()
    start = {name: _within(space[name], value) for name, value in what.defaults.items() if name in searched(what.candidate)}
    study.enqueue_trial(start)
    return study


def _within(space: Any, value: float) -> float:
    low, high = space
    within: float = type(low)(min(max(value, low), high))
    return within


def _suggest(trial: optuna.trial.Trial, space: Mapping[str, object]) -> Parameters:
    """Return one value for each parameter: fixed ones as they are, floats on a logarithmic scale, integers uniformly."""
    parameters: dict[str, float | int] = {}
    for name, value in space.items():
        low, high = value if isinstance(value, tuple | list) else (value, value)
        if low == high:
            parameters[name] = low
        elif isinstance(low, int) and isinstance(high, int):
            parameters[name] = trial.suggest_int(name, low, high)
        else:
            parameters[name] = trial.suggest_float(name, low, high, log=True)
    return parameters


def _share_of(what: Search, done: int) -> Progress:
    """Return a progress that speaks of the whole search while one trial runs."""
    label = f"trial {done + 1} of {what.caps.trials}"
    return lambda share, line: what.progress((done + min(share, 1.0)) / what.caps.trials, f"{label}, {line}")
