"""Rows from an API that answers with JSON over HTTP."""

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from headrace.core.secrets import placeholders
from headrace.core.units import parse_duration
from headrace.spec.addresses import check_address
from headrace.spec.asked import Asked
from headrace.spec.auth import Authentication, require_placeholder, secret_texts
from headrace.spec.declaration import as_mapping, as_names
from headrace.spec.errors import InvalidOption, SpecError
from headrace.spec.paging import Paging

_NONE: Mapping[str, str | int | float | bool] = MappingProxyType({})
_SECRET_NAME = re.compile(r"(.*[-_])?(api[-_]?key|token|secret|password|authorization|cookie)", re.IGNORECASE)
ORDERS = ("oldest_first", "any")
_PATIENCE = frozenset({"timeout", "retries", "max_response_mb"})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~\w-]+", re.ASCII)


class _RestUrl(Asked, frozen=True):
    url: str


class REST(_RestUrl, frozen=True, kw_only=True):
    """Rows from an API that answers with JSON over HTTP.

    >>> from headrace.spec import auth, paging
    >>> orders = REST(
    ...     "https://api.example.com/v1/orders",
    ...     rows="data.items",
    ...     headers={"Api-Version": "2026-10-01"},
    ...     auth=auth.bearer("${SHOP_TOKEN}"),
    ...     paging=paging.cursor("meta.next_cursor"),
    ...     cursor="updated_at",
    ...     since="updated_after",
    ... )
    >>> orders.incremental
    True

    Attributes:
        url: the address, without a query.
        rows: the keys, joined by dots, under which an answer has its list of rows; empty when the answer is the list itself.
        params: what the query says in every question; `headers` the same for headers: the place to pin an API's version.
        auth: one of `hr.auth`; `paging` one of `hr.paging`, or None for an API that answers with everything at once.
        cursor: a column, a number or a text that sorts (an ISO 8601 time does), whose greatest value is remembered; `since` is the
            parameter that it goes into the next time. Both together make the source incremental.
        order: how the answers to such a source are ordered by the cursor column: `oldest_first`, which is held to, or `any`: then all new
            rows are held in memory until the last has come, and sorted.
        total: the keys under which an answer says how many rows there are in all pages; another number of rows is then refused.
        flatten: columns that hold objects, whose fields become columns of their own (`customer.city`). Objects that are not named here,
            and lists, are kept as JSON texts.
        timeout: how long to wait for a connection, and for each part of an answer.
        retries: how often a question is asked again when the API is busy, broken or cut off.
        max_response_mb: an answer that is larger, unpacked, is refused.
    """

    rows: str = ""
    params: Mapping[str, str | int | float | bool] = _NONE
    headers: Mapping[str, str] = MappingProxyType({})
    auth: Authentication | None = None
    paging: Paging | None = None
    cursor: str | None = None
    since: str | None = None
    order: str = ORDERS[0]
    total: str | None = None
    flatten: tuple[str, ...] = ()
    timeout: timedelta = timedelta(seconds=30)
    retries: int = 5
    max_response_mb: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("params", as_mapping(self.params))
        self._set("headers", as_mapping(self.headers))
        self._set("flatten", as_names(self.flatten))
        self._set("timeout", parse_duration(self.timeout))
        self._check_secrets()
        check_address("the url of REST()", self.url, secret=self.secret, location=self.location)
        self._check_kinds()
        self._check_one_of("order", self.order, ORDERS)
        if (self.cursor is None) != (self.since is None):
            missing, given = ("since", "cursor") if self.since is None else ("cursor", "since")
            raise SpecError(
                f"REST({self.url!r}) has {given}= but not {missing}=.",
                remedy="cursor= names the column to remember, since= the parameter that asks for what comes after it.",
                location=self.location,
            )

    @property
    def incremental(self) -> bool:
        """Whether only what is new is asked for."""
        return self.cursor is not None

    @property
    def place(self) -> str:
        return self.url

    @property
    def meaning(self) -> dict[str, object]:
        """What of the declaration decides the rows: how patiently they are asked for, and how their times are read, does not."""
        return {name: value for name, value in super().meaning.items() if name not in _PATIENCE}

    @property
    def secret(self) -> bool:
        """Whether a question carries a secret."""
        texts = (*secret_texts(self.auth), *map(str, self.params.values()), *self.headers.values())
        return any(placeholders(text) for text in texts)

    def _check_secrets(self) -> None:
        for option, given in (("params", self.params), ("headers", self.headers)):
            for name, value in given.items():
                if _SECRET_NAME.fullmatch(name):
                    require_placeholder(f"{name!r} in the {option} of REST()", str(value), self.location)

    def _check_kinds(self) -> None:
        for name, value in self.headers.items():
            if not (_HEADER_NAME.fullmatch(name) and isinstance(value, str) and value.isprintable() and value.isascii()):
                raise InvalidOption(f"the header {name!r} of REST()", value, "a name and one line of ASCII", location=self.location)
        for name, parameter in self.params.items():
            if not isinstance(parameter, str | int | float):
                raise InvalidOption(f"the parameter {name!r} of REST()", parameter, "a text, a number or a boolean", location=self.location)
        for option, part, kind in (("auth", self.auth, Authentication), ("paging", self.paging, Paging)):
            if part is not None and not isinstance(part, kind):
                raise InvalidOption(f"{option} of REST()", part, f"one of hr.{option}", location=self.location)
        if not (isinstance(self.retries, int) and 0 <= self.retries <= 20):
            raise InvalidOption("retries of REST()", self.retries, "a number from 0 to 20", location=self.location)
        if not (isinstance(self.max_response_mb, int) and self.max_response_mb >= 1):
            raise InvalidOption("max_response_mb of REST()", self.max_response_mb, "a number from 1 on", location=self.location)
