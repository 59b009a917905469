"""Rows of a request against the model's given columns."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from headrace.bundles.manifest import GivenField
from headrace.core.errors import suggest
from headrace.serving.errors import InvalidValue, MalformedRequest
from headrace.serving.fields import EXPECTED, PERSONAL, PLAINLY, Reader, Unfit, describe, field_reader, plain_reader, read_moment


class RowReader:
    """Reads rows: every given column must be there, null where unknown; nothing else may be."""

    def __init__(self, given: Sequence[GivenField], key: bytes) -> None:
        self.given = {field.name: field for field in given}
        self._plain = _row_reader(given, key)
        self._readers: tuple[tuple[str, Reader], ...] = tuple((field.name, field_reader(field, key)) for field in given)

    def read(self, raw: object, row: int) -> dict[str, object]:
        """Return the typed values of one JSON object, personal ones pseudonymised.

        Raises:
            InvalidValue: naming row, field, what was expected and what came.
        """
        if type(raw) is not dict:
            raise MalformedRequest(f"row {row} is {describe(raw)}.", remedy="A row is an object of fields and values.")
        try:
            values = self._plain(raw)
        except (KeyError, Unfit):
            return self._read_explaining(raw, row)
        if len(raw) != len(values):
            self._check_names(raw, row)
        return values

    def _read_explaining(self, raw: Mapping[str, object], row: int) -> dict[str, object]:
        """The same a field at a time: slower, but it knows which field is wrong, and how."""
        self._check_names(raw, row)
        return {name: None if (value := raw[name]) is None else read(value, row) for name, read in self._readers}

    def read_column(self, name: str, values: Sequence[object]) -> list[object]:
        """Return the typed values of one column, given in row order.

        Raises:
            InvalidValue: as `read`.
        """
        read = dict(self._readers)[name]
        return [None if value is None else read(value, row) for row, value in enumerate(values)]

    def expected(self, name: str) -> str:
        """What a field takes, for messages."""
        field = self.given[name]
        return PERSONAL if field.personal else EXPECTED[field.dtype]

    def _check_names(self, raw: Mapping[str, object], row: int) -> None:
        for name in raw:
            if name not in self.given:
                remedy = suggest(name, self.given)
                raise InvalidValue(row, name[:100], "a given column of the model", "unknown", remedy)
        for name in self.given:
            if name not in raw:
                raise InvalidValue(row, name, f"{self.expected(name)} or null", "missing", "Send null if the value is not known.")


def _row_reader(given: Sequence[GivenField], key: bytes) -> Callable[[Mapping[str, object]], dict[str, object]]:
    """Return a function written for these fields, which calls a field's reader only for what is not plainly a value of its type.

    It raises as the readers do, and KeyError for a field that is missing.
    """
    scope: dict[str, Any] = {f"read{number}": plain_reader(field, key) for number, field in enumerate(given)}
    values = []
    for number, field in enumerate(given):
        plain = f" or {PLAINLY[field.dtype]}" if field.dtype in PLAINLY and not field.personal else ""
        values.append(f"{field.name!r}: value if (value := raw[{field.name!r}]) is None{plain} else read{number}(value)")
    source = f"def read(raw):\n    return {{{', '.join(values)}}}\n"
    exec(compile(source, "<headrace given values>", "exec"), scope)  # noqa: S102 - written above; names enter by repr only
    read: Callable[[Mapping[str, object]], dict[str, object]] = scope["read"]
    return read


def read_as_of(raw: object, now: datetime) -> datetime:
    """Return the moment that the question is asked as of: now, unless a replay says another.

    Raises:
        InvalidValue: if it is not an aware ISO 8601 moment.
    """
    if raw is None:
        return now
    try:
        return read_moment(raw)
    except Unfit as reason:
        raise InvalidValue(
            None, "as_of", "an ISO 8601 moment with an offset, such as '2013-07-04T12:30:00Z'", describe(raw), str(reason)
        ) from None
