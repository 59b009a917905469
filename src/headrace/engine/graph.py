"""Steps and the graph they make."""

import dataclasses
import graphlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from headrace.core.fingerprints import fingerprint
from headrace.engine.errors import GraphError, InvalidOutput, UnknownInput

Output = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class StepContext:
    """What a step is given when it runs.

    `inputs` has the output of each step it takes, by name. `report(done, total, unit)` tells the observers how far it is; `total` is
    None where nobody knows. It may be called from any thread, and does not return when the run has been told to stop.
    """

    inputs: Mapping[str, Output]
    report: Callable[[float, float | None, str], None]
    run_id: str
    step_name: str


Contexts = Mapping[str, StepContext]
"""What several steps are given, by their names."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Company:
    """Steps that cost less when they are carried out together, and give the same as alone.

    `choose` is given those that could begin now, two at least, and returns the names of some that go together, the first among them; it is
    quick and raises nothing. `run` carries those out and returns what each gave, by name.
    """

    choose: Callable[[Contexts], Collection[str]]
    run: Callable[[Contexts], Mapping[str, Output]]


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A piece of work with a name, a fingerprint and the names of the steps whose outputs it takes.

    `run` returns a dict of JSON values, which is what the memo keeps; large things go to a store of their own, their names in the
    dict. An optional key `summary` is a text for people. Equal fingerprints promise equal outputs. Steps of one `company` may be carried
    out together; each has its own end all the same, and what is known of one is not carried out again for the others.
    """

    name: str
    fingerprint: str
    inputs: tuple[str, ...]
    run: Callable[[StepContext], Output]
    company: Company | None = None


class Graph:
    """Steps in an order in which each comes after its inputs; steps that are free to swap keep the order given.

    Raises:
        GraphError: for a name used twice, an input that is no step, or a cycle.

    >>> Graph([Step("b", "2", ("a",), lambda context: {}), Step("a", "1", (), lambda context: {})]).names
    ('a', 'b')
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        by_name: dict[str, Step] = {}
        for step in steps:
            if step.name in by_name:
                raise GraphError(f"two steps are called {step.name!r}.", remedy="Rename one.")
            by_name[step.name] = step
        for step in steps:
            for name in step.inputs:
                if name not in by_name:
                    raise UnknownInput(step.name, name, by_name)
        self.names: tuple[str, ...] = _order(by_name)
        self.steps: Mapping[str, Step] = MappingProxyType({name: by_name[name] for name in self.names})

    @property
    def fingerprint(self) -> str:
        """What the graph means: its steps' names, fingerprints and inputs, in order."""
        return fingerprint("graph", [(step.name, step.fingerprint, step.inputs) for step in self.steps.values()])

    def twins(self) -> dict[str, str]:
        """The steps that mean the same as an earlier one, each with the earliest."""
        first: dict[str, str] = {}
        for step in self.steps.values():
            first.setdefault(step.fingerprint, step.name)
        return {step.name: first[step.fingerprint] for step in self.steps.values() if first[step.fingerprint] != step.name}


def _order(steps: Mapping[str, Step]) -> tuple[str, ...]:
    sorter = graphlib.TopologicalSorter({name: step.inputs for name, step in steps.items()})
    try:
        return tuple(sorter.static_order())
    except graphlib.CycleError as error:
        raise GraphError(
            f"steps wait for each other: {' → '.join(reversed(error.args[1]))}.", remedy="Take one of the inputs away."
        ) from error


def as_json(step: str, output: object) -> Output:
    """Return an output as it will be read back: through JSON text, keys in order, as a store of JSON need not keep the order given.

    Raises:
        InvalidOutput: if it is no dict or holds something that JSON does not.
    """
    if not isinstance(output, dict):
        raise InvalidOutput(step, f"it is a {type(output).__name__}")
    try:
        texts = json.loads(json.dumps(output, allow_nan=False))  # from here on every key is a text, and can be sorted
        kept: Output = json.loads(json.dumps(texts, sort_keys=True))
    except (TypeError, ValueError) as error:
        raise InvalidOutput(step, str(error)) from error
    return kept
