"""Where a Redis server is, and whether it can keep state."""

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import redis
from redis.retry import Retry

from headrace.core.secrets import masked
from headrace.features.stores.errors import StoreFault, StoreUnusable

_FORM = "Write redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER][/PREFIX], with rediss:// for TLS, and the password as ${NAME}."
_OLDEST = (6, 2)
_NOT_TO_BE_SET = ("db", "decode_responses", "encoding", "encoding_errors")
"""Options of the driver that would keep state elsewhere than the path says, or make texts of its bytes."""


class Place(msgspec.Struct, frozen=True):
    """A server, a database of it, and what all keys of one project begin with there. `shown` has no password."""

    url: str
    shown: str
    database: int
    prefix: str

    @classmethod
    def of(cls, url: str, prefix: str) -> "Place":
        """Take a URL apart. A prefix of its own goes first.

        Raises:
            StoreUnusable: if it has another form.
        """
        shown = masked(url)
        try:
            parts = urlsplit(url)
            named = bool(parts.hostname) and parts.port != 0
        except ValueError:
            # What it says is not shown, nor kept as the cause: it repeats what it stumbles over, which may be a part of a password.
            raise StoreUnusable(shown, "it is no URL", _FORM) from None
        if not named:
            raise StoreUnusable(shown, "it names no server", _FORM)
        for option in parse_qs(parts.query):
            if option in _NOT_TO_BE_SET:
                raise StoreUnusable(shown, f"the URL sets {option}, which is not to be set", _FORM)
        path = [unquote(each) for each in parts.path.split("/") if each]
        database = int(path.pop(0)) if path and path[0].isdecimal() else 0
        return cls(parts._replace(path="").geturl(), shown, database, "/".join(path) or prefix)

    def client(self, seconds: float, retry: Retry) -> "redis.Redis":
        """Return a client whose commands take no longer. It connects when it is first used."""
        try:
            return redis.Redis.from_url(
                self.url, db=self.database, socket_timeout=seconds, socket_connect_timeout=min(seconds, 5), retry=retry
            )
        except ValueError as error:
            raise StoreUnusable(self.shown, str(error), _FORM) from error


def see_fit(client: Any, place: Place) -> None:
    """See that a server answers, and keeps what it is given.

    Raises:
        StoreUnusable: if it refuses us, is too old, is a cluster, or throws away what it has no room for.
        StoreFault: if it does not answer.
    """
    told = _told(client, place)
    version = told["redis_version"]
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < _OLDEST:
        raise StoreUnusable(place.shown, f"the server is Redis {version}", "Use Redis 6.2 or newer, or Valkey.")
    if told.get("redis_mode") == "cluster":
        raise StoreUnusable(place.shown, "it is a cluster, which cannot commit to several of its servers at once", "Name a single server.")
    policy = told.get("maxmemory_policy", "noeviction")
    if policy.startswith("allkeys"):
        raise StoreUnusable(
            place.shown,
            f"the server throws records away when its memory is full (maxmemory-policy {policy})",
            "Set maxmemory-policy to noeviction: then a full server refuses to write, and loses nothing.",
        )


def _told(client: Any, place: Place) -> dict[str, Any]:
    try:
        told: dict[str, Any] = client.info()
    except (redis.AuthenticationError, redis.ResponseError) as error:
        remedy = "Check the user, the password and the number of the database, and that the user may call INFO."
        raise StoreUnusable(place.shown, f"the server refuses us ({error})", remedy) from error
    except redis.RedisError as error:
        raise StoreFault("open", place.shown, error) from error
    except TypeError as error:  # what the client says to an option of the URL that it does not know
        raise StoreUnusable(place.shown, f"the URL has an option that is none ({error})", _FORM) from error
    return told
