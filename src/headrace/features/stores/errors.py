"""Errors of stores of online state.

UserError
└── StoreUnusable    a store that cannot be opened as it is named
SystemFault
├── StoreFault       the store failed
├── StoreDamaged     the store is not whole, and never will be
└── MarkMoved        somebody else has written what a commit was based on
"""

from headrace.core.errors import SystemFault, UserError


class StoreUnusable(UserError):
    """A store that cannot be opened as it is named."""

    def __init__(self, place: str, reason: str, remedy: str) -> None:
        super().__init__(f"the online state at {place} cannot be used: {reason}.", remedy=remedy)


class StoreFault(SystemFault):
    """The store failed."""

    def __init__(self, action: str, place: str, error: Exception) -> None:
        super().__init__(
            f"could not {action} the online state at {place}: {error}.", remedy="See that it runs and has room, then start again."
        )


class StoreDamaged(SystemFault):
    """The store is not whole, and never will be: trying again does not help."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            f"the online state at {place} is damaged: {reason}.",
            remedy="Move that folder away, then run headrace stream: it makes the state anew from the lake, and takes the rest from the"
            " source again. Start servers anew after that.",
        )


class MarkMoved(SystemFault):
    """Somebody else has written what a commit was based on."""

    def __init__(self, mark: str) -> None:
        super().__init__(
            f"{mark!r} of the online state was moved by another process.",
            remedy="It goes on from there; start this one again if it should too.",
        )
