"""Secrets by name: `${NAME}` in a text stands for the environment variable NAME, or for the content of the file that NAME_FILE names.

A declaration, a setting and the ledger keep the placeholder; the value is filled in at the moment of use and never written down.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

from headrace.core.errors import UserError

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_]\w*)\}", re.ASCII)
_HIDDEN = "***"
_USER_AND_PASSWORD = re.compile(r"(://[^:/@\s]*):(\S*)@")
_PASSWORD_OPTION = re.compile(r"([?&][^=&#\s]*(?:password|passwd|secret|token|api_?key|access_?key)[^=&#\s]*=)([^&#\s'\"]*)", re.IGNORECASE)


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
        self._turn = threading.Lock()

    def fill(self, text: str) -> str:
        """Return the text with each placeholder replaced by its secret.

        Raises:
            SecretMissing: naming the placeholder.
        """
        return _PLACEHOLDER.sub(lambda found: self._value(found[1]), text)

    def fill_url(self, url: str) -> str:
        """Fill a URL in: the secret of a user or a password may hold any letter, since it is percent-encoded.

        Raises:
            SecretMissing: naming the placeholder.

        >>> Secrets({"SALES_PASSWORD": "h@sh"}).fill_url("postgresql://reader:${SALES_PASSWORD}@db/sales")
        'postgresql://reader:h%40sh@db/sales'
        """
        scheme, separator, rest = url.partition("://")
        user, at, place = rest.rpartition("@")
        if not separator or not at:
            return self.remember(self.fill(url))
        quoted = _PLACEHOLDER.sub(lambda found: quote(self._value(found[1]), safe=""), user)
        return self.remember(f"{self.fill(scheme)}://{quoted}@{self.fill(place)}")

    def remember(self, url: str) -> str:
        """Take note of the passwords in a URL, so that `redact` hides them too, and return it."""
        for pattern in (_USER_AND_PASSWORD, _PASSWORD_OPTION):
            for found in pattern.finditer(url):
                self.hide(found[2])
                self.hide(unquote(found[2]))
        return url

    def hide(self, value: str) -> None:
        """Take note of a secret that came another way, so that `redact` hides it too."""
        if value:
            with self._turn:
                self._given |= {value}

    def redact(self, text: str) -> str:
        """Return the text without the secrets that were given out."""
        for value in sorted(self._given, key=len, reverse=True):
            text = text.replace(value, _HIDDEN)
        return text

    @contextmanager
    def kept_out_of_errors(self) -> Iterator[None]:
        """Take the secrets out of the words of an error that passes, and of those it came from."""
        try:
            yield
        except BaseException as error:  # of SystemExit too: a step that raises it has failed, and its words are recorded
            self._clean(error)
            raise

    def _clean(self, error: BaseException | None) -> None:
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            error.args = tuple(self.redact(each) if isinstance(each, str) else each for each in error.args)
            for name, value in vars(error).items():
                if isinstance(value, str):
                    setattr(error, name, self.redact(value))
            error = error.__cause__ or error.__context__

    def _value(self, name: str) -> str:
        value = self._environment.get(name)
        if value is None:
            value = self._read(name)
        if not value:
            raise SecretMissing(name, "it is empty")
        self.hide(value)
        return value

    def _read(self, name: str) -> str:
        path = self._environment.get(f"{name}_FILE")
        if path is None:
            raise SecretMissing(name, f"neither {name} nor {name}_FILE is set")
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretMissing(name, f"{name}_FILE names {path}, which gives {type(error).__name__}") from error


def masked(text: str) -> str:
    """Return a text with the passwords of its URLs hidden, but for placeholders.

    >>> masked("postgresql://ana:hush@db/sales?sslpassword=hush")
    'postgresql://ana:***@db/sales?sslpassword=***'
    >>> masked("postgresql://ana:${PASSWORD}@db/sales")
    'postgresql://ana:${PASSWORD}@db/sales'
    """
    return _PASSWORD_OPTION.sub(_hide, _USER_AND_PASSWORD.sub(lambda found: _hide(found) + "@", text))


def has_plain_password(text: str) -> bool:
    """Tell whether a URL holds a password as such, where a placeholder should stand."""
    return masked(text) != text


def _hide(found: re.Match[str]) -> str:
    separator = "" if found[1].endswith("=") else ":"
    return f"{found[1]}{separator}{found[2] if _is_placeholder(found[2]) else _HIDDEN}"


def _is_placeholder(text: str) -> bool:
    return not text or _PLACEHOLDER.fullmatch(text) is not None


def placeholders(text: str) -> tuple[str, ...]:
    """Return the names of the secrets that a text asks for."""
    return tuple(_PLACEHOLDER.findall(text))
