"""Errors of the ledger.

UserError
├── NoSuchRecord         an id or name that the ledger does not hold
├── IllegalTransition    a state that cannot follow the present one
├── InconsistentCounts   rows in are not accepted + quarantined + duplicates
├── UnusableUrl          a ledger URL that names no store we can open, or one whose driver is missing
├── LedgerIsNewer        the ledger was written by a newer Headrace
├── LedgerIsOlder        the ledger on a server was written by an older Headrace
├── LedgerInUse          a run is going on, so the ledger is not changed under it
└── NestedWrite          a write was begun inside a write
SystemFault
├── LedgerUnreachable    the store does not answer
├── LockLost             another process took a lock while the store was away
└── LedgerDamaged        the file is damaged or no database, a value is none that can have been written, or the audit's head is missing
"""

from collections.abc import Iterable

from headrace.core.errors import SystemFault, UserError
from headrace.core.units import counted


class NoSuchRecord(UserError):
    """An id or name that the ledger does not hold."""

    def __init__(self, kind: str, key: object, *, remedy: str = "") -> None:
        super().__init__(
            f"the ledger holds no {kind} {key!r}.",
            remedy=remedy or f"List what there is with `headrace runs` or `headrace status`, and copy the {kind}'s id from there.",
        )


class IllegalTransition(UserError):
    """A state that cannot follow the present one."""

    def __init__(self, subject: str, present: str, wanted: str, allowed: Iterable[str]) -> None:
        choices = ", ".join(allowed)
        super().__init__(
            f"{subject} is {present!r}; it cannot become {wanted!r}.",
            remedy=f"From {present!r} it can become: {choices}." if choices else f"{present!r} is final: make a new one.",
        )


class InconsistentCounts(UserError):
    """Rows in are not accepted + quarantined + duplicates."""

    def __init__(self, table: str, rows_in: int, accepted: int, quarantined: int, duplicates: int) -> None:
        parts = f"{accepted} accepted + {quarantined} quarantined + {counted(duplicates, 'duplicate')}"
        super().__init__(
            f"table {table!r}: {counted(rows_in, 'row')} came in, but {parts} make {accepted + quarantined + duplicates}.",
            remedy="No row may be lost or made: count again where the rows are divided.",
        )


class UnusableUrl(UserError):
    """A ledger URL that names no store we can open, or one whose driver is missing."""

    def __init__(
        self, url: str, reason: str, *, remedy: str = "Give a file path, sqlite:///path/to/ledger.db or postgresql://user@host/database."
    ) -> None:
        super().__init__(f"cannot keep a ledger at {url!r}: {reason}.", remedy=remedy)


class LedgerIsNewer(UserError):
    """The ledger was written by a newer Headrace."""

    def __init__(self, url: str, found: str, known: str) -> None:
        super().__init__(
            f"the ledger at {url!r} has schema {found!r}; this Headrace knows schemas up to {known!r}.",
            remedy="Upgrade Headrace to the version that wrote it, or use another home.",
        )


class LedgerIsOlder(UserError):
    """The ledger on a server was written by an older Headrace."""

    def __init__(self, url: str, found: str, head: str) -> None:
        super().__init__(
            f"the ledger at {url!r} has schema {found!r}; this Headrace uses {head!r}.",
            remedy="Others may be using it with the older version, which cannot read it afterwards. When nobody does, and a backup is made:"
            " headrace upgrade (with --dry-run it only tells).",
        )


class LedgerInUse(UserError):
    """A run is going on, so the ledger is not changed under it."""

    def __init__(self, url: str, projects: Iterable[str]) -> None:
        super().__init__(
            f"the ledger at {url!r} is in use: a run of {', '.join(projects)} is going on.", remedy="Wait until it has ended, or end it."
        )


class NestedWrite(UserError):
    """A write was begun inside a write."""

    def __init__(self, action: str, inside: str) -> None:
        super().__init__(
            f"ledger.write({action!r}) was begun inside ledger.write({inside!r}) by the same thread.",
            remedy="Do both in the outer session: it is one transaction with one audit row.",
        )


class LedgerUnreachable(SystemFault):
    """The store does not answer."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"the ledger at {url!r} cannot be used: {reason}.",
            remedy="Check that the folder may be written and has room, or that the database server runs and lets you in; then try again.",
        )
        self.place = url


class LockLost(SystemFault):
    """Another process took a lock while the store was away."""

    passing = False

    def __init__(self, name: str, url: str) -> None:
        super().__init__(
            f"the ledger at {url!r} was away for a while, and another process has taken the lock {name!r} since.",
            remedy="The other one goes on with the work. What this one finished is kept. See: headrace runs",
        )


class LedgerDamaged(SystemFault):
    """The file is damaged or no database, a value is none that can have been written, or the audit's head is missing."""

    passing = False

    def __init__(self, url: str, how: str = "has lost the head of its audit chain") -> None:
        super().__init__(
            f"the ledger at {url!r} {how}.",
            remedy="Nothing can be recorded safely. Restore it from a backup (docs/how-to/operations.md), then: headrace audit verify",
        )
