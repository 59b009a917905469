"""What the sources that are asked have answered: which pages are kept for a table, and the position after them."""

from datetime import datetime

import msgspec

from headrace.ledger.schema import landing
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import selection


class NewLanding(msgspec.Struct, frozen=True, kw_only=True):
    """An answer about to be recorded.

    Attributes:
        name: the table it is for.
        declaration: the fingerprint of what was asked.
        columns: all columns of the rows, in the order in which they first came.
        pages: the blob of each page of rows with their number, in the order of the rows.
        rows: of all pages together.
        cursor: the position after the last row; None where everything is asked for each time.
    """

    project: str
    name: str
    declaration: str
    columns: list[str]
    pages: list[tuple[str, int]]
    rows: int
    cursor: str | int | float | None = None


class Landing(NewLanding, frozen=True, kw_only=True):
    """A recorded answer."""

    id: str
    actor: str
    landed: datetime


def record(session: Session, new: NewLanding) -> Landing:
    """Record an answer; those before it stay on record, as the runs that used them do."""
    made = Landing(**columns_of(new), id=session.next_id("lnd", landing), actor=session.actor, landed=session.now)
    session.insert(landing, columns_of(made))
    session.about(made.id, table=new.name, rows=new.rows, pages=len(new.pages), declaration=new.declaration)
    return made


def latest(session: Session, project: str, table: str) -> Landing | None:
    """Return the newest answer for a table, or None if it was never asked for."""
    newest = f"{selection(landing)} WHERE project = :project AND name = :name ORDER BY id DESC LIMIT 1"
    return session.first(Landing, newest, project=project, name=table)
