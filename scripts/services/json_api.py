"""A JSON API on loopback that answers as it is told to."""

import gzip
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Reply:
    """What is answered. `cut` leaves out so many bytes of the promised body and closes; `hang_up` closes before any answer;
    `pause_seconds` lie between the letters."""

    value: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    cut: int = 0
    hang_up: bool = False
    packed: bool = False
    pause_seconds: float = 0.0

    def body(self) -> bytes:
        plain = json.dumps(self.value).encode() if self.raw is None else self.raw
        return gzip.compress(plain) if self.packed else plain


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # whoever asked may not wait for the end
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class JsonApi:
    """The server. `answer` is called with each request; `answers` gives replies one after the other, the last one again and again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.answer: Callable[[Asked], Reply] = lambda _: Reply([])
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1/orders"

    def answers(self, *replies: Reply) -> None:
        left = list(replies)
        self.answer = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                api.connections += 1

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), dict(self.headers), body)
                api.asked.append(asked)
                self._give(api.answer(asked))

            do_POST = do_GET  # noqa: N815 - the library calls it so

            def _give(self, reply: Reply) -> None:
                if reply.hang_up:
                    self.close_connection = True
                    return
                body = reply.body()
                self.send_response(reply.status)
                plain = {"Content-Type": "application/json", "Content-Length": str(len(body))}
                for name, value in {**plain, **({"Content-Encoding": "gzip"} if reply.packed else {}), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self._write(body[: len(body) - reply.cut], reply.pause_seconds)
                self.close_connection = self.close_connection or bool(reply.cut)

            def _write(self, body: bytes, pause_seconds: float) -> None:
                if not pause_seconds:
                    self.wfile.write(body)
                    return
                for position in range(len(body)):
                    self.wfile.write(body[position : position + 1])
                    time.sleep(pause_seconds)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
