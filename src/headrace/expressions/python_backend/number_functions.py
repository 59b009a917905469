"""What generated code calls for numbers where Python's own operators raise, or mean something else than IEEE 754 or 64 bits."""

import hashlib
import math
import re

from headrace.expressions.types import INT_MAX, INT_MIN

INF, NAN = math.inf, math.nan
_WHOLE = 2.0**52
_INT_TEXT = re.compile(r"[+-]?[0-9]+")
_FLOAT_TEXT = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity|nan))", re.ASCII)
_INT_DIGITS = 19


def wrap(number: int) -> int:
    """Return an integer modulo 2**64, signed."""
    return (number - INT_MIN) % 2**64 + INT_MIN


def divide(dividend: float, divisor: float) -> float:
    """Return the IEEE quotient: infinite or NaN where the divisor is zero."""
    if divisor:
        return dividend / divisor
    return math.copysign(INF, dividend) * math.copysign(1.0, divisor) if dividend == dividend and dividend else NAN


def floor(number: float) -> float:
    """Return the greatest whole number not above; a zero keeps its sign."""
    return number // 1.0 if number - number == 0.0 else number


def ceil(number: float) -> float:
    """Return the least whole number not below; a zero keeps its sign."""
    return -(-number // 1.0) if number - number == 0.0 else number


def floor_divide(dividend: float, divisor: float) -> float:
    """Return the floor of the quotient."""
    return floor(divide(dividend, divisor))


def modulo(dividend: float, divisor: float) -> float:
    """Return what is left of the dividend after so many whole divisors, with the divisor's sign."""
    return dividend - floor(divide(dividend, divisor)) * divisor


def power(number: float, exponent: float) -> float:
    """Return C's pow."""
    try:
        return math.pow(number, exponent)
    except OverflowError:
        return -INF if number < 0 and exponent % 2 == 1 else INF
    except ValueError:
        if number == 0:
            return math.copysign(INF, number) if exponent % 2 == 1 else INF
        return NAN


def exponential(number: float) -> float:
    """Return e to this power, infinite where it overflows."""
    try:
        return math.exp(number)
    except OverflowError:
        return INF


def logarithm(number: float) -> float:
    """Return the natural logarithm of what is not above zero: -infinity at zero, else NaN."""
    return -INF if number == 0 else NAN


def logarithm_above_one(number: float) -> float:
    """Return log(1 + number) of what is not above -1: -infinity at -1, else NaN."""
    return -INF if number == -1 else NAN


def round_half_even(number: float) -> float:
    """Return the nearest whole number, a half to the even one; a zero keeps its sign."""
    return math.copysign(float(round(number)), number) if -_WHOLE < number < _WHOLE else number


def round_decimals(number: float, scale: float) -> float:
    """Return the number rounded to multiples of 1/scale as Polars does it: scaled, rounded half to even, scaled back."""
    scaled = number * scale
    return round_half_even(scaled) / scale if scaled - scaled == 0.0 else number


def greatest(*values: float | str | None) -> object:
    """Return the greatest of the values that are not None; of equal ones the last."""
    best = None
    for value in values:
        if value is not None and (best is None or value >= best):  # type: ignore[operator]  # all of one kind
            best = value
    return best


def least(*values: float | str | None) -> object:
    """Return the least of the values that are not None; of equal ones the last."""
    best = None
    for value in values:
        if value is not None and (best is None or value <= best):  # type: ignore[operator]  # all of one kind
            best = value
    return best


def greatest_float(*values: float | None) -> float | None:
    """Return the greatest of the numbers; NaN if there are only NaN and None, None if only None."""
    best = None
    for value in values:
        if value is not None and (best is None or best != best or value >= best):
            best = value
    return best


def least_float(*values: float | None) -> float | None:
    """Return the least of the numbers; NaN if there are only NaN and None, None if only None."""
    best = None
    for value in values:
        if value is not None and (best is None or best != best or value <= best):
            best = value
    return best


def int_of_float(number: float) -> int | None:
    """Return the whole part; None for what is not finite or outside 64 bits."""
    return int(number) if -(2.0**63) <= number < 2.0**63 else None


def int_of_text(text: str) -> int | None:
    """Return the integer that the whole text writes in decimal digits; None for any other text or outside 64 bits."""
    if not _INT_TEXT.fullmatch(text):
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    number = int(digits) if len(digits) <= _INT_DIGITS else INT_MAX + 2
    number = -number if text[0] == "-" else number
    return number if INT_MIN <= number <= INT_MAX else None


def float_of_text(text: str) -> float | None:
    """Return the number that the whole text writes; None for any other text."""
    return float(text) if _FLOAT_TEXT.fullmatch(text) else None


def text_of_float(number: float) -> str:
    """Return the shortest text that reads back as the number, as Polars writes it: plain from 1e-5 up to 1e16."""
    written = repr(number)
    if "e-" in written:
        mantissa, _, exponent = written.partition("e-")
        if int(exponent) > 5:
            return f"{mantissa}e-{int(exponent)}"
        sign, digits = ("-", mantissa[1:]) if mantissa[0] == "-" else ("", mantissa)
        return f"{sign}0.{'0' * (int(exponent) - 1)}{digits.replace('.', '')}"
    return "NaN" if written == "nan" else written


def hash_bucket(value: str | int | bool, n: int, seed: int) -> int:
    """Return a bucket from 0 to n-1: BLAKE2b of the value's text, keyed by the seed, its first eight bytes (little endian) modulo n."""
    text = value if isinstance(value, str) else str(value).lower()
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8, key=seed.to_bytes(8, "little")).digest()
    return int.from_bytes(digest, "little") % n
