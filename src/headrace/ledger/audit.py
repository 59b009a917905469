"""The audit: one row for each write, each carrying the hash of the one before it.

What the chain proves: that no audit row was edited, removed, swapped or put in between by anyone who cannot also rewrite all later
rows and the head. Triggers refuse UPDATE and DELETE, so that neither a mistake nor a program can do it in passing; the head, kept
apart, shows when the newest rows are missing.

What it does not prove: someone who may change the schema of the database can drop the triggers, rewrite the whole chain and its head,
and nothing inside will show it. Against that, keep `Ledger.head()` where they cannot reach it (a mail, a ticket, another machine) and
give it to `verification.verify_audit(kept=...)`. Nor does it protect the other tables: what must be provable is in the audit row's
details. Nor does it prove that an actor is who they say: that is as good as their token is kept.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

import msgspec

from headrace.core.errors import UserError
from headrace.ledger.database import Connection
from headrace.ledger.errors import LedgerDamaged
from headrace.ledger.schema import audit
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import insertion, matching, selection
from headrace.ledger.types import canonical_json

_HEAD = "SELECT sequence, hash FROM audit_head"
_MOVE_HEAD = "UPDATE audit_head SET sequence = :sequence, hash = :hash"


class AuditHead(msgspec.Struct, frozen=True):
    """The newest audit row's number and hash; `str` gives a line to keep outside the ledger, which `parse` reads."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> "AuditHead":
        """Read what `str` wrote.

        Raises:
            UserError: if it is no such text.
        """
        sequence, _, digest = text.strip().partition(":")
        if not sequence.isdecimal() or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise UserError(
                f"{text!r} is not the head of an audit chain.",
                remedy="Give the line as it was printed: a number, a colon, 64 hexadecimal digits.",
            )
        return cls(int(sequence), digest)


class Entry(msgspec.Struct, frozen=True):
    """What a write says of itself."""

    moment: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]


class AuditRow(msgspec.Struct, frozen=True):
    """A row of the audit."""

    sequence: int
    moment: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    previous_hash: str
    hash: str


def lock_head(connection: Connection, url: str) -> AuditHead:
    """Return the head and keep other writers waiting until the transaction ends."""
    return _first(connection, f"{_HEAD} {connection.dialect.row_lock}", url)


def read_head(connection: Connection, url: str) -> AuditHead:
    """Return the head."""
    return _first(connection, _HEAD, url)


def _first(connection: Connection, statement: str, url: str) -> AuditHead:
    found = connection.rows(statement)
    if not found:
        raise LedgerDamaged(url)
    return AuditHead(**found[0])


def append(connection: Connection, head: AuditHead, entry: Entry) -> None:
    """Add a row after the head and move the head."""
    details = json.loads(canonical_json(entry.details))  # as it will be read back
    row = AuditRow(head.sequence + 1, entry.moment, entry.actor, entry.action, entry.subject, details, head.hash, "")
    digest = row_hash(row)
    connection.run(insertion(audit, AuditRow.__struct_fields__), columns_of(row) | {"hash": digest})
    connection.run(_MOVE_HEAD, {"sequence": row.sequence, "hash": digest})


def row_hash(row: AuditRow) -> str:
    """Return SHA-256 of the canonical JSON of a row, its own hash left out and that of the row before it included."""
    content = [
        row.sequence,
        row.moment.isoformat(timespec="microseconds"),
        row.actor,
        row.action,
        row.subject,
        row.details,
        row.previous_hash,
    ]
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def entries(session: Session, *, subject: str | None = None, limit: int = 100) -> tuple[AuditRow, ...]:
    """Return the newest rows, newest first; those about one subject if given."""
    newest = matching(selection(audit), {"subject": subject}, "ORDER BY sequence DESC LIMIT :limit")
    return session.all(AuditRow, newest, subject=subject, limit=limit)


def first_hash(connection: Connection) -> str | None:
    """Return the hash of the first row, None while there is none: no other ledger has the same."""
    return next((row["hash"] for row in connection.rows("SELECT hash FROM audit ORDER BY sequence LIMIT 1")), None)
