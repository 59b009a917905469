"""How a source that is asked knows who asks. Secrets are written as `${NAME}` and never plainly."""

from collections.abc import Iterator

from headrace.core.locations import Location, caller_location
from headrace.core.secrets import placeholders
from headrace.spec.addresses import check_address
from headrace.spec.declaration import Declaration
from headrace.spec.errors import InvalidOption, SpecError

PLACES = ("header", "query")
TOKEN_PLACES = ("header", "body")


class Authentication(Declaration, frozen=True, kw_only=True):
    """A way to prove who asks."""


class ApiKey(Authentication, frozen=True, kw_only=True):
    """A key in a header or in the query."""

    name: str
    value: str
    where: str


class Bearer(Authentication, frozen=True, kw_only=True):
    """A token, `Authorization: Bearer` (RFC 6750)."""

    token: str


class Basic(Authentication, frozen=True, kw_only=True):
    """A user and a password (RFC 7617)."""

    user: str
    password: str


class ClientCredentials(Authentication, frozen=True, kw_only=True):
    """A token that the client gets for its own id and secret (OAuth 2, RFC 6749 section 4.4), asked for again when it has expired."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str
    where: str


def api_key(name: str, value: str, where: str = "header") -> ApiKey:
    """A key called `name`, in a `header` or in the `query`.

    >>> api_key("X-Api-Key", "${SHOP_KEY}").where
    'header'
    """
    _require_choice("where of auth.api_key()", where, PLACES)
    require_placeholder("the value of auth.api_key()", value, caller_location())
    return ApiKey(name=name, value=value, where=where)


def bearer(token: str) -> Bearer:
    """A token in the header `Authorization`."""
    require_placeholder("the token of auth.bearer()", token, caller_location())
    return Bearer(token=token)


def basic(user: str, password: str) -> Basic:
    """A user's name and a password."""
    require_placeholder("the password of auth.basic()", password, caller_location())
    return Basic(user=user, password=password)


def client_credentials(token_url: str, client_id: str, client_secret: str, scope: str = "", where: str = "header") -> ClientCredentials:
    """A token from `token_url` for a client's id and secret; these go into the `header` (what the standard asks for) or into the `body`."""
    _require_choice("where of auth.client_credentials()", where, TOKEN_PLACES)
    require_placeholder("the client_secret of auth.client_credentials()", client_secret, caller_location())
    check_address("the token_url of auth.client_credentials()", token_url, secret=True, location=caller_location())
    return ClientCredentials(token_url=token_url, client_id=client_id, client_secret=client_secret, scope=scope, where=where)


def secret_texts(auth: Authentication | None) -> Iterator[str]:
    """Give the texts of a declaration that hold secrets."""
    match auth:
        case ApiKey():
            yield auth.value
        case Bearer():
            yield auth.token
        case Basic():
            yield auth.password
        case ClientCredentials():
            yield auth.client_secret


def require_placeholder(option: str, text: str, location: Location | None) -> None:
    """Check that a secret is named, not written down; it is not repeated in the error.

    Raises:
        SpecError: if it is written plainly.
    """
    if not placeholders(text):
        raise SpecError(
            f"{option} is written plainly, where everyone who reads the project sees it.",
            remedy="Write ${NAME}, and set the environment variable NAME, or NAME_FILE to the path of a file that holds it.",
            location=location,
        )


def _require_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidOption(option, value, " or ".join(map(repr, choices)), location=caller_location())
