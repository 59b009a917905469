"""Settings: one frozen object, read once. Flag, then environment, then `headrace.toml` beside the project, then default."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from headrace.app.errors import SettingInvalid
from headrace.core.errors import UserError, suggest
from headrace.core.units import parse_duration

_DEFAULTS = {"home": ".headrace", "ledger": "", "lake": "", "workers": "2", "step_timeout": "24h", "prices": ""}
_MEANINGS = {
    "home": "the folder of everything Headrace keeps",
    "ledger": "the ledger's database URL; default: a SQLite file in home",
    "lake": "the folder or URL of tables and blobs; default: home",
    "workers": "how many steps may run at once",
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
    ledger_url: str
    lake_url: str
    workers: int
    step_timeout: timedelta | None
    prices_file: Path | None
    values: tuple[Setting, ...]

    @property
    def workflows_url(self) -> str:
        """The database of durable runs."""
        return f"sqlite:///{self.home / 'workflows.db'}"

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
    """
    project_file = project_file.absolute()
    file_values = _read_file(project_file.parent / "headrace.toml")
    found = {name: _resolve(name, flags or {}, environment, file_values) for name in _DEFAULTS}
    home = project_file.parent / Path(found["home"].value).expanduser()
    return Settings(
        project_file=project_file,
        home=home,
        ledger_url=found["ledger"].value or f"sqlite:///{home / 'ledger.db'}",
        lake_url=found["lake"].value or str(home),
        workers=_positive(found["workers"]),
        step_timeout=_duration(found["step_timeout"]),
        prices_file=project_file.parent / found["prices"].value if found["prices"].value else None,
        values=tuple(found.values()),
    )


def _read_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid("file", str(path), "headrace.toml", f"TOML ({error})") from error
    for name in values:
        if name not in _DEFAULTS:
            raise SettingInvalid(name, values[name], str(path), f"a known setting. {suggest(name, _DEFAULTS)}")
    return {name: str(value) for name, value in values.items()}


def _resolve(name: str, flags: Mapping[str, str | None], environment: Mapping[str, str], file_values: Mapping[str, str]) -> Setting:
    variable = f"HEADRACE_{name.upper()}"
    flag = flags.get(name)
    if flag is not None:
        return Setting(name, flag, f"--{name}", _MEANINGS[name])
    if variable in environment:
        return Setting(name, environment[variable], variable, _MEANINGS[name])
    if name in file_values:
        return Setting(name, file_values[name], "headrace.toml", _MEANINGS[name])
    return Setting(name, _DEFAULTS[name], "default", _MEANINGS[name])


def _positive(setting: Setting) -> int:
    if not setting.value.isdigit() or int(setting.value) < 1:
        raise SettingInvalid(setting.name, setting.value, setting.origin, "a whole number above zero")
    return int(setting.value)


def _duration(setting: Setting) -> timedelta | None:
    if setting.value == "none":
        return None
    try:
        return parse_duration(setting.value)
    except UserError as error:
        raise SettingInvalid(setting.name, setting.value, setting.origin, "a duration such as 90m, 24h or 2d, or none") from error
