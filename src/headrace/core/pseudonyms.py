"""Pseudonyms of personal values: HMAC-SHA256 under the project's key. Equal values stay equal; without the key nobody can tell whose.

The text of a value is hashed, so that a column of numbers in one table joins one of texts in another: 7, 7.0 and "7" have one pseudonym.
128 of the 256 bits are kept, which for a thousand million values leaves a chance of two alike below 1e-20. The prefix tells people, and
tables made from tables, that a value is a pseudonym already.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta

PREFIX = "pn_"
PATTERN = re.compile(r"pn_[0-9a-f]{32}")


def pseudonymise(value: bool | int | float | str | datetime | timedelta | None, key: bytes) -> str | None:
    """Return `pn_` and 32 hexadecimal digits for a value; None stays None."""
    if value is None:
        return None
    return PREFIX + hmac.digest(key, _text(value).encode(), "sha256")[:16].hex()


def _text(value: bool | int | float | str | datetime | timedelta) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{value.total_seconds()!r}s" if isinstance(value, timedelta) else str(value)
