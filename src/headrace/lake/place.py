"""A place that bytes are kept at: a folder or a URL. The only module of the lake that knows the difference."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from obstore.store import LocalStore, ObjectStore, from_url

_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


class Place(NamedTuple):
    """A folder (as an absolute path) or a URL, and what its store wants to know: region, endpoint, credentials, conditional put."""

    url: str
    options: Mapping[str, str] = _NO_OPTIONS

    def child(self, *parts: str) -> "Place":
        """Return a place below this one."""
        return Place("/".join((self.url, *parts)), self.options)

    def store(self) -> ObjectStore:
        """Return the objects at this place; a folder is made when it is first written to."""
        if "://" in self.url:
            config: Any = dict(self.options)  # its keys depend on the scheme, which only the store knows
            found: ObjectStore = from_url(self.url, config=config)
            return found
        return LocalStore(self.url, automatic_cleanup=False, mkdir=True)

    def is_empty(self) -> bool:
        """Tell, without making it, whether a folder is not there; a URL is never known to be."""
        return "://" not in self.url and not Path(self.url).exists()


def table_folder(name: str) -> str:
    """Return the folder of a table, of one part or two.

    Two parts are no folder inside the other table's: Delta's vacuum removes whatever it finds there and does not know.
    """
    return name.replace("/", ".")


def place(url: str | Path, options: Mapping[str, str] | None = None) -> Place:
    """Return the place that a path or URL names; `file://` is a path."""
    text = str(url)
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    if "://" in text:
        return Place(text.rstrip("/"), options or _NO_OPTIONS)
    return Place(str(Path(text).expanduser().absolute()), options or _NO_OPTIONS)
