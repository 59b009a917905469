"""Identifiers: a short prefix for the kind, then 48 bits of milliseconds and 80 random bits in Crockford's base 32 (ULID layout).

Ids of one kind sort by the moment they were made.
"""

import hashlib
import os
import threading
from datetime import UTC, datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)}
_LENGTH = 26
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_PAIR_SHIFTS = tuple(range(10 * (_LENGTH // 2 - 1), -1, -10))
_LOW = (1 << 70) - 1
_lock = threading.Lock()
_last = 0


def new_id(prefix: str, now: datetime) -> str:
    """Return a new id such as `run_01k9...`. Thread safe; ids of one process are strictly increasing while its clock does not go back."""
    global _last
    number = (int(now.timestamp() * 1000) << 80) | int.from_bytes(os.urandom(10), "big")
    with _lock:
        number = _last = number if number > _last or (number >> 80) < (_last >> 80) else _last + 1
    return _written(prefix, number)


def new_ids(prefix: str, now: datetime, count: int) -> list[str]:
    """Return ids that follow each other without a gap, all of one moment: quicker than one by one, and as strictly increasing."""
    global _last
    first = (int(now.timestamp() * 1000) << 80) | int.from_bytes(os.urandom(10), "big") >> 1  # a bit is left to count into
    with _lock:
        first = first if first > _last or (first >> 80) < (_last >> 80) else _last + 1
        _last = first + max(count - 1, 0)
    made: list[str] = []
    number = first
    while number < first + count:
        high, low = number >> 20, number & 0xFFFFF
        head = f"{prefix}_{''.join([_PAIRS[high >> shift & 1023] for shift in _PAIR_SHIFTS[2:]])}"
        until = min(0x100000, low + first + count - number)
        made += [head + _PAIRS[each >> 10] + _PAIRS[each & 1023] for each in range(low, until)]
        number += until - low
    return made


def settled_id(prefix: str, moment: datetime, what: str) -> str:
    """Return the id that something has, whoever makes it and however often: its moment, then a hash of what it is."""
    tail = hashlib.blake2b(what.encode(), digest_size=10).digest()
    return _written(prefix, (int(moment.timestamp() * 1000) << 80) | int.from_bytes(tail, "big"))


def id_after(last: str | None, prefix: str, now: datetime) -> str:
    """Return a new id that is greater than another of its kind: of the present moment, or the next one after it if the clock went back."""
    made = new_id(prefix, now)
    return made if last is None or made > last else _written(prefix, _number(last) + 1)


def id_time(identifier: str) -> datetime:
    """Return the moment, UTC with millisecond precision, at which an id was made.

    Raises:
        ValueError: if the text is not an id of ours.
    """
    return datetime.fromtimestamp((_number(identifier) >> 80) / 1000, UTC)


def _written(prefix: str, number: int) -> str:
    """Written out pair by pair, from two halves: every answer has an id, and a loop over 128 bits takes twice as long."""
    pair, high, low = _PAIRS, number >> 70, number & _LOW
    return (
        f"{prefix}_{pair[high >> 50]}{pair[high >> 40 & 1023]}{pair[high >> 30 & 1023]}{pair[high >> 20 & 1023]}"
        f"{pair[high >> 10 & 1023]}{pair[high & 1023]}{pair[low >> 60]}{pair[low >> 50 & 1023]}{pair[low >> 40 & 1023]}"
        f"{pair[low >> 30 & 1023]}{pair[low >> 20 & 1023]}{pair[low >> 10 & 1023]}{pair[low & 1023]}"
    )


def _number(identifier: str) -> int:
    body = identifier.rpartition("_")[2]
    if len(body) != _LENGTH or any(letter not in _VALUE for letter in body):
        raise ValueError(f"{identifier!r} is not an id: expected a prefix, an underscore and {_LENGTH} letters or digits")
    number = 0
    for letter in body:
        number = number << 5 | _VALUE[letter]
    return number
