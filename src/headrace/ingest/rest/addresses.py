"""The address of a question: with its query, as it is shown to people, and whether another address may be trusted like it."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote_plus, urlsplit, urlunsplit

_SECRET_NAME = re.compile(r".*(key|token|secret|password|signature|sig|auth|credential).*", re.IGNORECASE)
_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^\s;,"]+))*)')
_ATTRIBUTE = re.compile(r';\s*([\w*]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))')


def with_query(url: str, params: Mapping[str, str]) -> str:
    """Return the address with these parameters, in place of those of the same names that it has."""
    parts = urlsplit(url)
    pairs = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in params] + list(params.items())
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def without_secrets(url: str) -> str:
    """Return the address with the values of parameters that sound like secrets hidden."""
    parts = urlsplit(url)
    pairs = [(name, "***" if _SECRET_NAME.fullmatch(name) else value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "&".join(f"{name}={value}" for name, value in pairs), ""))


def same_origin(one: str, other: str) -> bool:
    """Tell whether two addresses have the same scheme, host and port: what is told one may be told the other."""
    try:
        return _origin(one) == _origin(other)
    except ValueError:
        return False


def next_link(header: str) -> str | None:
    """Return the address that a header `Link` (RFC 8288) calls `next`."""
    for address, attributes in _LINK.findall(header):
        for name, quoted, plain in _ATTRIBUTE.findall(attributes):
            if name.lower() == "rel" and "next" in (quoted or plain).lower().split():
                return str(address)
    return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
