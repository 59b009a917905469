"""Tokens: the proof of who is asking. Only their SHA-256 is kept; a token has 256 random bits, so that needs no salt and no slow hash."""

from datetime import datetime

import msgspec

from headrace.ledger.errors import NoSuchRecord
from headrace.ledger.schema import token
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import matching, selection


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An issued token, without its text. `name` says where it is used; it is revoked if `revoked` is set."""

    id: str
    identity: str
    name: str
    hash: str
    issued_by: str
    issued: datetime
    revoked: datetime | None = None


def add_token(session: Session, identity: str, name: str, token_hash: str) -> Token:
    """Record a token of an identity, issued by the session's actor."""
    made = Token(id=session.new_id("tok"), identity=identity, name=name, hash=token_hash, issued_by=session.actor, issued=session.now)
    session.insert(token, columns_of(made))
    session.about(made.id, identity=identity, name=name)
    return made


def find_token(session: Session, token_hash: str) -> Token | None:
    """Return the token with this hash, revoked or not, or None."""
    return session.first(Token, f"{selection(token)} WHERE hash = :hash", hash=token_hash)


def tokens_of(session: Session, identity: str | None = None, *, live: bool = False) -> tuple[Token, ...]:
    """Return tokens, oldest first: an identity's or all; with `live` only those not revoked."""
    found = session.all(Token, matching(selection(token), {"identity": identity}, "ORDER BY id"), identity=identity)
    return tuple(each for each in found if each.revoked is None) if live else found


def revoke_token(session: Session, identity: str, name: str) -> tuple[Token, ...]:
    """Revoke the live tokens of an identity with this name and return them.

    Raises:
        NoSuchRecord: if there is none.
    """
    doomed = [each for each in tokens_of(session, identity, live=True) if each.name == name]
    if not doomed:
        live = ", ".join(sorted({each.name for each in tokens_of(session, identity, live=True)})) or "none"
        raise NoSuchRecord("live token", name, remedy=f"Live tokens of {identity}: {live}.")
    session.connection.run(
        "UPDATE token SET revoked = :revoked WHERE id = :id", *({"id": each.id, "revoked": session.now} for each in doomed)
    )
    session.about(doomed[0].id, identity=identity, name=name)
    return tuple(msgspec.structs.replace(each, revoked=session.now) for each in doomed)
