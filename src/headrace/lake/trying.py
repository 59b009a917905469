"""Whether a lake can be written, found out by writing: rights that are looked up do not tell of read-only mounts, quotas and policies."""

from collections.abc import Mapping
from pathlib import Path

from obstore.exceptions import BaseError

from headrace.core.storage import try_writing
from headrace.lake.errors import LakeFault
from headrace.lake.place import Place, place

_TRIAL = ".trial"  # always the same object, so that one which a killed process left is taken away by the next


def try_lake(home: str | Path, project: str, options: Mapping[str, str] | None = None) -> str:
    """Write where a lake keeps its tables and blobs, and leave nothing; return where that is.

    Raises:
        StorageFault: if a folder is full or may not be written.
        LakeFault: if a store does not answer or refuses.
    """
    root = place(home, options)
    if "://" in root.url:
        _try_store(root.child("lake"))
    else:
        for folder in ("lake", f"lake/{project}", "blobs"):
            try_writing(Path(root.url) / folder)
    return root.url


def _try_store(at: Place) -> None:
    try:
        next(iter(at.store().list(chunk_size=1)), None)  # some stores make a bucket that is not there when they are written to
        at.store().put(_TRIAL, b"")
        at.store().delete(_TRIAL)
    except (BaseError, OSError) as error:
        raise LakeFault("write to", at.url, error) from error
