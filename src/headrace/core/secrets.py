"""Secrets by name: `${NAME}` in a text stands for the environment variable NAME, or for the content of the file that NAME_FILE names.

A declaration, a setting and the ledger keep the placeholder; the value is filled in at the moment of use and never written down.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from headrace.core.errors import UserError

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_]\w*)\}", re.ASCII)
_HIDDEN = "***"


class SecretMissing(UserError):
    """A placeholder names a secret that is not there."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(
            f"the secret ${{{name}}} cannot be read: {problem}.",
            remedy=f"Set the environment variable {name}, or set {name}_FILE to the path of a file that holds it.",
        )


class Secrets:
    """Fills placeholders in, and takes the values it gave out of texts again. Thread safe.

    >>> secrets = Secrets({"SALES_PASSWORD": "hush"})
    >>> secrets.fill("postgresql://reader:${SALES_PASSWORD}@db/sales")
    'postgresql://reader:hush@db/sales'
    >>> secrets.redact("no route to postgresql://reader:hush@db/sales")
    'no route to postgresql://reader:***@db/sales'
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._given: frozenset[str] = frozenset()

    def fill(self, text: str) -> str:
        """Return the text with each placeholder replaced by its secret.

        Raises:
            SecretMissing: naming the placeholder.
        """
        return _PLACEHOLDER.sub(lambda found: self._value(found[1]), text)

    def redact(self, text: str) -> str:
        """Return the text without the secrets that were given out."""
        for value in sorted(self._given, key=len, reverse=True):
            text = text.replace(value, _HIDDEN)
        return text

    def _value(self, name: str) -> str:
        value = self._environment.get(name)
        if value is None:
            value = self._read(name)
        if not value:
            raise SecretMissing(name, "it is empty")
        self._given |= {value}
        return value

    def _read(self, name: str) -> str:
        path = self._environment.get(f"{name}_FILE")
        if path is None:
            raise SecretMissing(name, f"neither {name} nor {name}_FILE is set")
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretMissing(name, f"{name}_FILE names {path}, which gives {type(error).__name__}") from error


def placeholders(text: str) -> tuple[str, ...]:
    """Return the names of the secrets that a text asks for."""
    return tuple(_PLACEHOLDER.findall(text))
