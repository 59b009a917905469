"""How long to wait for the server of durable runs. DBOS waits for it without end; a person should be told."""

import time

from sqlalchemy import Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import OperationalError

_AWAY_SECONDS = 120.0
"""Longer than the ledger waits, which is likely on the same server and tells more."""
_EVERY_SECONDS = 5.0
_CONNECT_SECONDS = 5


class StoreWatch:
    """Looks after a server every few seconds while somebody asks; a file needs no looking after."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._engine: Engine | None = None
        if parsed.get_backend_name() == "postgresql":
            named = parsed.set(drivername="postgresql+psycopg")
            self._engine = create_engine(named, poolclass=NullPool, connect_args={"connect_timeout": _CONNECT_SECONDS})
        self._seen = self._looked = time.monotonic()

    def confirm(self) -> None:
        """Return soon, whether the server answers or not.

        Raises:
            OperationalError: if it has not answered for two minutes.
        """
        now = time.monotonic()
        if self._engine is None or now - self._looked < _EVERY_SECONDS:
            return
        self._looked = now
        try:
            with self._engine.connect():
                self._seen = now
        except OperationalError:
            if now - self._seen > _AWAY_SECONDS:
                raise
