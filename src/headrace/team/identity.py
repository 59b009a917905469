"""Who is asking, and by what proof."""

import getpass
import os
import sys
from collections.abc import Iterable, Mapping

import msgspec

from headrace.ledger import identities
from headrace.ledger.store import Ledger
from headrace.spec.people import Person
from headrace.team.errors import NoIdentity, RevokedToken, TokenRequired, UnknownToken
from headrace.team.tokens import token_hash

if sys.platform != "win32":
    import pwd

TOKEN, VARIABLE, SYSTEM = "token", "HEADRACE_USER", "operating system"


class Identity(msgspec.Struct, frozen=True):
    """Who is asking. `roles` are those the project's team gives them; `how` is what says so: token, HEADRACE_USER or operating system."""

    name: str
    roles: tuple[str, ...] = ()
    how: str = SYSTEM


def current_identity(environment: Mapping[str, str], ledger: Ledger, people: Iterable[Person]) -> Identity:
    """Return who is asking: the holder of HEADRACE_TOKEN, else HEADRACE_USER, else the operating system's user.

    A name without a token is taken on trust: it keeps an honest team in order, and stops nobody else. Whoever holds a live token is
    believed only with it, so issue one to everyone who approves. A person outside the team has no roles.

    Raises:
        UnknownToken: for a token that was never issued.
        RevokedToken: for one that is no longer valid.
        TokenRequired: if the named person holds a live token and does not present it.
        NoIdentity: if nothing says who is asking.
    """
    name, how = _name(environment, ledger)
    roles = next((person.roles for person in people if person.name == name), ())
    return Identity(name, roles, how)


def _name(environment: Mapping[str, str], ledger: Ledger) -> tuple[str, str]:
    presented = environment.get("HEADRACE_TOKEN", "").strip()
    if presented:
        return _holder(presented, ledger), TOKEN
    claimed = environment.get("HEADRACE_USER", "").strip()
    name = claimed or _system_user()
    with ledger.read() as session:
        held = identities.tokens_of(session, name, live=True)
    if held:
        raise TokenRequired(name, [token.name for token in held])
    return name, VARIABLE if claimed else SYSTEM


def _holder(presented: str, ledger: Ledger) -> str:
    with ledger.read() as session:
        token = identities.find_token(session, token_hash(presented))
    if token is None:
        raise UnknownToken
    if token.revoked is not None:
        raise RevokedToken(token)
    return token.identity


def _system_user() -> str:
    """Return the user that the operating system runs us as; on Unix not what LOGNAME claims."""
    try:
        return getpass.getuser() if sys.platform == "win32" else pwd.getpwuid(os.getuid()).pw_name
    except (OSError, KeyError) as error:  # a container may run as a number that has no name
        raise NoIdentity from error
