"""How long to wait before asking again: as long as the API asks for, else longer each time, never all clients at one moment."""

import contextlib
import math
import random
import time

import urllib3
from urllib3.util.retry import Retry

from headrace.ingest.rest.allowance import read_allowances

_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 60.0
_EPOCH_FROM, _EPOCH_MILLISECONDS_FROM = 1e9, 1e12
_RESETS = ("RateLimit-Reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset")
_REMAINING = ("RateLimit-Remaining", "X-RateLimit-Remaining", "X-Rate-Limit-Remaining")


def may_pass(status: int, headers: urllib3.HTTPHeaderDict) -> bool:
    """Tell whether an answer is worth asking again for: 408, 429 and 5xx, and a 403 that says that the allowance is used up."""
    return status in (408, 429) or status >= 500 or (status == 403 and is_used_up(headers))


def is_used_up(headers: urllib3.HTTPHeaderDict) -> bool:
    """Tell whether the headers say that no request is left."""
    return any(headers.get(name, "").strip() == "0" for name in _REMAINING) or any(each.left == 0 for each in read_allowances(headers))


def wait_before(attempt: int) -> float:
    """Return the seconds before asking again, the attempt counted from 0: half a second, doubled each time, a part of it by chance."""
    longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0**attempt)
    return random.uniform(longest / 2, longest)


def asked_wait(headers: urllib3.HTTPHeaderDict) -> float | None:
    """Return the seconds that an answer asks to wait: `Retry-After`, else when the rate limit is reset; None if it does not say."""
    with contextlib.suppress(urllib3.exceptions.InvalidHeader, ValueError):  # a number of thousands of digits is a ValueError
        if "Retry-After" in headers:
            return Retry().parse_retry_after(headers["Retry-After"])
    return reset_wait(headers)


def reset_wait(headers: urllib3.HTTPHeaderDict) -> float | None:
    """Return the seconds until the rate limit is reset, which APIs say as seconds from now or as a Unix time in seconds or milliseconds.

    Of several quotas that are used up, the one that is reset last counts.
    """
    waits = [each.seconds for each in read_allowances(headers) if each.left == 0 and each.seconds is not None]
    if waits:
        return float(max(waits))
    for name in _RESETS:
        with contextlib.suppress(ValueError):
            seconds = float(headers.get(name, ""))
            if not math.isfinite(seconds):
                continue
            if seconds >= _EPOCH_MILLISECONDS_FROM:
                seconds /= 1000
            return max(0.0, seconds - time.time() if seconds >= _EPOCH_FROM else seconds)
    return None
