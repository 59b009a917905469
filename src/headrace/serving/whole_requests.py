"""uvicorn's HTTP protocol with a short way: a request that came in one piece is answered in the call that read it.

Most questions are one row: they and their answer fit into one packet. For them uvicorn would make a scope, a task, an event and two
writes, which cost more than the prediction. Everything else - larger or slower bodies, other paths, a query, HTTP/1.0, an answer that
is still on its way - goes the long way, through ASGI, with its limits on time and room. What is refused is refused alike on both.

A client that keeps its connection sends the same heads again and again, for bodies of as many bytes. Those that were read once and answered
well are known by their bytes, and not read again.

A connection on which no request comes, or half the head of one, is ended in time.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from headrace.serving.application import Application
from headrace.serving.errors import HeadTooSlow
from headrace.serving.exchange import Header, Response
from headrace.serving.problems import problem_response

_CLOSE = (b"connection", b"close")
_NEVER = float("inf")
_LARGEST = 16 << 10
# Requests that a client sends without awaiting the answers, answered in one go; others get a turn after them.
_IN_ONE_GO = 16
# What a connection remembers: so many heads, none longer than this.
_KNOWN_HEADS, _LONGEST_KNOWN = 16, 1024
_END_OF_HEAD = b"\r\n\r\n"
_CHECKED: tuple[Header, ...] = ()
"""In place of the headers of a known head: they were checked when it was read."""


class WholeRequests(HttpToolsProtocol):
    """The protocol of one connection. The configuration's `app` must be an `Application` itself."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        application = config.app
        assert isinstance(application, Application)
        self._answer, self._paths = application.answer_whole, application.whole_paths
        # The body so far, of a request that may go the short way.
        self._held: bytes | None = None
        # The path and the body's size by the bytes of the head.
        self._heads: dict[bytes, tuple[bytes, int]] = {}
        # Whether the parser is between two requests, and how long the body was that was answered well just now.
        self._between, self._answered = True, -1
        self._keep_alive = True
        self._left = _IN_ONE_GO
        self._own: list[Header] | None = None
        self._common = b""
        self._head_seconds, self._idle_seconds = application.limits.head_seconds, application.limits.idle_seconds
        self._now = self.loop.time
        # When the connection is to be ended unless something has come, and whether that would be in the middle of a head.
        self._due, self._in_head = _NEVER, False
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first request as long as for its head."""
        super().connection_made(transport)
        self._due = self._now() + self._head_seconds
        self._watch = self.loop.call_later(min(self._head_seconds, self._idle_seconds), self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch no more."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came; a body of which only a part came goes on the long way."""
        self._left, self._answered = _IN_ONE_GO, -1
        whole = self._between
        if whole and self._answer_known(data):
            return
        super().data_received(data)
        if self._held is not None and not self.transport.is_closing():
            self._go_the_long_way()
        elif whole:
            self._remember(data)

    def _answer_known(self, data: bytes) -> bool:
        end = data.find(_END_OF_HEAD) + len(_END_OF_HEAD)
        known = self._heads.get(data[:end])
        if known is None or len(data) - end != known[1] or not self._is_free() or self.transport.is_closing():
            return False
        response = self._answer(known[0], _CHECKED, data[end:])
        if response is None:
            return False
        self._keep_alive = True
        self._send(response)
        return True

    def _remember(self, data: bytes) -> None:
        """Remember the head of what came, if that was one request, which was answered well, with its body as it is: not in chunks."""
        size = self._answered
        end = len(data) - size
        if size >= 0 and data.find(_END_OF_HEAD) + len(_END_OF_HEAD) == end <= _LONGEST_KNOWN:
            if len(self._heads) == _KNOWN_HEADS:
                self._heads.clear()
            self._heads[data[:end]] = self.url, size

    def on_message_begin(self) -> None:
        """Forget the request before. What uvicorn prepares for ASGI is prepared when a request goes that way."""
        self.url, self.headers, self.expect_100_continue, self._between = b"", [], False, False
        self._due, self._in_head = self._now() + self._head_seconds, True

    def on_headers_complete(self) -> None:
        """Hold back what may go the short way until its body is here, and what comes after the last answer for good."""
        self._due, self._in_head = _NEVER, False
        if self.transport.is_closing() or self._may_be_short():
            self._held, self._keep_alive = b"", self.parser.should_keep_alive()
        else:
            self._begin_the_long_way()

    def on_body(self, body: bytes) -> None:
        """Collect the body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        """Answer, if the whole request is here."""
        held, self._between = self._held, True
        if held is None:
            super().on_message_complete()
        elif self.transport.is_closing():
            self._held = None
        elif len(held) <= _LARGEST and (response := self._answer(self.url, self.headers, held)) is not None:
            self._held = None
            self._send(response)
            if self._keep_alive and response.status == 200:
                self._answered = len(held)
        else:
            self._go_the_long_way()
            super().on_message_complete()

    def _may_be_short(self) -> bool:
        return (
            self.url in self._paths
            and self._left > 0
            and self._is_free()
            and not self.expect_100_continue
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
        )

    def _is_free(self) -> bool:
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

    def on_response_complete(self) -> None:
        """Count the answer, take further reading up again, and wait for the next request: no timer is armed anew for it."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._in_head:
            self._due = self._now() + self._idle_seconds

    def _look(self) -> None:
        """End the connection if nothing came for too long, or half a head. Looks again when that may be so, at the latest when an answer
        given just now would be old: a timer for each request would cost more than reading it."""
        left = self._due - self._now()
        if left > 0 or not (self.cycle is None or self.cycle.response_complete):
            latest = min(self._head_seconds, self._idle_seconds)
            self._watch = self.loop.call_later(min(left, latest) if left > 0 else latest, self._look)
        elif self._in_head and not self.transport.is_closing():
            self._keep_alive = False
            self._send(problem_response(HeadTooSlow(self._head_seconds), bare=False))
        else:
            self.transport.close()

    def _begin_the_long_way(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def _go_the_long_way(self) -> None:
        held, self._held = self._held, None
        self._begin_the_long_way()
        if held:
            super().on_body(held)

    def _send(self, response: Response) -> None:
        self._left -= 1
        more, keep_alive = response.headers, self._keep_alive
        if _CLOSE in more:
            keep_alive = False
        elif not keep_alive:
            more = (*more, _CLOSE)
        body = response.body
        self.transport.write(b"%b%b%d\r\n%b\r\n%b" % (STATUS_LINE[response.status], self._lines(), len(body), _lines(more), body))
        if not keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _lines(self) -> bytes:
        """The lines that every answer has; the server makes its own anew each second."""
        own = self.server_state.default_headers
        if own is not self._own:
            self._own, self._common = own, _lines((*own, (b"content-type", b"application/json"))) + b"content-length: "
        return self._common


def _lines(headers: Iterable[Header]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])
