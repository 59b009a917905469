"""What the server accepts and where it listens."""

from dataclasses import dataclass

from headrace.core.units import counted
from headrace.serving.errors import ServerRefused


@dataclass(frozen=True)
class Limits:
    """Bounds on what one request, and all of them together, may take.

    Attributes:
        in_flight: prediction requests being read or answered at one moment; more are told to come back (429).
        waiting_records: predictions answered and not yet logged; when there is no room, requests are told to come back.
        head_seconds: how long the line and the headers of a request may take to arrive, the first of a connection since it was made.
        idle_seconds: how long a connection is kept for a next request after an answer.
        body_seconds: how long a body may take to arrive.
    """

    body_bytes: int = 4 << 20
    rows: int = 1000
    in_flight: int = 256
    waiting_records: int = 20_000
    head_seconds: float = 10.0
    idle_seconds: float = 5.0
    body_seconds: float = 10.0
    retry_after_seconds: int = 1

    def __post_init__(self) -> None:
        if self.waiting_records < self.rows:
            raise ServerRefused(
                f"a request may have {self.rows:,} rows, but only {counted(self.waiting_records, 'prediction')} may wait to be logged.",
                remedy="Raise waiting_records or lower rows.",
            )


@dataclass(frozen=True)
class ServerOptions:
    """Where the server listens.

    Attributes:
        port: 0 takes a free one.
        behind_proxy: allow an address other machines reach, because a proxy in front does TLS and authentication.
        shutdown_seconds: how long requests in flight may take to finish after SIGTERM or SIGINT; the prediction log has its own limit.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    behind_proxy: bool = False
    shutdown_seconds: int = 10

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ServerRefused(f"{self.port} is not a port.", remedy="Choose one from 1 to 65535 with --port; 0 takes a free one.")
