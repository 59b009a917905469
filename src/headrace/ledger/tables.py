"""Table versions, with their pinned types, counts and profile, and what their contracts found."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from headrace.ledger.errors import InconsistentCounts, NoSuchRecord
from headrace.ledger.schema import contract_result, table_version
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import selection


class NewTableVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a table about to be recorded. `version` and `quarantine_version` are the lake's, `types` the pinned ones by column."""

    project: str
    name: str
    version: int
    fingerprint: str
    types: dict[str, str]
    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int
    quarantine_version: int | None = None
    profile: dict[str, Any] = {}
    run_id: str | None = None


class TableVersion(NewTableVersion, frozen=True, kw_only=True):
    """A recorded version of a table."""

    id: str
    created: datetime


class ContractResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule of a contract found. `severity` is warn, quarantine or stop; info for what was done or taken for granted."""

    rule: str
    severity: str
    passed: bool
    failing_rows: int
    message: str = ""


def record(session: Session, new: NewTableVersion, results: Iterable[ContractResult] = ()) -> TableVersion:
    """Record a version of a table and what its contract found, in the order of the rules.

    Raises:
        InconsistentCounts: unless rows_in = accepted + quarantined + duplicates.
    """
    if new.rows_in != new.accepted + new.quarantined + new.duplicates:
        raise InconsistentCounts(new.name, new.rows_in, new.accepted, new.quarantined, new.duplicates)
    made = TableVersion(**columns_of(new), id=session.next_id("tab", table_version), created=session.now)
    session.insert(table_version, columns_of(made))
    rows = [{"table_version_id": made.id, "position": position, **columns_of(result)} for position, result in enumerate(results)]
    session.insert(contract_result, *rows)
    session.about(
        made.id, table=new.name, version=new.version, fingerprint=new.fingerprint, accepted=new.accepted, quarantined=new.quarantined
    )
    return made


def get(session: Session, version_id: str) -> TableVersion:
    """Return a version by its id.

    Raises:
        NoSuchRecord: if there is none.
    """
    found = session.first(TableVersion, f"{selection(table_version)} WHERE id = :id", id=version_id)
    if found is None:
        raise NoSuchRecord("table version", version_id)
    return found


def latest(session: Session, project: str, table: str) -> TableVersion | None:
    """Return the newest version of a table, or None if it never was recorded."""
    found = list_versions(session, project, table, limit=1)
    return found[0] if found else None


def list_versions(session: Session, project: str, table: str, *, limit: int = 20) -> tuple[TableVersion, ...]:
    """Return the versions of a table, newest first."""
    newest = f"{selection(table_version)} WHERE project = :project AND name = :name ORDER BY id DESC LIMIT :limit"
    return session.all(TableVersion, newest, project=project, name=table, limit=limit)


def contract_results(session: Session, version_id: str) -> tuple[ContractResult, ...]:
    """Return what the contract found in a version, in the order of its rules."""
    found = "SELECT rule, severity, passed, failing_rows, message FROM contract_result WHERE table_version_id = :version ORDER BY position"
    return session.all(ContractResult, found, version=version_id)
