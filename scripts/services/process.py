"""A server in a process of its own, with a folder that is removed with it."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from services.keeper import LIVES

_KEEPER = Path(__file__).with_name("keeper.py")
_START_SECONDS = 60


class ServiceFailed(RuntimeError):
    """A server did not come up. The message ends with what it said."""


class Server:
    """A command that serves until it is stopped, or until the process that started it has ended.

    `stop_signal` is what ends it in order, `end_signal` what ends it at once when nothing of it is needed any more. `leavings` are files
    that it makes outside its folder. `user` is whom to run it as, where that is somebody else.
    """

    def __init__(self, name: str, *, stop_signal: str, end_signal: str = "SIGKILL", user: str = "", leavings: Sequence[str] = ()) -> None:
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix=f"headrace-{name}-"))
        self.pid = 0
        self._user, self._stop_signal = user, stop_signal
        if user:
            shutil.chown(self.folder, user)
        command = [sys.executable, str(_KEEPER), str(self.folder), end_signal, *leavings]
        self._keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def start(self, command: Sequence[str], is_ready: Callable[[], bool]) -> None:
        """Start the command and wait until it is ready.

        Raises:
            ServiceFailed: if it ends before, or takes longer than a minute.
        """
        self.pid = self._order({"start": list(command), "user": self._user})
        deadline = time.monotonic() + _START_SECONDS
        while not is_ready():
            if not self._lives() or time.monotonic() > deadline:
                raise ServiceFailed(f"{self.name} did not come up:\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def stop(self, signal_name: str | None = None) -> None:
        """Stop the server, by another signal than its own if one is given. What the folder holds is there for the next start."""
        self._order({"stop": signal_name or self._stop_signal})

    def remove(self) -> None:
        """End the server at once, if it lives, and remove its folder."""
        self._keeper.communicate()

    def log(self) -> str:
        """Return what the server said."""
        path = self.folder / "server.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _order(self, order: dict[str, Any]) -> int:
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.write(json.dumps(order) + "\n")
        self._keeper.stdin.flush()
        answer = self._keeper.stdout.readline()
        if not answer:
            raise ServiceFailed(f"{self.name} could not be run; its keeper has ended")
        return int(answer)

    def _lives(self) -> bool:
        return self._order({"poll": True}) == LIVES


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on; all different, since they are held until the last is found."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


class Service:
    """What all servers can do that keep what they held; `start` is each one's own."""

    _server: Server

    @property
    def pid(self) -> int:
        """The process that serves."""
        return self._server.pid

    def stop(self) -> None:
        """Stop it as an operator does: who is connected is cut off. What it held is kept for `start`."""
        self._server.stop()

    def kill(self) -> None:
        """End it by `kill -9`."""
        self._server.stop("SIGKILL")

    def remove(self) -> None:
        """End it at once and remove what it held."""
        self._server.remove()
