"""How an API hands out its rows page by page."""

from headrace.core.locations import caller_location
from headrace.spec.declaration import Declaration
from headrace.spec.errors import InvalidOption


class Paging(Declaration, frozen=True, kw_only=True):
    """A way from one page to the next."""


class ByPage(Paging, frozen=True, kw_only=True):
    """Numbered pages, up to the first empty one."""

    param: str
    size: tuple[str, int] | None
    first: int


class ByOffset(Paging, frozen=True, kw_only=True):
    """So many rows from the so-and-so-manieth on, up to the first empty page."""

    param: str
    size: tuple[str, int] | None


class ByCursor(Paging, frozen=True, kw_only=True):
    """Each page says, in a field, the value that asks for the next; it says none, or has no such field, when it is the last."""

    field: str
    param: str
    size: tuple[str, int] | None


class ByNextUrl(Paging, frozen=True, kw_only=True):
    """Each page has, in a field, the address of the next."""

    field: str


class ByLinkHeader(Paging, frozen=True, kw_only=True):
    """Each answer has the address of the next in its header `Link`, as `rel="next"` (RFC 8288)."""


def page(param: str = "page", size: tuple[str, int] | None = None, first: int = 1) -> ByPage:
    """Numbered pages: `?page=1&per_page=100`, then `page=2`, until a page has no rows (or the source's `total` is reached).

    >>> page(size=("per_page", 100)).first
    1
    """
    return ByPage(param=param, size=_checked(size), first=first)


def offset(param: str = "offset", size: tuple[str, int] | None = None) -> ByOffset:
    """Rows counted: `?offset=0&limit=100`, then on by as many rows as came, until a page has none (or `total` is reached)."""
    return ByOffset(param=param, size=_checked(size))


def cursor(field: str, param: str = "cursor", size: tuple[str, int] | None = None) -> ByCursor:
    """The value at `field` of each answer goes into the parameter `param` of the next question, until it is null, empty or missing."""
    return ByCursor(field=field, param=param, size=_checked(size))


def next_url(field: str = "next") -> ByNextUrl:
    """The address at `field` of each answer is asked next, until it is null, empty or missing."""
    return ByNextUrl(field=field)


def link_header() -> ByLinkHeader:
    """The address that the header `Link` calls `next` is asked next, until there is none."""
    return ByLinkHeader()


def _checked(size: tuple[str, int] | None) -> tuple[str, int] | None:
    if size is None:
        return None
    match tuple(size):
        case (str(param), int(rows)) if rows >= 1:
            return param, rows
    expected = 'a parameter\'s name and a number of rows, such as ("per_page", 100)'
    raise InvalidOption("the size of a page", size, expected, location=caller_location())
