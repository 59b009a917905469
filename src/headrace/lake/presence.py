"""What is kept, without opening it: asked before every run, so it loads no table engine."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

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
        """Tell whether a version of a table that was written whole is kept: its commit is in the table's log, and what that added is as
        large as it was (Delta protocol, "Delta Log Entries" and "Add File and Remove File").

        Raises:
            LakeFault: if the store fails.
        """
        table = self._tables.child(table_folder(name))
        if table.is_empty():
            return False
        store = table.store()
        try:
            commit = bytes(store.get(f"_delta_log/{version:020d}.json").bytes())
            actions = [json.loads(line) for line in commit.splitlines()]
            added = [action["add"] for action in actions if "add" in action]
            return bool(actions) and all(store.head(unquote(add["path"]))["size"] == add["size"] for add in added)
        except (FileNotFoundError, ValueError):  # a damaged commit is none: it may be neither JSON nor text
            return False
        except (BaseError, OSError) as error:
            raise LakeFault("look into the table at", table.url, error) from error
