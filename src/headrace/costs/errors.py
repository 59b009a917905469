"""Errors of costs.

UserError
└── CatalogueError         a price catalogue that cannot be used
    ├── CatalogueMissing   there is no such file
    └── InvalidPrice       an entry that is missing, unknown, or no decimal number written as a text
"""

from collections.abc import Iterable

from headrace.core.errors import UserError, suggest


class CatalogueError(UserError):
    """A price catalogue that cannot be used."""


class CatalogueMissing(CatalogueError):
    """There is no such file."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"there is no price catalogue {path!r}.", remedy="Give the path of a TOML file, or none for the one that comes along."
        )


class InvalidPrice(CatalogueError):
    """An entry that is missing, unknown, or no decimal number written as a text."""

    def __init__(self, path: str, entry: str, value: object, expected: str) -> None:
        super().__init__(f"{entry} in the price catalogue {path!r} cannot be {value!r}.", remedy=f"Expected {expected}.")
        self.entry = entry


class UnknownPrice(CatalogueError):
    """An entry under [prices] that nothing is charged by."""

    def __init__(self, path: str, entry: str, choices: Iterable[str]) -> None:
        super().__init__(f"the price catalogue {path!r} has a price {entry!r} that nothing is charged by.", remedy=suggest(entry, choices))
        self.entry = entry
