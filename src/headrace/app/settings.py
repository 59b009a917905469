"""Settings: one frozen object, read once. Flag, then environment, then `headrace.toml` beside the project, then default.

A setting may hold placeholders (`${NAME}`) for secrets; here they stay placeholders, the workspace fills them in. What `values` shows is
free of secrets: a password may stand in an environment variable or a flag, where it is masked, and never in `headrace.toml`.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from headrace.app.errors import SecretInFile, SettingInvalid, SettingsUnreadable
from headrace.app.lake_options import LakeOption, read_lake_options
from headrace.core.errors import UserError, suggest
from headrace.core.secrets import has_plain_password, masked
from headrace.core.units import parse_duration
from headrace.engine.opening import LOCAL, RAY

HERE = LOCAL
_CLUSTER = re.compile(r"(ray://)?[\w.-]+:\d+|(ray://)?\[[0-9a-fA-F:]+\]:\d+", re.ASCII)
_LAKE_OPTIONS = "lake_options"
_DEFAULTS = {
    "home": ".headrace", "ledger": "", "lake": "", "state": "", "workers": "2", "engine": "local", "step_timeout": "24h", "prices": "",
}  # fmt: skip
_MEANINGS = {
    "home": "the folder of everything Headrace keeps",
    "ledger": "the ledger's database URL, sqlite:// or postgresql://; default: a SQLite file in home",
    "lake": "the folder, or s3://bucket/prefix, of tables and blobs; default: home",
    "state": "the online state of streams, a folder or redis[s]://host:port/number; default: a folder in home",
    "workers": "how many steps may run at once",
    "engine": "who does the work: local; ray, the cluster of RAY_ADDRESS or one on this machine; or a Ray cluster by host:port or ray://host:port",
    "step_timeout": "how long a step may take before it has failed, such as 90m; or none",
    "prices": "a price catalogue file; default: the one that is shipped",
}


@dataclass(frozen=True)
class Setting:
    """One value and where it came from."""

    name: str
    value: str
    origin: str
    meaning: str


@dataclass(frozen=True)
class Settings:
    """Where a project is and where its things are kept."""

    project_file: Path
    home: Path
    ledger_url: str = field(repr=False)  # it may hold a password
    lake_url: str
    lake_options: tuple[LakeOption, ...] = field(repr=False)
    state_url: str | None = field(repr=False)  # it may hold a password; None: a folder in home, named after the project
    workers: int
    engine: str
    step_timeout: timedelta | None
    prices_file: Path | None
    values: tuple[Setting, ...]

    @property
    def keys(self) -> Path:
        """The folder of secrets; never inside the lake."""
        return self.home / "keys"

    @property
    def bundles(self) -> Path:
        """Where bundles are unpacked to be read."""
        return self.home / "bundles"


def read_settings(project_file: Path, environment: Mapping[str, str], flags: Mapping[str, str | None] | None = None) -> Settings:
    """Read every setting.

    Raises:
        SettingInvalid: naming the setting, its value, where it came from and what was expected.
        SettingsUnreadable: if the file is no TOML.
    """
    project_file = project_file.absolute()
    file_values = _read_file(project_file.parent / "headrace.toml")
    found = {name: _resolve(name, flags or {}, environment, file_values) for name in _DEFAULTS}
    lake_options = read_lake_options(found["lake"].value, environment, file_values.get("lake_options", {}))
    home = project_file.parent / Path(found["home"].value).expanduser()
    return Settings(
        project_file=project_file,
        home=home,
        ledger_url=found["ledger"].value or _file_url(home / "ledger.db"),
        lake_url=_lake(found["lake"]) or str(home),
        lake_options=lake_options,
        state_url=_state(found["state"], project_file.parent),
        workers=_positive(found["workers"]),
        engine=_engine(found["engine"]),
        step_timeout=_duration(found["step_timeout"]),
        prices_file=project_file.parent / found["prices"].value if found["prices"].value else None,
        values=(
            *(replace(each, value=masked(each.value)) for each in found.values()),
            *(Setting(f"lake_options.{each.name}", each.shown, each.origin, each.meaning) for each in lake_options),
        ),
    )


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsUnreadable(str(path), error) from error
    for name in values:
        if name not in (*_DEFAULTS, _LAKE_OPTIONS):
            raise SettingInvalid(
                name, masked(str(values[name])), str(path), f"a known setting. {suggest(name, (*_DEFAULTS, _LAKE_OPTIONS))}"
            )
        if has_plain_password(str(values[name])):
            raise SecretInFile(name, str(path))
    return values


def _file_url(path: Path) -> str:
    """Return the URL of a file. It is shown to people, so only what would mean something else there is written otherwise."""
    return f"sqlite:///{str(path).replace('%', '%25').replace('?', '%3F')}"


def _lake(setting: Setting) -> str:
    scheme, separator, _ = setting.value.partition("://")
    if separator and scheme not in ("s3", "file"):
        raise SettingInvalid(setting.name, masked(setting.value), setting.origin, "a folder or s3://bucket/prefix")
    return setting.value


def _state(setting: Setting, root: Path) -> str | None:
    scheme, separator, _ = setting.value.partition("://")
    if not separator:
        return str(root / Path(setting.value).expanduser()) if setting.value else None
    if scheme not in ("redis", "rediss"):
        raise SettingInvalid(setting.name, masked(setting.value), setting.origin, "a folder, redis://host:port/number or rediss://")
    return setting.value


def _resolve(name: str, flags: Mapping[str, str | None], environment: Mapping[str, str], file_values: Mapping[str, Any]) -> Setting:
    variable = f"HEADRACE_{name.upper()}"
    flag = flags.get(name)
    if flag is not None:
        return Setting(name, flag, f"--{name}", _MEANINGS[name])
    if variable in environment:
        return Setting(name, environment[variable], variable, _MEANINGS[name])
    if name in file_values:
        return Setting(name, str(file_values[name]), "headrace.toml", _MEANINGS[name])
    return Setting(name, _DEFAULTS[name], "default", _MEANINGS[name])


def _positive(setting: Setting) -> int:
    if not setting.value.isdecimal() or int(setting.value) < 1:
        raise SettingInvalid(setting.name, setting.value, setting.origin, "a whole number above zero")
    return int(setting.value)


def _engine(setting: Setting) -> str:
    if setting.value not in (LOCAL, RAY) and not _CLUSTER.fullmatch(setting.value):
        expected = "local, ray, or the address of a Ray cluster: host:port or ray://host:port"
        raise SettingInvalid(setting.name, masked(setting.value), setting.origin, expected)
    return setting.value


def _duration(setting: Setting) -> timedelta | None:
    if setting.value == "none":
        return None
    try:
        return parse_duration(setting.value)
    except UserError as error:
        raise SettingInvalid(setting.name, setting.value, setting.origin, "a duration such as 90m, 24h or 2d, or none") from error
