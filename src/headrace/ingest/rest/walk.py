"""From one page to the next."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin

from headrace.ingest.rest.addresses import next_link
from headrace.ingest.rest.paths import MISSING, find
from headrace.spec.paging import ByCursor, ByLinkHeader, ByNextUrl, ByOffset, ByPage, Paging


class Step(NamedTuple):
    """What is asked: an address and its parameters."""

    url: str
    params: Mapping[str, str]


class Seen(NamedTuple):
    """What an answer says of the pages: its value, its header `Link`, its rows, and whether all that there are have come."""

    value: Any
    link: str
    rows: int
    complete: bool


def first_step(paging: Paging | None, url: str, params: Mapping[str, str]) -> Step:
    """Return the first question."""
    size = getattr(paging, "size", None)
    sized = {size[0]: str(size[1])} if size else {}
    match paging:
        case ByPage(param=param, first=first):
            return Step(url, {**params, **sized, param: str(first)})
        case ByOffset(param=param):
            return Step(url, {**params, **sized, param: "0"})
    return Step(url, {**params, **sized})


def next_step(paging: Paging | None, asked: Step, seen: Seen) -> Step | None:
    """Return the question after one that was answered, or None after the last.

    A page that is shorter than was asked for is not taken for the last: an API may give fewer than it was asked for.
    """
    match paging:
        case ByPage(param=param) if seen.rows and not seen.complete:
            return Step(asked.url, {**asked.params, param: str(int(asked.params[param]) + 1)})
        case ByOffset(param=param) if seen.rows and not seen.complete:
            return Step(asked.url, {**asked.params, param: str(int(asked.params[param]) + seen.rows)})
        case ByCursor(field=field, param=param):
            value = find(seen.value, field)
            return None if _ends(value) else Step(asked.url, {**asked.params, param: as_parameter(value)})
        case ByNextUrl(field=field):
            return _linked(asked, find(seen.value, field))
        case ByLinkHeader():
            return _linked(asked, next_link(seen.link))
    return None


def as_parameter(value: str | int | float | bool) -> str:
    """Return a value as it is written in a query: booleans in small letters, as JSON has them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _linked(asked: Step, address: Any) -> Step | None:
    # The API's own address says all that is to be asked.
    return None if _ends(address) else Step(urljoin(asked.url, str(address)), {})


def _ends(value: Any) -> bool:
    return value is MISSING or value is None or value is False or value == ""
