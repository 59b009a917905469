"""One attempt at one question: sent, followed where it may be followed, read to the end or given up, decoded."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain, islice
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
import urllib3

from headrace.core.hosts import is_loopback
from headrace.ingest.rest.addresses import same_origin

_CHUNK = 1 << 16
_REDIRECTS = 5
_EXCERPT = 1 << 12
# A server that trickles its answer keeps within the time limit of each part; the whole has one, too.
_PARTS = 20
_MB = 1 << 20


@dataclass(frozen=True)
class Question:
    """A request. One with a body is sent as POST."""

    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """A response: `value` is its JSON where it succeeded, `excerpt` the beginning of what was said where it did not."""

    status: int
    headers: urllib3.HTTPHeaderDict
    value: Any = None
    excerpt: str = ""


class Interrupted(Exception):
    """The attempt failed in a way that may pass."""


class NotJson(Exception):
    """The answer came whole, but is no JSON. `passing` tells whether it may have been cut off."""

    def __init__(self, problem: str, *, passing: bool) -> None:
        super().__init__(problem)
        self.passing = passing


class Forbidden(Exception):
    """The attempt was given up for safety: where it leads, how large it is, or who answers."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


class Connections:
    """Open connections, used again for the next question; TLS certificates are always verified. Not thread safe."""

    def __init__(self, timeout_seconds: float, max_response_mb: int) -> None:
        self._timeout_seconds = timeout_seconds
        self._max_response_mb = max_response_mb
        self._pools: dict[str | None, urllib3.PoolManager] = {}

    def close(self) -> None:
        """Close what is open."""
        for pool in self._pools.values():
            pool.clear()

    def ask(self, question: Question) -> Answer:
        """Ask once.

        Raises:
            Interrupted, NotJson, Forbidden: as they say. Their messages may hold secrets.
        """
        url = question.url
        for _ in range(_REDIRECTS + 1):
            response = self._send(url, question)
            try:
                target = response.get_redirect_location()
                if not target:
                    return self._read(response)
            except urllib3.exceptions.HTTPError as error:
                raise Interrupted(f"the answer broke off ({_described(error)})") from error
            finally:
                response.close()
            url = _followed(url, urljoin(url, target), question)
        raise Forbidden(f"it redirects more than {_REDIRECTS} times", "Write the address that it leads to in the end.")

    def _send(self, url: str, question: Question) -> urllib3.BaseHTTPResponse:
        method = "GET" if question.body is None else "POST"
        limits = urllib3.Timeout(connect=self._timeout_seconds, read=self._timeout_seconds)
        try:
            return self._pool(url).request(
                method,
                url,
                body=question.body,
                headers=question.headers,
                timeout=limits,
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except urllib3.exceptions.SSLError as error:
            remedy = "If a private authority signed it, set SSL_CERT_FILE to its certificate. Certificates are always verified."
            raise Forbidden(f"its TLS certificate or connection is not to be trusted ({_described(error)})", remedy) from error
        except urllib3.exceptions.LocationValueError as error:
            raise Forbidden(f"{url!r} is no address ({error})", "Check url= and the paging of the source.") from error
        except urllib3.exceptions.HTTPError as error:
            raise Interrupted(_described(error)) from error

    def _read(self, response: urllib3.BaseHTTPResponse) -> Answer:
        chunks = self._chunks(response)
        if response.status >= 400:
            beginning = bytes(islice(chain.from_iterable(chunks), _EXCERPT))
            return Answer(response.status, response.headers, excerpt=beginning.decode("utf-8", "replace"))
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > self._max_response_mb * _MB:
                remedy = "Ask for smaller pages (paging=), or raise max_response_mb=."
                raise Forbidden(f"one answer is larger than {self._max_response_mb} MiB", remedy)
        # Only this status says that nothing follows; another one without a body is an answer that got lost on its way.
        nothing = response.status == HTTPStatus.NO_CONTENT
        value = None if nothing else _decoded(bytes(body), response.headers.get("Content-Type", ""))
        return Answer(response.status, response.headers, value)

    def _chunks(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """Give what there is as it comes: a full buffer waited for could take for ever."""
        deadline = time.monotonic() + _PARTS * self._timeout_seconds
        while chunk := response.read1(_CHUNK, decode_content=True):
            yield chunk
            if time.monotonic() > deadline:
                raise Interrupted(f"one answer took longer than {_PARTS * self._timeout_seconds:g} s")

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        host = parts.hostname or ""
        proxy = None if is_loopback(host) or proxy_bypass(host) else getproxies().get(parts.scheme)
        if proxy not in self._pools:
            self._pools[proxy] = _proxied(proxy) if proxy else urllib3.PoolManager()
        return self._pools[proxy]


def _proxied(proxy: str) -> urllib3.ProxyManager:
    parts = urlsplit(proxy)
    who = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    try:
        return urllib3.ProxyManager(proxy, proxy_headers=urllib3.make_headers(proxy_basic_auth=who))
    except urllib3.exceptions.HTTPError as error:
        raise Forbidden(
            "the proxy that the environment names cannot be used", "HTTPS_PROXY is http://host:port or https://host:port."
        ) from error


def _followed(url: str, target: str, question: Question) -> str:
    """Return the address that a redirect leads to: to the same server only, for another is not to have our secrets."""
    if question.body is not None or not same_origin(url, target):
        parts = urlsplit(target)
        raise Forbidden(
            f"it redirects to {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}",
            "What is sent to one server is not sent on to another: if you trust that one, write its address in the source.",
        )
    return target


def _decoded(body: bytes, content_type: str) -> Any:
    if not body:
        raise NotJson("the answer is empty", passing=True)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        kind = content_type.partition(";")[0].strip().lower()
        looks_html = body.lstrip()[:1] == b"<" or kind == "text/html"
        said = f" of type {kind}" if kind else ""
        # What begins as JSON and breaks off is rows, which may hold personal values; of anything else the beginning tells what it is.
        cut = body.lstrip()[:1] in (b"{", b"[")
        begins = "it begins as JSON does" if cut else f"it begins with {body[:60].decode('utf-8', 'replace').strip()!r}"
        raise NotJson(f"the answer{said} is no JSON ({error}); {begins}", passing=not looks_html) from error


def _described(error: Exception) -> str:
    """Return what happened; the library's own words may hold the address with all its parameters."""
    match error:
        case urllib3.exceptions.NameResolutionError():
            return "its name is not known"
        case urllib3.exceptions.NewConnectionError():
            return f"no connection: {_innermost(error)}"
        case urllib3.exceptions.ConnectTimeoutError():
            return "no connection within the time limit"
        case urllib3.exceptions.ReadTimeoutError():
            return "no answer within the time limit"
        case urllib3.exceptions.IncompleteRead():
            return "it was cut in the middle"
        case urllib3.exceptions.ProxyError():
            return f"the proxy that the environment names fails: {_innermost(error)}"
    return _innermost(error)


def _innermost(error: BaseException) -> str:
    while (inner := error.__cause__ or error.__context__ or getattr(error, "reason", None)) is not None and isinstance(
        inner, BaseException
    ):
        error = inner
    return f"{type(error).__name__}: {error}" if isinstance(error, OSError) else type(error).__name__
