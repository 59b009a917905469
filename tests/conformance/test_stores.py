"""The contract of stores of online state, in memory, in a folder and on a real Redis server."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis as driver
from services.redis import Redis

from headrace.features.stores.contract import Commit, Field, StateStore
from headrace.features.stores.errors import StoreFault, StoreUnusable
from headrace.features.stores.memory import MemoryStore
from headrace.features.stores.opening import open_store
from headrace.testing.stores import SharedStoreConformance, StoreConformance
from headrace.testing.stores_at_work import RECORDS, increment, number_seen

SERVER_KILLS = 5
ONE = Commit(put=[(Field("a", b"k", b"f"), b"v")])


class TestMemory(StoreConformance):
    @pytest.fixture
    def store(self) -> StateStore:
        return MemoryStore()


class TestEmbedded(SharedStoreConformance):
    @pytest.fixture
    def store_url(self, tmp_path: Any) -> str:
        return f"{tmp_path}/home/state"


class TestRedis(SharedStoreConformance):
    kills = 8  # of clients, which the server hardly notices

    @pytest.fixture
    def store_url(self, redis_url: str) -> str:
        return redis_url

    @pytest.fixture
    def operator(self, redis: Redis) -> Iterator[Any]:
        """Somebody who sets what the server does; it is as before afterwards."""
        with driver.Redis.from_url(redis.url()) as client:
            before = client.config_get("maxmemory*") | client.config_get("appendfsync")
            yield client
            for name, value in before.items():
                client.config_set(name, value)

    @pytest.mark.parametrize("synced", ["always", "everysec"])
    def test_a_server_that_is_killed_while_commits_are_made_is_whole_again(
        self, redis: Redis, operator: Any, store: StateStore, synced: str
    ) -> None:
        """And the same store goes on. What was acknowledged is there, or with "everysec" all of it but for the newest."""
        for _ in range(SERVER_KILLS):
            operator.config_set("appendfsync", synced)
            returned = _killed_at_work(redis, store)
            seen = number_seen(store)
            assert seen <= returned[-1] + 1
            assert seen >= returned[-1] or synced == "everysec"
            assert [int(value) for value in store.read([("all", b"")])[0][0]] == list(range(1, seen + 1))
            assert {value for values in store.read(RECORDS)[0] for value in values} == {b"%d" % seen}

    def test_a_server_that_is_away_is_told_by_every_method(self, redis: Redis, store: StateStore, store_url: str) -> None:
        store.commit(ONE)
        redis.stop()
        try:
            for ask in (
                lambda: store.read([("a", b"k")]),
                lambda: store.fields([("a", b"k")]),
                lambda: store.commit(ONE),
                lambda: store.marks(""),
                lambda: store.walk("a"),
                lambda: store.clear("a"),
                lambda: open_store(store_url),
            ):
                with pytest.raises(StoreFault) as caught:
                    ask()
                assert redis.password not in str(caught.value)
                assert f"127.0.0.1:{redis.port}" in str(caught.value)
        finally:
            redis.start()
        assert store.read([("a", b"k")])[0] == [[b"v"]]
        store.commit(ONE)

    def test_a_question_that_the_server_refuses_leaves_no_answer_to_the_next(self, operator: Any, redis: Redis) -> None:
        store = open_store(redis.url(), "refused")
        store.commit(ONE)
        operator.set("refused:record:1:a:none", "no hash")
        for _ in range(2):
            with pytest.raises(StoreFault, match="WRONGTYPE"):
                store.read([("a", b"none"), ("a", b"k")])
            assert store.read([("a", b"k"), ("a", b"k")], ["m"]) == ([[b"v"], [b"v"]], [None])
        store.close()

    def test_the_servers_older_protocol_will_do(self, redis: Redis) -> None:
        store = open_store(redis.url() + "?protocol=2", "older")
        store.commit(ONE)
        assert store.read([("a", b"k"), ("a", b"none")], ["m"]) == ([[b"v"], []], [None])
        store.close()

    def test_a_wrong_password_is_told_at_once_and_not_repeated(self, redis: Redis) -> None:
        with pytest.raises(StoreUnusable, match="refuses us") as caught:
            open_store(redis.url("gu3ss"))
        assert "gu3ss" not in str(caught.value)

    @pytest.mark.parametrize(
        ("place", "why"), [("/99", "DB index is out of range"), ("?no_such=1", "unexpected keyword argument 'no_such'")]
    )
    def test_what_the_url_asks_in_vain_is_told(self, redis: Redis, place: str, why: str) -> None:
        with pytest.raises(StoreUnusable, match=why):
            open_store(redis.url() + place)

    def test_a_server_that_throws_records_away_is_refused(self, operator: Any, store_url: str) -> None:
        """One that removes only what expires is none: nothing here does."""
        operator.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(StoreUnusable, match=r"maxmemory-policy allkeys-lru[\s\S]*noeviction"):
            open_store(store_url)
        operator.config_set("maxmemory-policy", "volatile-lru")
        open_store(store_url).close()

    def test_a_server_that_is_full_takes_nothing_and_answers_still(self, operator: Any, store: StateStore) -> None:
        number = increment(store)
        operator.config_set("maxmemory", "1mb")
        with pytest.raises(StoreFault, match="maxmemory"):
            increment(store)
        assert number_seen(store) == number
        operator.config_set("maxmemory", "0")
        assert increment(store) == number + 1

    def test_a_commit_of_more_parts_than_a_command_takes_arguments_is_made(self, store: StateStore) -> None:
        """A million and some; Redis before 7 hangs up on that."""
        marks = {f"m{number}": b"%d" % number for number in range(210_000)}
        store.commit(Commit(expect=dict.fromkeys(marks), marks=dict(marks)))
        assert store.read([], ["m0", "m209999", "m210000"])[1] == [b"0", b"209999", None]

    def test_projects_share_a_server_by_their_prefixes(self, redis: Redis) -> None:
        """A path in the URL goes before the prefix that is given; another database has its own keys."""
        stores = [open_store(redis.url(), "ours"), open_store(redis.url() + "/theirs", "ours"), open_store(redis.url() + "/1", "ours")]
        for number, each in enumerate(stores):
            each.commit(Commit(put=[(Field("a", b"k", b"f"), b"%d" % number)], marks={"m": b"%d" % number}))
        again = open_store(redis.url() + "/0/theirs")
        assert [each.read([("a", b"k")], ["m"]) for each in (*stores, again)] == [([[b"%d" % n]], [b"%d" % n]) for n in (0, 1, 2, 1)]
        stores[1].clear("a")
        assert [len(each.walk("a").records) for each in stores] == [1, 0, 1]
        for each in (*stores, again):
            each.close()


def _killed_at_work(redis: Redis, store: StateStore) -> list[int]:
    """Kill the server while commits are made, and start it again; return the numbers of those that were acknowledged."""
    returned = [number_seen(store)]

    def write() -> None:
        try:
            while True:
                returned.append(increment(store))
        except StoreFault:
            return

    thread = threading.Thread(target=write)
    thread.start()
    before = len(returned)
    while thread.is_alive() and len(returned) < before + 3:
        time.sleep(0.001)
    redis.kill()
    thread.join()
    redis.start()
    return returned
