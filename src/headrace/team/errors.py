"""Errors of the team.

UserError
├── UnknownToken      a token that was never issued
├── RevokedToken      a token that is no longer valid
├── TokenRequired     a name claimed without the token its holder has
├── NoIdentity        nothing says who is asking
├── TokenRefused      a token for somebody who has one, asked for without proof
└── ApprovalRefused   an approval that the rules do not allow
"""

from collections.abc import Iterable

from headrace.core.errors import UserError
from headrace.ledger.identities import Token


class UnknownToken(UserError):
    """A token that was never issued."""

    def __init__(self) -> None:
        super().__init__(
            "the token in HEADRACE_TOKEN is not one that this ledger issued.",
            remedy="Copy it again whole, or have a new one issued; unset HEADRACE_TOKEN to go without.",
        )


class RevokedToken(UserError):
    """A token that is no longer valid."""

    def __init__(self, token: Token) -> None:
        super().__init__(
            f"the token {token.name!r} of {token.identity!r} was revoked at {token.revoked:%Y-%m-%d %H:%M} UTC.",
            remedy="Have a new one issued, and put it in HEADRACE_TOKEN.",
        )


class TokenRequired(UserError):
    """A name claimed without the token its holder has."""

    def __init__(self, name: str, tokens: Iterable[str]) -> None:
        super().__init__(
            f"{name!r} holds a token ({', '.join(tokens)}) and must present it.",
            remedy="Put the token in HEADRACE_TOKEN. If it is lost, somebody with the role 'admin' can revoke it: headrace token revoke",
        )


class NoIdentity(UserError):
    """Nothing says who is asking."""

    def __init__(self) -> None:
        super().__init__(
            "nothing says who is asking: there is no token, no HEADRACE_USER, and the operating system knows no user.",
            remedy="Set HEADRACE_USER to your name in the project's team.",
        )


class TokenRefused(UserError):
    """A token for somebody who has one, asked for without proof."""

    def __init__(self, asking: str, name: str, admin: str) -> None:
        super().__init__(
            f"{asking!r} may not change the tokens of {name!r}.",
            remedy=f"Put a live token of {name!r} in HEADRACE_TOKEN, or that of somebody with the role {admin!r}.",
        )


class ApprovalRefused(UserError):
    """An approval that the rules do not allow."""
