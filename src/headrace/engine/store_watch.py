"""How long to wait for the server of durable runs. DBOS waits for it without end; a person should be told."""

import time

from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import OperationalError

_AWAY_SECONDS = 120.0
"""Longer than the ledger waits, which is likely on the same server and tells more."""
_EVERY_SECONDS = 5.0
_CONNECT_SECONDS = 5


class StoreWatch:
    """Looks after a server every few seconds while somebody asks."""

    def __init__(self, url: str) -> None:
        named = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_engine(named, poolclass=NullPool, connect_args={"connect_timeout": _CONNECT_SECONDS})
        self._seen = self._looked = time.monotonic()

    def confirm(self) -> None:
        """Return soon, whether the server answers or not.

        Raises:
            OperationalError: if it has not answered for two minutes.
        """
        now = time.monotonic()
        if now - self._looked < _EVERY_SECONDS:
            return
        self._looked = now
        try:
            with self._engine.connect():
                self._seen = now
        except OperationalError:
            if now - self._seen > _AWAY_SECONDS:
                raise
