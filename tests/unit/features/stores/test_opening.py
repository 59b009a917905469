"""Which store a place names, and what is said of one that names none."""

import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from headrace.features.stores.embedded import EmbeddedStore
from headrace.features.stores.errors import StoreUnusable
from headrace.features.stores.opening import open_store
from headrace.features.stores.redis_server import Place, see_fit

_WITHOUT_DRIVER = """
import sys
sys.modules["redis"] = None
from headrace.features.stores.opening import open_store
open_store(sys.argv[1]).close()
try:
    open_store("redis://:hush@localhost")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_path_is_a_folder(tmp_path: Path) -> None:
    store = open_store(f"{tmp_path}/a/b")
    assert isinstance(store, EmbeddedStore)
    store.close()
    assert (tmp_path / "a" / "b" / "data.mdb").exists()


def test_a_folder_needs_no_driver_and_a_server_says_which(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WITHOUT_DRIVER, str(tmp_path / "state")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.startswith("StoreUnusable the online state at redis://:***@localhost cannot be used: its driver is not installed")
    assert "pip install 'headrace[redis]'" in said


@pytest.mark.parametrize(
    "url",
    [
        "memcached://ana:hush@host", "redis://", "redis://:hush@", "rediss:///1", "redis://host:99999", "redis://[::1",
        "redis://ana:hush#hush@host", "redis://:x[hush]@host", "redis://:hush\u2100@host",
        "redis://:hush@host?decode_responses=true", "redis://:hush@host/1?ssl_ca_certs=x&db=2",
    ],
)  # fmt: skip
def test_a_url_that_names_no_store_is_told_with_the_form(url: str) -> None:
    with pytest.raises(StoreUnusable, match="redis://") as caught:
        open_store(url)
    assert "hush" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "database", "prefix", "rest"),
    [
        ("redis://host", 0, "given", "redis://host"),
        ("redis://host/", 0, "given", "redis://host"),
        ("redis://host:1/3", 3, "given", "redis://host:1"),
        ("rediss://u:p@host/flights?ssl_ca_certs=ca.pem", 0, "flights", "rediss://u:p@host?ssl_ca_certs=ca.pem"),
        ("redis://host/3/team/flights%20a", 3, "team/flights a", "redis://host"),
    ],
)
def test_a_url_says_the_database_and_the_prefix(url: str, database: int, prefix: str, rest: str) -> None:
    place = Place.of(url, "given")
    assert (place.database, place.prefix, place.url) == (database, prefix, rest)


class Told:
    """A server that says so much of itself: kinds that cannot be started here."""

    def __init__(self, **told: str) -> None:
        self._told = {"redis_version": "7.2.4", "redis_mode": "standalone", "maxmemory_policy": "noeviction"} | told

    def info(self) -> Any:
        return self._told


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"redis_version": "6.0.16"}, "Redis 6.0.16"),
        ({"redis_mode": "cluster"}, "cluster"),
        ({"maxmemory_policy": "allkeys-lfu"}, "allkeys-lfu"),
    ],
)
def test_a_server_that_cannot_keep_state_is_refused(told: dict[str, str], why: str) -> None:
    place = Place.of("redis://host", "given")
    see_fit(Told(), place)
    see_fit(Told(redis_version="6.2.0"), place)
    with pytest.raises(StoreUnusable, match=why):
        see_fit(Told(**told), place)
