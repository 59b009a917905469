"""Counts for Prometheus, on loopback."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from headrace.app.errors import PortNotFree
from headrace.app.stream_reports import LearntLine, ScoredLine
from headrace.app.streaming.counting import Counts, prometheus

_HOST = "127.0.0.1"
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@contextmanager
def metrics_served(
    port: int | None,
    counts: Callable[[], Mapping[str, Counts]],
    say: Callable[[str], None],
    scored: Callable[[], Iterable[ScoredLine]] = tuple,
    learnt: Callable[[], Iterable[LearntLine]] = tuple,
) -> Iterator[None]:
    """Serve `GET /metrics` while the block runs; nothing without a port. Port 0 takes a free one, which is said.

    Raises:
        PortNotFree: if nothing can be served there.
    """
    if port is None:
        yield
        return

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/metrics"
            body = prometheus(counts(), scored(), learnt()).encode() if found else b"see /metrics\n"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", _TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with _listening(port, Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        say(f"metrics at http://{_HOST}:{server.server_address[1]}/metrics")
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _listening(port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    try:
        return ThreadingHTTPServer((_HOST, port), handler)
    except (OSError, OverflowError) as error:
        raise PortNotFree(_HOST, port, str(error)) from error
