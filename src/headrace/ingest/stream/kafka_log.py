"""What the library for Kafka logs and says, without secrets."""

import logging

from headrace.core.secrets import Secrets

LOG = logging.getLogger("headrace.kafka")
LOG.addHandler(logging.NullHandler())  # who wants to read what the library says adds a handler


class KafkaLog:
    """What the library writes its log into."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def log(self, level: int, message: str, *values: object) -> None:
        """Log what it says."""
        LOG.log(level, "%s", self._secrets.redact(message % values if values else message))


def words_of(error: Exception) -> str:
    """Return what an error of the library says."""
    first = error.args[0] if error.args else error
    return str(first.str()) if hasattr(first, "str") else str(first)
