"""A project with its things opened: ledger, lake, keys, prices. The one place where backends are chosen."""

import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from headrace.app.errors import HomeUnusable
from headrace.app.settings import Settings
from headrace.core.clock import Clock, SystemClock
from headrace.core.durable import settle, settle_folder
from headrace.core.secrets import Secrets
from headrace.engine.executor import Executor
from headrace.engine.opening import open_executor
from headrace.ledger.store import Ledger
from headrace.spec.project import Project
from headrace.team.identity import Identity, current_identity


@dataclass(frozen=True)
class TableRef:
    """A version of a table in the lake, as steps hand it on."""

    name: str
    version: int


@dataclass
class Workspace:
    """What every service works with. Opening is lazy: a command that only reads the ledger loads no table engine."""

    project: Project
    settings: Settings
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)  # it may hold secrets
    clock: Clock = field(default_factory=SystemClock)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, made or brought up to date first if need be."""
        self._make_home()
        with self.secrets.kept_out_of_errors():
            return Ledger.open(self.ledger_url, self.clock)

    @property
    def ledger_url(self) -> str:
        """The ledger's URL with its secrets filled in: not to be shown."""
        return self.secrets.fill_url(self.settings.ledger_url)

    @property
    def workflows_url(self) -> str | None:
        """The database of durable runs, secrets filled in: not to be shown. The ledger's own, where they keep a schema to themselves.

        None where the ledger is a file: one machine's runs have a record in it, and need no other.
        """
        url = self.ledger_url
        in_a_file = "://" not in url or url.startswith("sqlite")
        return None if in_a_file else url

    @property
    def state_url(self) -> str:
        """Where the online state of streams is kept, secrets filled in: not to be shown."""
        url = self.settings.state_url
        return self.secrets.fill_url(url) if url else str(self.settings.home / "stream" / self.project.name)

    @cached_property
    def lake_options(self) -> dict[str, str]:
        """What the lake's store wants to know, with its secrets filled in: not to be shown."""
        return {each.name: self.secrets.fill(each.text) for each in self.settings.lake_options}

    @cached_property
    def secrets(self) -> Secrets:
        """What `${NAME}` stands for, in sources and settings."""
        return Secrets(self.environment)

    @cached_property
    def identity(self) -> Identity:
        """Who is asking."""
        return current_identity(self.environment, self.ledger, self.project.team)

    @property
    def root(self) -> Path:
        """The folder of `project.py`, which sources' paths are relative to."""
        return self.settings.project_file.parent

    @property
    def machine(self) -> dict[str, str]:
        """What a run ran on, for the record."""
        return {"python": sys.version.split()[0], "platform": sys.platform, "cpus": str(os.cpu_count())}

    @cached_property
    def executor(self) -> Executor:
        """Who does the work of steps: this process, or a Ray cluster. To be asked for by the main thread first: it connects then.

        Raises:
            RayNotInstalled: if Ray is asked for and is not there.
            ClusterUnreachable: if the cluster is not.
        """
        return open_executor(self.settings.engine)

    def pseudonym_key(self) -> bytes:
        """Return the project's key for pseudonyms, 32 bytes, made on first use with mode 0600."""
        self._make_home()
        return _secret(self.settings.keys / f"{self.project.name}.pseudonym.key")

    def _make_home(self) -> None:
        try:
            self.settings.home.mkdir(parents=True, exist_ok=True)
            # Data and keys lie here: a version control system that is told to add everything is not to add these.
            ignored = self.settings.home / ".gitignore"
            if not ignored.exists():
                ignored.write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise HomeUnusable(str(self.settings.home), error) from error

    def close(self) -> None:
        """Close what was opened."""
        if "ledger" in self.__dict__:
            self.ledger.close()


def _secret(path: Path) -> bytes:
    """Return the bytes of a secret file; of several processes that make it at once, one wins and all read that one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
        try:
            os.link(temporary, path)
            settle(path)
        except FileExistsError:
            return path.read_bytes()
        finally:
            Path(temporary).unlink()
    return path.read_bytes()


def replace_folder(source: Path, target: Path) -> None:
    """Put a finished folder in another's place; what was there lies beside the source then, called `replaced`.

    Whoever dies meanwhile leaves the old folder, none or the new one, and never a part of one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    settle_folder(source)
    if target.exists():
        target.rename(source.with_name("replaced"))
    source.rename(target)
    settle(target)
