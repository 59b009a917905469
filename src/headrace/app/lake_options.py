"""What the lake's store wants to know: from the table `[lake_options]` of `headrace.toml`, else from the field's ordinary variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.app.errors import SecretInFile, SettingInvalid
from headrace.core.errors import suggest
from headrace.core.secrets import masked, placeholders

_FILE = "headrace.toml"
_MEANINGS = {
    "region": "the region of the lake's bucket",
    "endpoint": "the URL of an S3-protocol store that is not Amazon's",
    "access_key_id": "the name of the key to the lake's bucket",
    "secret_access_key": "the key to the lake's bucket",
    "session_token": "the token of a temporary key",
}
_VARIABLES = {
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "access_key_id": ("AWS_ACCESS_KEY_ID",),
    "secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
    "session_token": ("AWS_SESSION_TOKEN",),
}
_SECRET = ("secret_access_key", "session_token")


@dataclass(frozen=True)
class LakeOption:
    """One option: `text` may hold placeholders, `shown` no secret."""

    name: str
    text: str = field(repr=False)
    origin: str

    @property
    def shown(self) -> str:
        """The option as it may be shown."""
        return masked(self.text) if self.name not in _SECRET or placeholders(self.text) else "***"

    @property
    def is_secret(self) -> bool:
        """Tell whether its value must not stand in any text."""
        return self.name in _SECRET or bool(placeholders(self.text))

    @property
    def meaning(self) -> str:
        """What it is."""
        return _MEANINGS[self.name]


def read_lake_options(lake: str, environment: Mapping[str, str], from_file: object) -> tuple[LakeOption, ...]:
    """Return the options that are set; none for a lake in a folder.

    Raises:
        SettingInvalid: for an option that there is not, or an endpoint that is no URL.
        SecretInFile: for a key that stands in the file as such.
    """
    known = _checked(from_file)
    if not lake.startswith("s3://"):
        return ()
    found = [_find(name, known, environment) for name in _MEANINGS]
    return tuple(_valid(each) for each in found if each is not None)


def _checked(from_file: object) -> dict[str, str]:
    if not isinstance(from_file, dict):
        raise SettingInvalid("lake_options", masked(str(from_file)), _FILE, f"a table: [lake_options], with any of {', '.join(_MEANINGS)}")
    for name, value in from_file.items():
        if name not in _MEANINGS:
            raise SettingInvalid(f"lake_options.{name}", "given", _FILE, f"a known option. {suggest(name, _MEANINGS)}")
        if name in _SECRET and not placeholders(str(value)):
            raise SecretInFile(f"lake_options.{name}", _FILE)
    return {name: str(value) for name, value in from_file.items()}


def _find(name: str, from_file: Mapping[str, Any], environment: Mapping[str, str]) -> LakeOption | None:
    if name in from_file:
        return LakeOption(name, from_file[name], _FILE)
    for variable in _VARIABLES[name]:
        if variable in environment or f"{variable}_FILE" in environment:
            return LakeOption(name, f"${{{variable}}}" if name in _SECRET else environment.get(variable, f"${{{variable}}}"), variable)
    return None


def _valid(option: LakeOption) -> LakeOption:
    if option.name == "endpoint" and not placeholders(option.text) and not option.text.startswith(("http://", "https://")):
        raise SettingInvalid("lake_options.endpoint", masked(option.text), option.origin, "a URL such as https://s3.example.org")
    return option
