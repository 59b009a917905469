"""Prices: a dated catalogue in a TOML file, which a team replaces with its own."""

import tomllib
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from headrace.costs.errors import CatalogueError, CatalogueMissing, InvalidPrice, UnknownPrice

_SHIPPED = Path(__file__).parent / "catalogue"


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What each thing costs in USD: a virtual CPU a second, a GiB of memory a second, read, written, stored for a month.

    >>> Prices.load().currency
    'USD'
    """

    date: date
    currency: str
    region: str
    source: str
    vcpu_second: Decimal
    gib_second: Decimal
    gib_read: Decimal
    gib_written: Decimal
    gib_month_stored: Decimal

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Prices":
        """Read a catalogue; without a path, the newest that comes with Headrace, whose prices are examples.

        Raises:
            CatalogueMissing: if there is no such file.
            InvalidPrice: if an entry is missing or no price.
            UnknownPrice: if there is a price that nothing is charged by.
            CatalogueError: if the file is no TOML.
        """
        file = Path(path) if path is not None else max(_SHIPPED.glob("*.toml"))
        try:
            catalogue = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise CatalogueMissing(str(file)) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise CatalogueError(f"the price catalogue {str(file)!r} is no TOML: {error}", remedy="Correct that line.") from error
        return cls(**_heading(catalogue, str(file)), **_prices(catalogue, str(file)))


_RESOURCES = ("vcpu_second", "gib_second", "gib_read", "gib_written", "gib_month_stored")


def _heading(catalogue: dict[str, Any], file: str) -> dict[str, Any]:
    dated = catalogue.get("date")
    if type(dated) is not date:
        raise InvalidPrice(file, "date", dated, "the day on which the prices were right, such as date = 2026-11-01")
    for entry in ("currency", "region", "source"):
        if not isinstance(catalogue.get(entry), str) or not catalogue[entry]:
            raise InvalidPrice(file, entry, catalogue.get(entry), "a text")
    if catalogue["currency"] != "USD":
        raise InvalidPrice(file, "currency", catalogue["currency"], "'USD', the ledger's only currency: convert the prices")
    return {entry: catalogue[entry] for entry in ("date", "currency", "region", "source")}


def _prices(catalogue: dict[str, Any], file: str) -> dict[str, Any]:
    listed = catalogue.get("prices")
    if not isinstance(listed, dict):
        raise InvalidPrice(file, "[prices]", listed, f"a table with {', '.join(_RESOURCES)}")
    for entry in listed:
        if entry not in _RESOURCES:
            raise UnknownPrice(file, entry, _RESOURCES)
    return {resource: _price(listed.get(resource), resource, file) for resource in _RESOURCES}


def _price(written: object, resource: str, file: str) -> Decimal:
    try:
        # A TOML float has lost the digits that were written, so only texts are taken.
        price = Decimal(written) if isinstance(written, str) else Decimal("NaN")
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price < 0:
        raise InvalidPrice(file, f"prices.{resource}", written, 'a decimal number of USD, not below zero, in quotes, such as "0.0000113"')
    return price
