"""Errors of stream scoring.

UserError
├── TargetNeedsExtra       the library that a target takes is not installed
└── TargetHasOtherTypes    predictions do not fit into their table
SystemFault
└── NotTaken               a target outside does not take predictions
"""

from collections.abc import Iterable

from headrace.core.errors import SystemFault, UserError
from headrace.core.locations import Location


class TargetNeedsExtra(UserError):
    """The library that a target takes is not installed."""

    def __init__(self, place: str, extra: str, location: Location | None) -> None:
        super().__init__(
            f"nothing can be sent to {place}: the library for {extra} is not installed.",
            remedy=f"Install it: pip install 'headrace[{extra}]'.",
            location=location,
        )


class TargetHasOtherTypes(UserError):
    """Predictions do not fit into their table: what it holds came of another description."""

    def __init__(self, place: str, differences: Iterable[str], location: Location | None) -> None:
        super().__init__(
            f"predictions do not fit into {place}: {'; '.join(differences)}.",
            remedy="Give ToTable another name: those that wait are kept, and go there. Or move that table away.",
            location=location,
        )


class NotTaken(SystemFault):
    """A target outside does not take predictions. `wait_seconds` is how long it asks not to be asked again; None: it does not say."""

    def __init__(self, place: str, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(
            f"predictions are not taken by {place}: {reason.rstrip('.')}.",
            remedy="They are kept, and sent again; the tables have them all the same.",
        )
        self.wait_seconds = wait_seconds
