"""Methods on texts. Lengths and offsets count Unicode code points."""

from typing import TYPE_CHECKING

from headrace.expressions.fluent import Fluent

if TYPE_CHECKING:
    from headrace.expressions.tree import Expr


class TextMethods(Fluent):
    """Case, trimming, search, slices, patterns, reading of dates."""

    __slots__ = ()

    def lower(self) -> "Expr":
        """The text in lower case."""
        return self._call("lower")

    def upper(self) -> "Expr":
        """The text in upper case."""
        return self._call("upper")

    def strip(self) -> "Expr":
        """The text without Unicode white space at its ends."""
        return self._call("strip")

    def len_chars(self) -> "Expr":
        """How many code points the text has."""
        return self._call("len_chars")

    def contains(self, literal: object) -> "Expr":
        """True where the text has this part, taken literally."""
        return self._call("contains", literal)

    def starts_with(self, prefix: object) -> "Expr":
        """True where the text starts so."""
        return self._call("starts_with", prefix)

    def ends_with(self, suffix: object) -> "Expr":
        """True where the text ends so."""
        return self._call("ends_with", suffix)

    def replace_all(self, old: str, new: str) -> "Expr":
        """The text with each occurrence of `old`, taken literally and not empty, replaced."""
        return self._call("replace_all", old=old, new=new)

    def slice(self, offset: int, length: int | None = None) -> "Expr":
        """The part that begins at `offset` (from the end where negative) and has `length` code points, or goes to the end.

        What lies outside the text counts as empty: `slice(-5, 3)` of a text of four is its first two.
        """
        return self._call("slice", offset=offset, length=length)

    def matches(self, pattern: str) -> "Expr":
        """True where the whole text matches a regular expression in Python's syntax; `\\d`, `\\w`, `\\s`, `\\b` mean ASCII."""
        return self._call("matches", pattern=pattern)

    def parse_datetime(self, format: str, tz: str = "UTC") -> "Expr":
        """Read a local time in a zone, and return the moment, UTC; null where the text does not fit wholly.

        `format` takes %Y (four digits), %m %d %H %M %S (one or two digits), %f (one to six digits, a fraction of a second), %y (two digits,
        69-99 is 19xx), %j (day of the year, three digits), %b %B (English month names), %I %p (twelve-hour clock), %z (Z, +HH:MM or +HHMM:
        then `tz` is not used), %F (%Y-%m-%d), %T (%H:%M:%S), %R (%H:%M) and %%. Missing parts are the first month or day, and midnight. A
        local time that daylight saving skips gives null; one that it repeats means the earlier.
        """
        return self._call("parse_datetime", format=format, tz=tz)
