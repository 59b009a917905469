"""Keeping secrets out of errors and logs, in whatever form they travel."""

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

from headrace.core.secrets import Secrets, placeholders

_HIDDEN = "***"
# What these write at the level DEBUG has the whole address in it.
_LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry", "urllib3.poolmanager")


class Redactor:
    """Fills secrets in and takes them out again: also those that a server handed out, and as they are written in addresses and headers."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._hidden: set[str] = set()

    def fill(self, text: str) -> str:
        """Return the text with its secrets.

        Raises:
            SecretMissing: naming the placeholder.
        """
        for name in placeholders(text):
            self.hide(self._secrets.fill(f"${{{name}}}"))
        return self._secrets.fill(text)

    def hide(self, value: str) -> None:
        """Take this value out of all texts from now on."""
        self._hidden |= {value, quote(value, safe=""), quote(value), quote_plus(value), base64.b64encode(value.encode()).decode()} - {""}

    def redact(self, text: str) -> str:
        """Return the text without secrets."""
        for value in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(value, _HIDDEN)
        return self._secrets.redact(text)

    @contextmanager
    def watching_logs(self) -> Iterator[None]:
        """Keep secrets out of what the HTTP library logs."""
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self._redact_record)
        try:
            yield
        finally:
            for name in _LOGGERS:
                logging.getLogger(name).removeFilter(self._redact_record)

    def _redact_record(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self.redact(record.getMessage()), None
        return True
