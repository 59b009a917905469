from concurrent.futures import ThreadPoolExecutor

import pytest

from headrace.ledger import audit, models
from headrace.ledger.models import NewModelVersion
from headrace.ledger.store import Ledger
from headrace.team.approving import ApprovalRule, ApprovalState, approval_state, approve
from headrace.team.errors import ApprovalRefused
from headrace.team.identity import Identity

ONE, TWO = ApprovalRule("reviewer"), ApprovalRule("reviewer", 2)
ANA, BOB, RITA = (Identity(name, ("reviewer",)) for name in ("ana", "bob", "rita"))


@pytest.fixture
def version_id(ledger: Ledger, run_id: str) -> str:
    """A version that rita trained and that waits for approval, beside a champion."""
    new = NewModelVersion(project="flights", model="late", run_id=run_id, candidate="Logistic", task="binary")
    with ledger.write("rita", "model.create") as session:
        champion = models.create(session, new).id
        models.change_state(session, champion, models.APPROVED)
        models.promote(session, champion)
        waiting = models.create(session, new).id
        models.change_state(session, waiting, models.AWAITING_APPROVAL)
    return waiting


def test_the_last_approval_makes_the_champion(ledger: Ledger, version_id: str) -> None:
    first = approve(ledger, ANA, version_id, TWO, "reads well")
    assert (first.missing, first.complete, first.version.state) == (1, False, "awaiting_approval")
    second = approve(ledger, BOB, version_id, TWO)
    assert (second.complete, second.version.state) == (True, "champion")
    assert [(each.identity, each.comment) for each in second.approvals] == [("ana", "reads well"), ("bob", "")]
    with ledger.read() as session:
        assert models.champion(session, "flights", "late").id == version_id
        assert models.find(session, "flights", "late", 1).state == "retired"
        (row, *_) = audit.entries(session, subject=version_id)
    assert (row.actor, row.action, row.details["role"], len(row.details["transitions"])) == ("bob", "model.approve", "reviewer", 3)


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (Identity("ana", ("trainer",)), "takes the role 'reviewer'; theirs: trainer"),
        (Identity("zoe"), "theirs: none"),
        (RITA, "ran the training"),
    ],
)
def test_who_may_not_approve_is_told_why(ledger: Ledger, version_id: str, identity: Identity, reason: str) -> None:
    before = ledger.head()
    with pytest.raises(ApprovalRefused, match=reason):
        approve(ledger, identity, version_id, ONE)
    assert ledger.head() == before


def test_nobody_approves_twice(ledger: Ledger, version_id: str) -> None:
    approve(ledger, ANA, version_id, TWO)
    with pytest.raises(ApprovalRefused, match="already approved late@2"):
        approve(ledger, ANA, version_id, TWO)


def test_a_version_that_does_not_wait_is_refused(ledger: Ledger, version_id: str) -> None:
    approve(ledger, ANA, version_id, ONE)
    with pytest.raises(ApprovalRefused, match="'champion'"):
        approve(ledger, BOB, version_id, ONE)


def test_the_state_tells_who_is_missing(ledger: Ledger, version_id: str) -> None:
    with ledger.read() as session:
        waiting = approval_state(session, version_id, TWO)
    assert (waiting.approvals, waiting.missing) == ((), 2)
    given = approve(ledger, ANA, version_id, TWO)
    with ledger.read() as session:
        assert approval_state(session, version_id, TWO) == given


def test_approvals_at_once_promote_once(ledger: Ledger, version_id: str) -> None:
    def attempt(number: int) -> ApprovalState | ApprovalRefused:
        try:
            return approve(ledger, Identity(f"person {number}", ("reviewer",)), version_id, TWO)
        except ApprovalRefused as refusal:
            return refusal

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(attempt, range(6)))
    assert sum(isinstance(answer, ApprovalRefused) for answer in answers) == 4
    assert sorted(answer.missing for answer in answers if isinstance(answer, ApprovalState)) == [0, 1]
