"""Approvals and tokens."""

from headrace.app.errors import NothingToApprove
from headrace.app.models import label
from headrace.app.reports import ApprovalReport
from headrace.app.workspace import Workspace
from headrace.core.errors import UserError
from headrace.ledger import models
from headrace.spec.errors import UnknownName
from headrace.team.approving import ApprovalRule, approve
from headrace.team.tokens import issue_token


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


def issue(workspace: Workspace, name: str) -> str:
    """Return a new token for a member of the team.

    Raises:
        UnknownName: if nobody of the team is called so.
    """
    people = [person.name for person in workspace.project.team]
    if name not in people:
        raise UnknownName("person in the team", name, people)
    return issue_token(workspace.ledger, name, "command line", issued_by=workspace.identity.name)
