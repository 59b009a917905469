"""Real servers for the tests that ask for them: one of each for a session, started when first asked for."""

import os
from collections.abc import Iterator

import pytest
from services.json_api import JsonApi
from services.kafka import Kafka
from services.postgres import Postgres
from services.redis import Redis
from services.s3 import S3


def _give_polars_one_thread() -> None:
    """Give Polars one thread here, and all it likes in the commands that tests start.

    Tests run beside each other on as many cores as there are, on tables of a few rows, where threads only wait for each other: with two,
    the law of streams takes 1.4 times as long.
    """
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl  # it reads the variable when it makes its threads, once

    assert pl.thread_pool_size() == 1
    del os.environ["POLARS_MAX_THREADS"]


_give_polars_one_thread()  # at once: the conftest of a folder that pytest is asked for by name imports Polars before anything is configured


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A Postgres server. A test that stops it must start it again."""
    server = Postgres()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """The URL of an empty database, with its password."""
    return postgres.database()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3-protocol server. A test that stops it must start it again."""
    server = S3()
    yield server
    server.remove()


@pytest.fixture
def bucket_url(s3: S3) -> str:
    """The URL of an empty bucket; what its store wants to know is in `s3.environment`."""
    return s3.bucket()


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """A Redis server. A test that stops it must start it again."""
    server = Redis()
    yield server
    server.remove()


@pytest.fixture
def redis_url(redis: Redis) -> str:
    """The URL of an unused prefix of keys, with the server's password."""
    return redis.place()


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A broker of Kafka's protocol. A test that stops it must start it again."""
    server = Kafka()
    yield server
    server.remove()


@pytest.fixture
def api() -> Iterator[JsonApi]:
    """A JSON API that answers as the test tells it to."""
    server = JsonApi()
    yield server
    server.stop()
