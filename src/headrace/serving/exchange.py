"""One HTTP request and its answer over raw ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from headrace.serving.errors import BodyTooLarge, BodyTooSlow, MalformedRequest, WrongContentType
from headrace.serving.settings import Limits

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON = b"application/json"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class ClientLeft(Exception):
    """The asker hung up before the body was complete."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """What the routes see of a request."""

    method: str
    path: str
    query: bytes
    headers: tuple[Header, ...]
    receive: Receive

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> "Request":
        """Return the request of an ASGI scope."""
        return cls(scope["method"], scope["path"], scope["query_string"], tuple(scope["headers"]), receive)

    def parameters(self) -> Mapping[str, str]:
        """Return the query's parameters; of a repeated one the last."""
        return dict(parse_qsl(self.query.decode("latin-1"), keep_blank_values=True)) if self.query else {}


class Response(msgspec.Struct, frozen=True, gc=False):
    """A status, a body and headers beside its type and length."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()
    media: bytes = JSON


def json_response(status: int, value: object, headers: tuple[Header, ...] = ()) -> Response:
    """Return a value as a JSON answer."""
    return Response(status, _encode(value), headers)


async def send_response(send: Send, response: Response) -> None:
    """Send a whole answer."""
    headers = [(b"content-type", response.media), (b"content-length", str(len(response.body)).encode()), *response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def read_json_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a JSON request.

    Raises:
        WrongContentType, BodyTooLarge, BodyTooSlow: as they say.
        ClientLeft: if the asker hung up.
    """
    check_headers(request.headers, limits)
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read(request.receive, limits.body_bytes)
    except TimeoutError:
        raise BodyTooSlow(limits.body_seconds) from None


def decode_json(body: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        MalformedRequest: saying where it goes wrong.
    """
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        not_a_number = b"NaN" in body or b"Infinity" in body
        remedy = "JSON has no NaN or Infinity: send null for a value that is not known." if not_a_number else "Send a JSON object."
        raise MalformedRequest(f"the body is not JSON: {error}.", remedy=remedy) from None


def check_headers(headers: Sequence[Header], limits: Limits) -> None:
    """Check what the headers say of a body before it is read.

    Raises:
        WrongContentType, BodyTooLarge: as they say.
    """
    for name, value in headers:
        if name == b"content-type" and value.partition(b";")[0].strip().lower() != b"application/json":
            raise WrongContentType("content type", value.decode("latin-1"))
        if name == b"content-encoding" and value.lower() != b"identity":
            raise WrongContentType("content encoding", value.decode("latin-1"))
        if name == b"content-length" and value.isdigit() and int(value[:20]) > limits.body_bytes:
            raise BodyTooLarge(limits.body_bytes)


async def _read(receive: Receive, limit_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks) if len(chunks) > 1 else chunk
