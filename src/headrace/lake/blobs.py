"""Blobs: bytes kept under their own SHA-256, so that what is there is never changed and what is read is checked."""

import hashlib

from obstore.exceptions import BaseError

from headrace.lake.errors import CorruptBlob, LakeFault, UnknownBlob
from headrace.lake.place import Place


class Blobs:
    """Content-addressed bytes. Thread safe; a blob appears whole or not at all."""

    def __init__(self, at: Place) -> None:
        self._place = at

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their SHA-256 in 64 hexadecimal digits; the same bytes are kept once."""
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            self._place.create(_path(sha256), data)
        except FileExistsError:
            self._confirm(sha256, data)
        except (BaseError, OSError) as error:
            raise LakeFault("keep a blob at", self.location(sha256), error) from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the bytes.

        Raises:
            UnknownBlob: if there are none.
            CorruptBlob: if they are not those of the hash.
            LakeFault: if the store fails.
        """
        if self._place.is_empty():
            raise UnknownBlob(sha256, self._place.url)
        data = self._read(sha256)
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise CorruptBlob(sha256, found, self.location(sha256))
        return data

    def exists(self, sha256: str) -> bool:
        """Tell whether a blob is kept."""
        if self._place.is_empty():
            return False
        try:
            self._place.store().head(_path(sha256))
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise LakeFault("look for", self.location(sha256), error) from error
        return True

    def remove(self, sha256: str) -> None:
        """Remove a blob, so that it is made again; one that is not there is nothing to do."""
        try:
            self._place.store().delete(_path(sha256))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise LakeFault("remove", self.location(sha256), error) from error

    def location(self, sha256: str) -> str:
        """Return the path or URL of a blob, for people."""
        return self._place.child(_path(sha256)).url

    def _read(self, sha256: str) -> bytes:
        try:
            return bytes(self._place.store().get(_path(sha256)).bytes())
        except FileNotFoundError as error:
            raise UnknownBlob(sha256, self._place.url) from error
        except (BaseError, OSError) as error:
            raise LakeFault("read", self.location(sha256), error) from error

    def _holds(self, sha256: str) -> bool:
        return hashlib.sha256(self._read(sha256)).hexdigest() == sha256

    def _confirm(self, sha256: str, data: bytes) -> None:
        """Content-addressed: whoever came first wrote the same bytes. Damaged ones are replaced, so that a new run mends the lake."""
        whole = self._holds(sha256)
        try:
            if not whole:
                self._place.store().put(_path(sha256), data, mode="overwrite")
            self._place.settle(_path(sha256))  # even if they are whole: who wrote them may not have come to that
        except (BaseError, OSError) as error:
            raise LakeFault("mend", self.location(sha256), error) from error


def _path(sha256: str) -> str:
    # Two levels, because folders with a hundred thousand files are slow on some file systems.
    return f"{sha256[:2]}/{sha256}"
