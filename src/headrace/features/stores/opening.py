"""Which store a place names."""

from pathlib import Path

from headrace.core.secrets import masked
from headrace.features.stores.contract import StateStore
from headrace.features.stores.embedded import EmbeddedStore
from headrace.features.stores.errors import StoreUnusable

_SERVERS = ("redis", "rediss")


def open_store(place: str, prefix: str = "headrace", answer_seconds: float | None = None) -> StateStore:
    """Open the online state of a folder, or of a server: `redis://...`, or `rediss://...` for TLS.

    Secrets are filled in already. `prefix` is what the keys of this project begin with on a server that several share; a path in the URL
    goes first. A folder has one project's state. With `answer_seconds` a server that does not answer in that time has failed, and is not
    asked again: for whoever cannot wait.

    Raises:
        StoreUnusable: if it cannot be opened as it is named.
        StoreFault: if a server does not answer.
        StorageFault: if a folder cannot be made or written.
    """
    scheme, separator, _ = place.partition("://")
    if not separator:
        return EmbeddedStore(Path(place))
    if scheme not in _SERVERS:
        raise StoreUnusable(masked(place), f"there is no store of the kind {scheme}://", "Name a folder, or redis:// or rediss://.")
    try:
        from headrace.features.stores.redis import RedisStore  # an extra, and a tenth of a second that a folder does not need
    except ImportError as error:
        raise StoreUnusable(
            masked(place), f"its driver is not installed ({error})", "Install it: pip install 'headrace[redis]'."
        ) from error
    return RedisStore(place, prefix, answer_seconds)
