"""The peers' own environments: `.bench/<peer>`, made once from the pinned `benchmarks/peers/<peer>.txt`. `make clean` removes them."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).resolve().parent / "peers"
HOMES = ROOT / ".bench"
_STAMP = "installed.txt"


class PeerMissing(Exception):
    """A peer that cannot be had here; the message says why, and the report repeats it."""


@dataclass(frozen=True)
class Peer:
    """An environment with a peer in it."""

    name: str
    folder: Path

    @property
    def python(self) -> str:
        """Its interpreter."""
        return self.tool("python")

    def tool(self, name: str) -> str:
        """A command that it installs."""
        return str(self.folder / "bin" / name)

    def version(self, *packages: str) -> str:
        """The versions of packages in it, such as `mlflow 3.17.2`."""
        code = f"import importlib.metadata as m; print(', '.join(f'{{p}} {{m.version(p)}}' for p in {packages!r}))"
        return subprocess.run([self.python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def peer(name: str) -> Peer:
    """Return a peer's environment, made now if need be; it is made anew when its pins have changed.

    Raises:
        PeerMissing: if it cannot be installed.
    """
    folder, pins = HOMES / name, (PEERS / f"{name}.txt").read_text(encoding="utf-8")
    stamp = folder / _STAMP
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != pins:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"  installing {name} into {folder} ...", file=sys.stderr, flush=True)
        _call(name, [sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        _call(name, [*pip, "--requirement", str(PEERS / f"{name}.txt")])
        stamp.write_text(pins, encoding="utf-8")
    return Peer(name, folder)


def peer_versions() -> str:
    """Return the versions of the peers that are installed."""
    packages = {
        "pandas": ("pandas",),
        "duckdb": ("duckdb",),
        "feast": ("feast", "pandas", "dask", "duckdb"),
        "spark": ("pyspark",),
        "quix": ("quixstreams", "confluent-kafka", "rocksdict"),
        "kedro": ("kedro",),
        "metaflow": ("metaflow",),
        "mlflow": ("mlflow",),
        "mlserver": ("mlserver",),
        "fastapi": ("fastapi", "scikit-learn"),
    }
    made = {name: Peer(name, HOMES / name) for name in packages}
    return "peers: " + ", ".join(made[name].version(*wanted) for name, wanted in packages.items() if (HOMES / name / _STAMP).exists())


def wrk() -> str:
    """Return the load generator: written in C, so that with one core each it is the server that is measured.

    Raises:
        PeerMissing: where it is neither there nor installable.
    """
    if shutil.which("wrk") is None and shutil.which("apt-get") is not None:
        print("  installing wrk ...", file=sys.stderr, flush=True)
        subprocess.run(["apt-get", "install", "--quiet", "--yes", "wrk"], check=False, capture_output=True)
    found = shutil.which("wrk")
    if found is None:
        raise PeerMissing("the load generator wrk is not here: apt-get install wrk (as root), or build https://github.com/wg/wrk")
    return found


def _call(name: str, command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerMissing(f"{name} cannot be installed: {last[:160]}")
