"""Issuing and revoking tokens. The text of a token is shown once; the ledger keeps its SHA-256."""

import hashlib
import secrets

from headrace.ledger import identities
from headrace.ledger.identities import Token
from headrace.ledger.store import Ledger

_PREFIX = "hr_"
_RANDOM_BYTES = 32


def token_hash(text: str) -> str:
    """Return what the ledger keeps of a token."""
    return hashlib.sha256(text.encode()).hexdigest()


def issue_token(ledger: Ledger, identity: str, name: str, *, issued_by: str | None = None) -> str:
    """Issue a token to an identity and return its text, which is never seen again. `name` says where it will be used."""
    text = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    with ledger.write(issued_by or identity, "token.issue") as session:
        identities.add_token(session, identity, name, token_hash(text))
    return text


def revoke_token(ledger: Ledger, identity: str, name: str, *, revoked_by: str | None = None) -> tuple[Token, ...]:
    """Revoke the live tokens of an identity with this name and return them, without their texts.

    Raises:
        NoSuchRecord: if there is none.
    """
    with ledger.write(revoked_by or identity, "token.revoke") as session:
        return identities.revoke_token(session, identity, name)
