"""What is kept, without opening it: asked before every run, so it loads no table engine."""

from collections.abc import Mapping
from pathlib import Path

from obstore.exceptions import BaseError

from headrace.lake.blobs import Blobs
from headrace.lake.errors import LakeFault
from headrace.lake.place import place, table_folder


class Presence:
    """Tells whether blobs and table versions of a project are still there."""

    def __init__(self, home: str | Path, project: str, options: Mapping[str, str] | None = None) -> None:
        root = place(home, options)
        self._blobs = Blobs(root.child("blobs"))
        self._tables = root.child("lake", project)

    def blob(self, sha256: str) -> bool:
        """Tell whether a blob is kept."""
        return self._blobs.exists(sha256)

    def table(self, name: str, version: int) -> bool:
        """Tell whether a version of a table is kept: its commit is in the table's log (Delta protocol, "Delta Log Entries").

        Raises:
            LakeFault: if the store fails.
        """
        table = self._tables.child(table_folder(name))
        if table.is_empty():
            return False
        try:
            table.store().head(f"_delta_log/{version:020d}.json")
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise LakeFault("look into the log of the table at", table.url, error) from error
        return True
