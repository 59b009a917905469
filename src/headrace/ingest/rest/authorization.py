"""Saying who asks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode

import urllib3

from headrace.core.locations import Location
from headrace.ingest.errors import SourceChanged, SourceRefused
from headrace.ingest.rest.calls import Calls
from headrace.ingest.rest.connection import Answer, Question
from headrace.ingest.rest.redaction import Redactor
from headrace.spec.addresses import check_address
from headrace.spec.auth import ApiKey, Authentication, Basic, Bearer, ClientCredentials

# A token is not used up to its last moment: the question takes time to arrive.
_LEEWAY_SECONDS = 30.0


@dataclass(frozen=True)
class Proof:
    """What is added to a question."""

    headers: Mapping[str, str]
    params: Mapping[str, str]


class Authorizer(Protocol):
    """Gives proof of who asks."""

    def proof(self) -> Proof:
        """Return what is added to the next question."""
        ...

    def renew(self) -> bool:
        """Forget a proof that was refused; tell whether there can be another."""
        ...


@dataclass(frozen=True)
class Fixed:
    """The same proof always."""

    given: Proof

    def proof(self) -> Proof:
        """Return it."""
        return self.given

    def renew(self) -> bool:
        """There is no other."""
        return False


class Token:
    """A token for a client's id and secret (RFC 6749 section 4.4), asked for when it is first needed and when it has expired."""

    def __init__(self, auth: ClientCredentials, redactor: Redactor, calls: Calls) -> None:
        self._auth, self._redactor, self._calls = auth, redactor, calls
        self._token, self._until = "", 0.0

    def proof(self) -> Proof:
        """Return the token that is good, or a new one.

        Raises:
            SourceRefused: if the token's server refuses; SourceUnreachable, SourceChanged: as `Calls.ask` says.
        """
        if not self._token or time.monotonic() >= self._until:
            self._ask()
        return Proof({"Authorization": f"Bearer {self._token}"}, {})

    def renew(self) -> bool:
        """Forget the token, so that the next proof is a new one."""
        self._token = ""
        return True

    def _ask(self) -> None:
        auth, fill = self._auth, self._redactor.fill
        client, secret = fill(auth.client_id), fill(auth.client_secret)
        url = fill(auth.token_url)
        check_address("the token_url of auth.client_credentials()", url, secret=True, location=auth.location)
        form = {"grant_type": "client_credentials"} | ({"scope": auth.scope} if auth.scope else {})
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if auth.where == "body":
            form |= {"client_id": client, "client_secret": secret}
        else:
            headers |= _basic(quote_plus(client), quote_plus(secret), self._redactor)
        question = Question(url, headers, urlencode(form).encode())
        self._take(question, self._calls.ask(question))

    def _take(self, question: Question, answer: Answer) -> None:
        place = self._calls.place(question)
        if answer.status >= 400:
            remedy = "Check client_id, client_secret and scope of auth.client_credentials()."
            raise SourceRefused(place, self._calls.told(answer), remedy, self._auth.location)
        value: Any = answer.value if isinstance(answer.value, dict) else {}
        token, kind = value.get("access_token"), value.get("token_type", "bearer")
        if not isinstance(token, str) or not token or str(kind).lower() != "bearer":
            problem = "it gives no access_token of type bearer"
            raise SourceChanged(place, problem, "Check token_url of auth.client_credentials().", self._auth.location)
        self._redactor.hide(token)
        lasts = value.get("expires_in")
        seconds = float(lasts) if isinstance(lasts, int | float) or (isinstance(lasts, str) and lasts.isdecimal()) else float("inf")
        self._token, self._until = token, time.monotonic() + max(seconds - _LEEWAY_SECONDS, seconds / 2)


def authorizer_of(auth: Authentication | None, redactor: Redactor, calls: Calls) -> Authorizer:
    """Return what gives proof for a declaration.

    Raises:
        SecretMissing: if it names a secret that is not there.
    """
    match auth:
        case ApiKey():
            value = _one_line(redactor.fill(auth.value), auth.location)
            return Fixed(Proof({auth.name: value}, {}) if auth.where == "header" else Proof({}, {auth.name: value}))
        case Bearer():
            return Fixed(Proof({"Authorization": f"Bearer {_one_line(redactor.fill(auth.token), auth.location)}"}, {}))
        case Basic():
            return Fixed(Proof(_basic(redactor.fill(auth.user), redactor.fill(auth.password), redactor), {}))
        case ClientCredentials():
            for text in (auth.client_id, auth.client_secret, auth.token_url):
                redactor.fill(text)
            return Token(auth, redactor, calls)
    return Fixed(Proof({}, {}))


def _basic(user: str, password: str, redactor: Redactor) -> Mapping[str, str]:
    redactor.hide(f"{user}:{password}")
    # As UTF-8, which RFC 7617 lets the server ask for; the library would take Latin-1.
    headers = urllib3.make_headers(basic_auth=f"{user}:{password}".encode().decode("latin-1"))
    return {"Authorization": headers["authorization"]}


def _one_line(value: str, location: Location | None) -> str:
    if not (value.isascii() and value.isprintable()):
        problem = "the secret that was given for it is not one line of plain ASCII"
        raise SourceRefused("the request", problem, "Check the environment variable or the file that holds it.", location)
    return value
