"""Whether the head of a Ray cluster still answers.

Ray itself waits a minute for a head that is gone, and then ends the process, in its own words, from a thread where nobody can meet it.
"""

import os
import socket
import time
from collections.abc import Callable

from headrace.engine.errors import ClusterFault

_ASK_SECONDS = 2.0
_RAYS_SECONDS = "RAY_gcs_rpc_server_reconnect_timeout_s"  # who lets a head be started anew elsewhere gives it longer by this


class HeadWatch:
    """Looks for the head while tasks are waited for: one that is silent for a third of the time that Ray gives it is gone."""

    def __init__(self, address: str, ticks: Callable[[], float] = time.monotonic) -> None:
        """Watch the head at `host:port`; nothing: there is none to watch."""
        self._address = address
        self._ticks, self._heard = ticks, ticks()
        self._asked = self._heard
        self._patience = float(os.environ.get(_RAYS_SECONDS, 60)) / 3

    def look(self) -> None:
        """Look now and then.

        Raises:
            ClusterFault: if the head is gone.
        """
        now = self._ticks()
        if not self._address or now - self._asked < _ASK_SECONDS:
            return
        self._asked = now
        try:
            knock(self._address, _ASK_SECONDS)
            self._heard = now
        except OSError as error:
            if now - self._heard > self._patience:
                gone = ConnectionError(
                    f"its head at {self._address} has not answered for {self._patience:.0f} seconds ({error.strerror or error})"
                )
                raise ClusterFault(gone) from None


def knock(address: str, seconds: float) -> None:
    """See whether anybody listens at `host:port`.

    Raises:
        OSError: if nobody does.
    """
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=seconds).close()
