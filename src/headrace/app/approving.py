"""Approvals and tokens."""

from headrace.app.errors import NothingToApprove
from headrace.app.models import label
from headrace.app.reports import ApprovalReport, TokenReport
from headrace.app.workspace import Workspace
from headrace.core.errors import UserError
from headrace.ledger import models
from headrace.ledger.identities import tokens_of
from headrace.spec.errors import UnknownName
from headrace.team.approving import ApprovalRule, approve
from headrace.team.errors import TokenRefused
from headrace.team.identity import TOKEN
from headrace.team.tokens import issue_token, revoke_token

ADMIN = "admin"
ISSUED_BY_COMMAND = "command line"


def approve_model(workspace: Workspace, model: str, comment: str) -> ApprovalReport:
    """Record the caller's approval of the model's newest version that waits.

    Raises:
        NothingToApprove: if none waits that is newer than the champion, which an older one was never compared with.
        ApprovalRefused: if the caller may not approve it.
    """
    rule = workspace.project.model(model).approve
    if not comment.strip():
        raise UserError(
            "an approval without a comment says nothing to whoever reads it later.",
            remedy="Say why: --comment 'recall is alike on every carrier'",
        )
    with workspace.ledger.read() as session:
        waiting = models.list_versions(session, workspace.project.name, model, state=models.AWAITING_APPROVAL, limit=1)
        newest = models.latest(session, workspace.project.name, model)
        serving = models.champion(session, workspace.project.name, model)
    if rule is None or not waiting or (serving is not None and waiting[0].number < serving.number):
        raise NothingToApprove(model, newest.state if newest else None)
    state = approve(workspace.ledger, workspace.identity, waiting[0].id, ApprovalRule(rule.role, rule.count), comment)
    return ApprovalReport(version=label(state.version), identity=workspace.identity.name, missing=state.missing)


def issue(workspace: Workspace, name: str) -> TokenReport:
    """Return a new token for a member of the team. Who has one already gets another only by showing it, or from an admin who shows theirs.

    Raises:
        UnknownName: if nobody of the team is called so.
        TokenRefused: if the caller may not.
    """
    _require_member(workspace, name)
    with workspace.ledger.read() as session:
        held = tokens_of(session, name, live=True)
    if held:
        _require_proof(workspace, name)
    token = issue_token(workspace.ledger, name, ISSUED_BY_COMMAND, issued_by=workspace.identity.name)
    return TokenReport(member=name, token=token)


def revoke(workspace: Workspace, name: str) -> TokenReport:
    """Revoke the tokens of a member of the team.

    Raises:
        UnknownName: if nobody of the team is called so.
        TokenRefused: if the caller shows neither a token of that member nor an admin's.
        NoSuchRecord: if there is none to revoke.
    """
    _require_member(workspace, name)
    _require_proof(workspace, name)
    revoked = revoke_token(workspace.ledger, name, ISSUED_BY_COMMAND, revoked_by=workspace.identity.name)
    return TokenReport(member=name, revoked=len(revoked))


def _require_member(workspace: Workspace, name: str) -> None:
    people = [person.name for person in workspace.project.team]
    if name not in people:
        raise UnknownName("person in the team", name, people)


def _require_proof(workspace: Workspace, name: str) -> None:
    identity = workspace.identity
    if identity.how != TOKEN or (identity.name != name and ADMIN not in identity.roles):
        raise TokenRefused(identity.name, name, ADMIN)
