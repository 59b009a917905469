"""The memory of what steps gave, by fingerprint."""

from typing import Protocol

from headrace.engine.graph import Output


class Memo(Protocol):
    """Keeps the outputs of finished steps. Called from the threads in which steps run, one call at a time."""

    def find(self, fingerprint: str) -> Output | None:
        """Return what the step with this fingerprint gave, or None if it never finished or its output is no longer usable."""
        ...

    def save(self, fingerprint: str, step_name: str, output: Output) -> None:
        """Keep an output. Saving the same fingerprint again replaces it."""
        ...
