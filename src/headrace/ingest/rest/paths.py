"""Finding values in an answer by the keys that lead to them."""

from typing import Any

MISSING = object()


def find(value: Any, path: str) -> Any:
    """Return what lies under keys joined by dots, or MISSING; a key may have dots itself, as `@odata.nextLink` has.

    >>> find({"data": {"items": [1]}}, "data.items")
    [1]
    """
    if not path:
        return value
    if not isinstance(value, dict):
        return MISSING
    if path in value:
        return value[path]
    for position, letter in enumerate(path):
        if letter == "." and path[:position] in value:
            found = find(value[path[:position]], path[position + 1 :])
            if found is not MISSING:
                return found
    return MISSING


def described(value: Any) -> str:
    """Return what a value is, in words, without its content."""
    match value:
        case dict():
            keys = ", ".join(map(repr, list(value)[:12])) or "none"
            return f"an object with the keys {keys}" + (f" and {len(value) - 12} more" if len(value) > 12 else "")
        case list():
            return f"a list of {len(value)}"
        case str():
            return "a text"
        case None:
            return "null"
        case bool():
            return "a boolean"
    return "a number"
