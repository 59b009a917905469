"""Who agreed that a model version may serve. The rules are `headrace.team.approving`'s; here they are only kept."""

from datetime import datetime

import msgspec

from headrace.ledger.schema import approval
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import selection


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One person's agreement, in a role."""

    id: str
    model_version_id: str
    identity: str
    role: str
    comment: str
    given: datetime


def add(session: Session, model_version_id: str, *, role: str, comment: str) -> Approval:
    """Record that the session's actor agrees."""
    given = Approval(
        id=session.next_id("app", approval),
        model_version_id=model_version_id,
        identity=session.actor,
        role=role,
        comment=comment,
        given=session.now,
    )
    session.insert(approval, columns_of(given))
    session.about(model_version_id, approval=given.id, role=role, comment=comment)
    return given


def of_version(session: Session, model_version_id: str) -> tuple[Approval, ...]:
    """Return the approvals of a model version in the order they were given."""
    return session.all(Approval, f"{selection(approval)} WHERE model_version_id = :version ORDER BY id", version=model_version_id)
