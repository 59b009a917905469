"""Following the audit's chain from its first row to its head."""

from collections.abc import Iterator

import msgspec

from headrace.ledger.audit import AuditHead, AuditRow, read_head, row_hash
from headrace.ledger.conversion import Unreadable
from headrace.ledger.protection import GENESIS
from headrace.ledger.schema import audit
from headrace.ledger.session import Session
from headrace.ledger.statements import selection
from headrace.ledger.store import Ledger

_BATCH = 1000
_LEAST = -(2**63)
"""The least number there can be: who puts a row before the first is found out too."""
_NEXT = f"{selection(audit)} WHERE sequence >= :sequence ORDER BY sequence LIMIT :limit"


class AuditReport(msgspec.Struct, frozen=True):
    """What verification found: how many rows hold, the head, and the number of the first row that does not with the reason."""

    rows: int
    head: AuditHead
    broken_at: int | None = None
    reason: str = ""

    @property
    def whole(self) -> bool:
        """Whether the chain holds from end to end."""
        return self.broken_at is None


def verify_audit(ledger: "Ledger", kept: AuditHead | None = None) -> AuditReport:
    """Follow the chain from its first row to its head.

    `kept` is a head noted earlier outside the ledger: the chain must pass through it. Reads in batches; writers need not stop.
    """
    with ledger.read() as session:
        head = read_head(session.connection, ledger.url)
        link = AuditHead(0, GENESIS)
        try:
            for row in _rows(session):
                reason = _fault(row, link, kept)
                if reason:
                    return AuditReport(link.sequence, head, link.sequence + 1, reason)
                link = AuditHead(row.sequence, row.hash)
        except Unreadable as error:
            return AuditReport(link.sequence, head, link.sequence + 1, f"row {link.sequence + 1} is not what was written: {error}")
    return AuditReport(link.sequence, head, *_fault_at_end(link, head, kept))


def _rows(session: Session, first: int = _LEAST, limit: int = _BATCH) -> Iterator[AuditRow]:
    """Yield the rows from a number on. Where one cannot be read those before it come first, one by one."""
    try:
        while some := session.all(AuditRow, _NEXT, sequence=first, limit=limit):
            yield from some
            first = some[-1].sequence + 1
    except Unreadable:
        if limit == 1:
            raise
        yield from _rows(session, first, 1)


def _fault(row: AuditRow, link: AuditHead, kept: AuditHead | None) -> str:
    if row.sequence != link.sequence + 1:
        return f"row {link.sequence + 1} is missing: row {row.sequence} comes after row {link.sequence}"
    if row.previous_hash != link.hash:
        return f"row {row.sequence} does not carry the hash of the row before it"
    if row.hash != row_hash(row):
        return f"row {row.sequence} is not what was written: its content does not give its hash"
    if kept is not None and row.sequence == kept.sequence and row.hash != kept.hash:
        return f"row {row.sequence} has another hash than the one kept outside: the chain was rewritten"
    return ""


def _fault_at_end(link: AuditHead, head: AuditHead, kept: AuditHead | None) -> tuple[int | None, str]:
    if head.sequence > link.sequence:
        return link.sequence + 1, f"the newest rows are missing: the chain ends at row {link.sequence}, its head says {head.sequence}"
    if link != head:
        return link.sequence, f"the head says row {head.sequence} and another hash than the chain's last row, {link.sequence}"
    if kept is not None and kept.sequence > link.sequence:
        return (
            link.sequence + 1,
            f"the newest rows are missing: the chain ends at row {link.sequence}, the head kept outside says {kept.sequence}",
        )
    return None, ""
