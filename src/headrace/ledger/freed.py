"""What was freed: the record of it stays, with when, by which rule and by whom."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from headrace.ledger.schema import freed
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import matching, selection

TABLE, BLOB, PREDICTIONS = "table", "blob", "predictions"


class NewFreed(msgspec.Struct, frozen=True, kw_only=True):
    """Something about to be freed.

    `kind` is table (`name` and `version` of the lake), blob (`name` is its hash) or predictions (rows of the log of them; `details` tell
    how many, and from before which moment). `rule` is for people.
    """

    project: str
    kind: str
    name: str
    rule: str
    version: int | None = None
    details: dict[str, Any] = {}


class Freed(NewFreed, frozen=True, kw_only=True):
    """Something that was freed."""

    id: str
    actor: str
    freed: datetime


def record(session: Session, several: Iterable[NewFreed]) -> None:
    """Record what is freed. It comes before the bytes go, so that nothing is ever gone without a word."""
    rows = [columns_of(Freed(**columns_of(new), id=session.new_id("fre"), actor=session.actor, freed=session.now)) for new in several]
    session.insert(freed, *rows)
    session.about("", freed=len(rows))


def find(session: Session, project: str, kind: str, name: str, version: int | None = None) -> Freed | None:
    """Return the newest record of something that was freed, or None if it never was."""
    return _newest(session, {"project": project, "kind": kind, "name": name, "version": version})


def find_blob(session: Session, name: str) -> Freed | None:
    """Return the newest record of a blob that was freed, by whichever project, or None."""
    return _newest(session, {"kind": BLOB, "name": name})


def _newest(session: Session, same: dict[str, Any]) -> Freed | None:
    return session.first(Freed, matching(selection(freed), same, "ORDER BY id DESC LIMIT 1"), **same)


def table_versions(session: Session, project: str) -> frozenset[tuple[str, int]]:
    """Return the table versions of a project that were freed, by name and version. A number is never used again."""
    found = session.rows("SELECT name, version FROM freed WHERE project = :project AND kind = :kind", project=project, kind=TABLE)
    return frozenset((row["name"], row["version"]) for row in found)
