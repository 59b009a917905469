"""A place that bytes are kept at: a folder or a URL. The only module of the lake that knows the difference."""

import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, ObjectStore, from_url

from headrace.core.durable import create, settle

_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})
_NAMES = {
    "region": "aws_region",
    "endpoint": "aws_endpoint_url",
    "access_key_id": "aws_access_key_id",
    "secret_access_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
}
_ALLOW_HTTP = "aws_allow_http"


class Place(NamedTuple):
    """A folder (as an absolute path) or a URL, and what its store wants to know, in the words of Delta Lake's stores."""

    url: str
    options: Mapping[str, str] = _NO_OPTIONS

    def child(self, *parts: str) -> "Place":
        """Return a place below this one."""
        return Place("/".join((self.url, *parts)), self.options)

    def store(self) -> ObjectStore:
        """Return the objects at this place; a folder is made when it is first written to."""
        if "://" in self.url:
            return _remote(self.url, tuple(sorted(self.options.items())))
        return LocalStore(self.url, automatic_cleanup=False, mkdir=True)

    def create(self, path: str, data: bytes) -> None:
        """Write a file that is not there, whole or not at all, and return when it is on the disk.

        Raises:
            FileExistsError: if it is there; its writer may not have come to its end yet.
        """
        if "://" not in self.url:
            create(Path(self.url) / path, data)  # the store would take as long as the disk, for a small file
            return
        try:
            self.store().put(path, data, mode="create")
        except AlreadyExistsError as error:
            raise FileExistsError(path) from error

    def settle(self, path: str) -> None:
        """Return when a file that the store has written is on the disk: the libraries rename what is whole, and no more. A server sees to
        that itself."""
        if "://" not in self.url:
            settle(Path(self.url) / path)

    def remove(self) -> None:
        """Remove everything at and below this place, be there something or not."""
        if "://" not in self.url:
            shutil.rmtree(self.url, ignore_errors=True)  # what another process removes meanwhile is as gone
            return
        store = self.store()
        for found in store.list():
            store.delete([each["path"] for each in found])

    def is_empty(self) -> bool:
        """Tell, without making it, whether a folder is not there; a URL is never known to be."""
        return "://" not in self.url and not Path(self.url).exists()


def table_folder(name: str) -> str:
    """Return the folder of a table, of one part or two.

    Two parts are no folder inside the other table's: Delta's vacuum removes whatever it finds there and does not know.
    """
    return name.replace("/", ".")


def place(url: str | Path, options: Mapping[str, str] | None = None) -> Place:
    """Return the place that a path or URL names; `file://` is a path.

    Of `options`, a URL takes region, endpoint, access_key_id, secret_access_key and session_token. Nothing is sent in the clear unless
    the endpoint says `http://`.
    """
    text = str(url)
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    if "://" not in text:
        return Place(str(Path(text).expanduser().absolute()))
    # Two writers of one version: the store lets one of them win (RFC 9110 "If-None-Match").
    told = {"aws_conditional_put": "etag"} | {_NAMES[name]: value for name, value in (options or {}).items()}
    if told.get("aws_endpoint_url", "").startswith("http://"):
        told[_ALLOW_HTTP] = "true"
    return Place(text.rstrip("/"), told)


@lru_cache(maxsize=64)  # with its connections: to open one takes as long as twenty requests over it
def _remote(url: str, options: tuple[tuple[str, str], ...]) -> ObjectStore:
    config: Any = {name: value for name, value in options if name != _ALLOW_HTTP}
    found: ObjectStore = from_url(url, config=config, client_options={"allow_http": (_ALLOW_HTTP, "true") in options})
    return found
