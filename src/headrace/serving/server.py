"""The server process: uvicorn on one socket, started and stopped with care."""

import gc
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from headrace.core.hosts import is_loopback
from headrace.serving.application import Application
from headrace.serving.errors import ServerRefused
from headrace.serving.settings import ServerOptions
from headrace.serving.whole_requests import WholeRequests

Announce = Callable[[str], None]


def serve(options: ServerOptions, application: Application, announce: Announce = print) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is in flight, write the prediction log, and return.

    `announce` is called once with the server's URL when it takes requests. In another thread than the main one signals are not heard.

    Raises:
        ServerRefused: for an address that other machines reach without `behind_proxy`, or one that cannot be taken.
        PredictionsLost: if the sink did not take the last predictions in time.
    """
    with _listen(options) as listener:
        config = uvicorn.Config(
            application,
            http=WholeRequests,
            ws="none",
            lifespan="off",  # _run does what it is for, and tells of a failure once
            interface="asgi3",
            access_log=False,
            log_level="error",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=options.shutdown_seconds,
        )
        # What was loaded stays as long as the server does: looking it through for garbage would stop answers for tens of milliseconds.
        gc.collect()
        gc.freeze()
        try:
            _run(_Server(config, lambda: announce(_url(listener))), listener, application)
        finally:
            gc.unfreeze()


def _run(server: uvicorn.Server, listener: socket.socket, application: Application) -> None:
    with _own_signals(server):
        application.start()
        try:
            server.run(sockets=[listener])
        finally:
            # However the server ended, the log is written, and a signal that comes now does not end that.
            application.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._when_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Stop with care. Heard again it changes nothing: what is in flight and the log have limits of their own."""
        self.should_exit = True


def _listen(options: ServerOptions) -> socket.socket:
    if not is_loopback(options.host) and not options.behind_proxy:
        raise ServerRefused(
            f"other machines could reach {options.host!r}, and this server has neither TLS nor authentication yet.",
            remedy="Stay on 127.0.0.1, or put a proxy that does both in front of it and say --behind-proxy.",
        )
    try:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        return socket.create_server((options.host, options.port), family=family, backlog=2048)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror  # Python's own text names the address again
        raise ServerRefused(
            f"the server cannot listen on {options.host}:{options.port}: {why}.", remedy="Choose another with --port; 0 takes a free one."
        ) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _own_signals(server: uvicorn.Server) -> Iterator[None]:
    """Keep a signal from ending the process: one that comes before uvicorn listens to signals stops it as soon as it has started."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, server.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
