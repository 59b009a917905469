"""The same work on many parts, here or on other machines. Knows no domain.

Work is a function at the top of a module, parts are msgspec values, so that both can be sent anywhere. Work done twice must leave the same
as work done once: a worker may be killed after it has written, and another does its part again.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def unheard() -> None:
    """Nobody listens, and nobody stops the work."""


class Executor(Protocol):
    """Does work on parts. Safe to use from several threads."""

    @property
    def slots(self) -> int:
        """How many parts are worked at the same time."""
        ...

    @property
    def cpu_seconds(self) -> float:
        """The CPU time of all parts that are done, as far as it is not this process's own; it only grows."""
        ...

    def each(self, work: Callable[[Part], Result], parts: Iterable[Part], heard: Callable[[], object] = unheard) -> Iterator[Result]:
        """Yield what the work gives for each part, in the order of the parts.

        `heard` is called a few times a second: what it raises ends the work, as closing the iterator does. No more parts are drawn ahead
        than a few for each slot, so they may be without end.

        Raises:
            Exception: what the work raised, the same wherever it was done. A part whose worker was killed is done again.
        """
        ...


class Here:
    """Does the parts one after the other, by the thread that asks. The libraries that do the work use all cores as it is."""

    slots = 1
    cpu_seconds = 0.0

    def each(self, work: Callable[[Part], Result], parts: Iterable[Part], heard: Callable[[], object] = unheard) -> Iterator[Result]:
        """See `Executor.each`."""
        for part in parts:
            heard()
            yield work(part)
