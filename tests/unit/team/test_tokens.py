from pathlib import Path

import pytest

from headrace.ledger import audit, identities
from headrace.ledger.errors import NoSuchRecord
from headrace.ledger.store import Ledger
from headrace.team.tokens import issue_token, revoke_token, token_hash


def test_a_token_is_kept_only_as_its_hash(ledger: Ledger) -> None:
    text = issue_token(ledger, "ana", "laptop", issued_by="rita")
    with ledger.read() as session:
        (kept,) = identities.tokens_of(session)
        (row,) = audit.entries(session)
    assert (kept.identity, kept.issued_by, kept.hash, kept.revoked) == ("ana", "rita", token_hash(text), None)
    assert (row.actor, row.action, row.subject) == ("rita", "token.issue", kept.id)
    ledger.close()
    assert not any(text.encode() in file.read_bytes() for file in Path(ledger.url).parent.iterdir())


def test_tokens_differ(ledger: Ledger) -> None:
    first, second = (issue_token(ledger, "ana", name) for name in ("laptop", "server"))
    assert first != second
    assert len(first) >= 43


def test_revoking_leaves_the_others(ledger: Ledger) -> None:
    for name in ("laptop", "server"):
        issue_token(ledger, "ana", name)
    (revoked,) = revoke_token(ledger, "ana", "laptop", revoked_by="rita")
    assert revoked.revoked == ledger.clock.now()
    with ledger.read() as session:
        assert [token.name for token in identities.tokens_of(session, "ana", live=True)] == ["server"]
        assert [token.name for token in identities.tokens_of(session, "ana")] == ["laptop", "server"]


def test_an_unknown_name_lists_the_live_ones(ledger: Ledger) -> None:
    issue_token(ledger, "ana", "laptop")
    with pytest.raises(NoSuchRecord, match="'lap'") as caught:
        revoke_token(ledger, "ana", "lap")
    assert "laptop" in caught.value.remedy
