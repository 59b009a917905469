"""Keys of records: the same bytes for equal keys, on the side that writes and on the side that asks."""

import math
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from headrace.core.moments import MICROSECOND, microseconds
from headrace.expressions import DType

_MOST_BYTES = 400
_DIGEST_MARK = b"\xc1"
"""A byte that MessagePack never writes."""
_encode = msgspec.msgpack.Encoder().encode


def record_key(values: Sequence[bool | int | float | str]) -> bytes:
    """Return the bytes of a key: moments and durations are microseconds, zero is positive, and there is neither null nor NaN."""
    key = _encode(tuple(values))
    return key if len(key) <= _MOST_BYTES else _DIGEST_MARK + blake2b(key, digest_size=32).digest()


def key_encoder(dtypes: Sequence[DType]) -> Callable[[Sequence[Any]], bytes | None]:
    """Return a function of a key's values as Python has them that gives its bytes; None for a null or NaN, which equals nothing."""
    converters = [(place, _CONVERTERS[dtype]) for place, dtype in enumerate(dtypes) if dtype in _CONVERTERS]

    def encode(values: Sequence[Any]) -> bytes | None:
        if None in values:
            return None
        converted = list(values)
        for place, convert in converters:
            converted[place] = convert(values[place])
        return None if None in converted else record_key(converted)

    return encode


def _float(value: float) -> float | None:
    return None if math.isnan(value) else value + 0.0


_CONVERTERS: dict[DType, Callable[[Any], Any]] = {
    DType.FLOAT: _float,
    DType.DATETIME: microseconds,
    DType.DURATION: lambda duration: duration // MICROSECOND,
}
