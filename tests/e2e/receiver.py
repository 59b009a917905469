"""Somebody who receives webhooks, and checks their signatures as Standard Webhooks says."""

import base64
import hashlib
import hmac
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Receiver:
    """A server on loopback that answers with `status` and `headers`, and keeps what it took and what it refused."""

    SECRET = "whsec_" + base64.b64encode(b"a secret of the tests").decode()

    def __init__(self) -> None:
        self.status = 204
        self.headers: dict[str, str] = {}
        self.taken: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept = receiver.taken if receiver.status < 300 else receiver.refused
                kept.append(_told(self.headers, body))
                self.send_response(receiver.status)
                for name, value in {"Content-Length": "0", **receiver.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/scores"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _told(headers: Any, body: bytes) -> dict[str, Any]:
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"a secret of the tests", signed, hashlib.sha256).digest()).decode()
    return {"id": headers["Idempotency-Key"], "signature": headers["webhook-signature"], "expected": f"v1,{expected}", "body": body}
