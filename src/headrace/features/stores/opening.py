"""Which store a place names."""

from pathlib import Path

from headrace.features.stores.contract import StateStore
from headrace.features.stores.embedded import EmbeddedStore


def open_store(url: str) -> StateStore:
    """Open the online state of a folder.

    Raises:
        StoreUnusable: if it cannot be opened as it is named.
        StorageFault: if a folder cannot be made.
    """
    return EmbeddedStore(Path(url))
