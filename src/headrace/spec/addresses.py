"""Addresses of what is asked over HTTP: whole, without passwords, and encrypted where a secret travels."""

from urllib.parse import SplitResult, urlsplit

from headrace.core.hosts import is_loopback
from headrace.core.locations import Location
from headrace.core.secrets import placeholders
from headrace.spec.errors import InvalidOption, SpecError


def check_address(option: str, url: str, *, secret: bool, location: Location | None) -> None:
    """Check the address of an API; `secret` tells whether a secret is sent there. One that begins with `${` is checked when it is filled.

    Raises:
        InvalidOption: if it is no absolute http or https address, or has a query.
        SpecError: if it holds a password, or a secret would travel unencrypted.
    """
    if url.startswith("${"):
        return
    parts = _split(option, url, location)
    if "@" in parts.netloc:
        raise SpecError(
            f"{option} holds a user or a password.", remedy='Write auth=hr.auth.basic("user", "${PASSWORD}").', location=location
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidOption(option, url.partition("?")[0], "https://host/path; what follows a ? goes into params={...}", location=location)
    if secret and parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SpecError(
            f"{option}, {url!r}, would carry a secret over plain http, where others can read it.",
            remedy="Write https://. Plain http is for sources without secrets, and for this machine itself.",
            location=location,
        )


def _split(option: str, url: str, location: Location | None) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = None if placeholders(url) else parts.port
    except ValueError as error:
        raise InvalidOption(option, url.partition("?")[0], f"https://host/path ({error})", location=location) from error
    return parts
