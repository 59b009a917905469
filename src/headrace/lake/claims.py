"""Which ledgers use a lake: one file each, so that none frees what another names."""

from collections.abc import Mapping
from pathlib import Path

from obstore.exceptions import AlreadyExistsError, BaseError

from headrace.lake.errors import LakeFault
from headrace.lake.place import place


class Claims:
    """The ledgers that ever kept something in a lake."""

    def __init__(self, home: str | Path, options: Mapping[str, str] | None = None) -> None:
        self._place = place(home, options).child("lake", ".ledgers")  # no project can be called so

    def add(self, ledger: str) -> None:
        """Say that a ledger uses the lake. It is said before anything is kept in its name."""
        try:
            self._place.store().put(ledger, b"", mode="create")
        except AlreadyExistsError:
            return
        except (BaseError, OSError) as error:
            raise LakeFault("write to", self._place.url, error) from error

    def others(self, ledger: str) -> frozenset[str]:
        """Return the ledgers other than this one."""
        if self._place.is_empty():
            return frozenset()
        try:
            found = {str(meta["path"]).rpartition("/")[2] for several in self._place.store().list() for meta in several}
        except (BaseError, OSError) as error:
            raise LakeFault("list", self._place.url, error) from error
        return frozenset(found - {ledger})
