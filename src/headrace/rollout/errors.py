"""Errors of promotion.

SystemFault
└── MissingEvidence     a gate asks for something that was not measured, or was measured as not a number
"""

from headrace.core.errors import SystemFault


class MissingEvidence(SystemFault):
    """A gate asks for something that was not measured: it neither passes nor fails."""

    passing = False

    def __init__(self, gate: str, what: str, remedy: str) -> None:
        super().__init__(f"the gate {gate!r} cannot be judged: {what}.", remedy=remedy)
        self.gate = gate
