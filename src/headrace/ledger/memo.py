"""The memory of what steps gave, by fingerprint: shared by the runs and projects that share a ledger."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from headrace.ledger.schema import memo
from headrace.ledger.session import Session
from headrace.ledger.statements import listed

_BATCH = 500  # parameters in one statement; stores cap them


def find(session: Session, fingerprint: str) -> dict[str, Any] | None:
    """Return what the step with this fingerprint gave, or None if none ever finished."""
    return find_many(session, [fingerprint]).get(fingerprint)


def find_many(session: Session, fingerprints: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the outputs that are known, by fingerprint."""
    found: dict[str, dict[str, Any]] = {}
    wanted = iter(fingerprints)
    while some := tuple(islice(wanted, _BATCH)):
        condition, values = listed("fingerprint", some)
        rows = session.rows(" ".join(("SELECT fingerprint, output FROM memo WHERE", condition)), **values)
        found.update((row["fingerprint"], row["output"]) for row in rows)
    return found


def save(session: Session, fingerprint: str, step_name: str, output: dict[str, Any]) -> None:
    """Keep an output; saving the same fingerprint again replaces it."""
    session.replace(memo, {"fingerprint": fingerprint, "step_name": step_name, "output": output, "saved": session.now})
    session.about(fingerprint)
