"""A Ray cluster on one machine: a head and workers, each a node of its own, that talk over loopback.

As a command it starts one and says how to use it, until Ctrl-C: `python scripts/services/ray.py --workers 2`.

Ray takes the machine's own address where it is told 127.0.0.1, unless there is no other: so the nodes run in a network namespace in which
only loopback is up, where the system lets us make one, and what uses them is run there, too (`inside`). Everywhere they ask for a word that
only they and their users know.
"""

import argparse
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from services.process import Server, free_ports

_STORE_BYTES = 100 << 20
_NAMESPACES = {("unshare", "--net"): ("nsenter", "--net"), ("unshare", "--net", "--map-root-user"): ("nsenter", "--net", "--user")}
_QUIET = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}


class Ray:
    """A head of one CPU and so many workers of one CPU each. Nothing is downloaded, nobody is told, there is no dashboard."""

    def __init__(self, workers: int = 1) -> None:
        self._servers = [Server("ray", stop_signal="SIGTERM", end_signal="SIGTERM")]
        self._head = self._servers[0]
        self._make = next((each for each in _NAMESPACES if _runs([*each, "true"])), ())
        self._token = self._head.folder / "token"
        self._token.write_text(secrets.token_hex(32), encoding="utf-8")
        self._token.chmod(0o600)
        self.address = f"127.0.0.1:{free_ports(1)[0]}" if self._make else f"{_own_address()}:{free_ports(1)[0]}"
        try:
            self._start(workers)
        except BaseException:
            self.remove()
            raise

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a process may use it."""
        return {**_QUIET, "RAY_AUTH_TOKEN_PATH": str(self._token)}

    @property
    def token(self) -> str:
        """The word."""
        return self._token.read_text(encoding="utf-8")

    @property
    def logs(self) -> Path:
        """The folder of what Ray and its workers say."""
        return self._head.folder / "session_latest" / "logs"

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return a command as it is to be run to reach the cluster."""
        if not self._make:
            return list(command)
        return [*_NAMESPACES[self._make], "--target", str(self._head.pid), "--preserve-credentials", "--", *command]

    def remove(self) -> None:
        """Stop it and remove what it left."""
        for server in reversed(self._servers):
            server.remove()

    def _start(self, workers: int) -> None:
        host, port = self.address.rsplit(":", 1)
        program = str(Path(sys.executable).with_name("ray"))
        common = ["--block", f"--node-ip-address={host}", "--num-cpus=1", f"--object-store-memory={_STORE_BYTES}", "--disable-usage-stats"]
        words = " ".join(f"{name}={value}" for name, value in self.environment.items())
        head = [program, "start", "--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self._head.folder}", *common]
        script = f"{'ip link set lo up && ' if self._make else ''}exec env {words} {' '.join(head)}"
        self._head.start([*self._make, "sh", "-c", script], lambda: "Ray runtime started" in self._head.log())
        for _ in range(workers):
            worker = Server("ray", stop_signal="SIGTERM", end_signal="SIGTERM")
            self._servers.append(worker)
            joining = ["env", *words.split(), program, "start", f"--address={self.address}", *common]
            worker.start(self.inside(joining), lambda said=worker: "Ray runtime started" in said.log())  # type: ignore[misc]


def _own_address() -> str:
    found = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    return found[0]


def _runs(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def main() -> None:
    """Start a cluster and keep it until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A Ray cluster on this machine, over loopback.")
    parser.add_argument("--workers", type=int, default=2, help="nodes of one CPU each beside the head's one")
    parser.add_argument("command", nargs="*", help="run this in reach of it, and stop it then")
    given = parser.parse_args()
    cluster = Ray(given.workers)
    try:
        environment = {**os.environ, **cluster.environment, "HEADRACE_ENGINE": cluster.address}
        if given.command:
            sys.exit(subprocess.run(cluster.inside(given.command), env=environment).returncode)
        told = " ".join(f"{name}={value}" for name, value in {**cluster.environment, "HEADRACE_ENGINE": cluster.address}.items())
        print(f"{cluster.address} is up. In reach of it:\n  {told} {' '.join(cluster.inside(['headrace', 'run']))}\nCtrl-C stops it.")
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()
    finally:
        cluster.remove()


if __name__ == "__main__":
    main()
