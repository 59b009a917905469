"""The rules of approval: enough people with the role, none of them the one who ran the training."""

import msgspec

from headrace.ledger import approvals, models, runs
from headrace.ledger.approvals import Approval
from headrace.ledger.models import ModelVersion
from headrace.ledger.session import Session
from headrace.ledger.store import Ledger
from headrace.team.errors import ApprovalRefused
from headrace.team.identity import Identity


class ApprovalRule(msgspec.Struct, frozen=True):
    """So many different people with a role must agree."""

    role: str
    count: int = 1


class ApprovalState(msgspec.Struct, frozen=True):
    """Where a model version stands: its approvals so far and how many are still missing."""

    version: ModelVersion
    approvals: tuple[Approval, ...]
    missing: int

    @property
    def complete(self) -> bool:
        """Whether enough people agree."""
        return self.missing == 0


def approve(ledger: Ledger, identity: Identity, version_id: str, rule: ApprovalRule, comment: str = "") -> ApprovalState:
    """Record that an identity agrees to a model version.

    When it is the last one needed, the version becomes champion and the one before it is retired, in the same transaction.

    Raises:
        ApprovalRefused: if the identity lacks the role, ran the training or has approved before; if the version does not wait for approval.
        NoSuchRecord: if there is no such version.
    """
    with ledger.write(identity.name, "model.approve", version_id, proof=identity.how) as session:
        version = models.get(session, version_id)
        given = approvals.of_version(session, version_id)
        _check(session, identity, version, rule, given)
        given = (*given, approvals.add(session, version_id, role=rule.role, comment=comment))
        missing = max(0, rule.count - len(given))
        if not missing:
            models.change_state(session, version_id, models.APPROVED, reason=f"{len(given)} of {rule.count} approvals")
            version = models.promote(session, version_id)
        return ApprovalState(version, given, missing)


def approval_state(session: Session, version_id: str, rule: ApprovalRule) -> ApprovalState:
    """Return where a model version stands.

    Raises:
        NoSuchRecord: if there is no such version.
    """
    given = approvals.of_version(session, version_id)
    return ApprovalState(models.get(session, version_id), given, max(0, rule.count - len(given)))


def _check(session: Session, identity: Identity, version: ModelVersion, rule: ApprovalRule, given: tuple[Approval, ...]) -> None:
    if version.state != models.AWAITING_APPROVAL:
        raise ApprovalRefused(
            f"{version.label} is {version.state!r}; it does not wait for approval.",
            remedy="See `headrace status` for the versions that do.",
        )
    if rule.role not in identity.roles:
        held = ", ".join(identity.roles) or "none"
        raise ApprovalRefused(
            f"{identity.name!r} may not approve {version.label}: it takes the role {rule.role!r}; theirs: {held}.",
            remedy="Ask someone who has it, or change the project's team=.",
        )
    if runs.get(session, version.run_id).actor == identity.name:
        raise ApprovalRefused(
            f"{identity.name!r} ran the training of {version.label} and may not approve it.",
            remedy=f"Ask someone else with the role {rule.role!r}.",
        )
    if any(each.identity == identity.name for each in given):
        raise ApprovalRefused(
            f"{identity.name!r} has already approved {version.label}.",
            remedy=f"It has {len(given)} of {rule.count} approvals; ask someone else with the role {rule.role!r}.",
        )
