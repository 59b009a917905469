"""Steps whose work a Ray cluster does: a head and a worker, each a node of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from services.ray import Ray

CHECKS = Path(__file__).with_name("ray_checks.py")
SECRET = "hush-hush-hush"  # of ray_checks


@pytest.fixture(scope="module")
def cluster() -> Iterator[Ray]:
    server = Ray(workers=1)
    yield server
    server.remove()


def inside(cluster: Ray, *command: str, folder: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **cluster.environment, "HEADRACE_USER": "ana", **more}
    return subprocess.run(cluster.inside(command), cwd=folder, env=environment, capture_output=True, text=True, timeout=150)


@pytest.fixture(scope="module")
def found(cluster: Ray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("ray")
    done = inside(cluster, sys.executable, str(CHECKS), cluster.address, str(folder), folder=folder)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1, done.stdout  # Ray says nothing where results go
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_parts_come_back_in_their_order_and_say_what_they_used(found):
    assert found["squares"] == [number * number for number in range(40)]
    assert found["cpu"]
    assert found["slots"] == 2


def test_features_are_equal_to_the_last_bit(found):
    assert found["features"] == {"lookups": {"lookup_0": True, "lookup_1": True, "lookup_2": True}, "assembled": True, "frames": 5}


def test_an_error_is_the_one_that_was_raised_and_nothing_of_rays(found):
    assert found["raised"] == {
        "user": ["UserError", "a part is wrong.\n  Mend it.", "True"],
        "value": ["ValueError", "no such thing", "True"],
        "odd": ["Odd", "very odd", "True"],
        "exit": ["SystemExit", "enough", "False"],
        "panic": ["PanicException", "a defect", "False"],
    }
    assert found["tried"] == 1


def test_a_worker_that_is_killed_is_replaced(found):
    assert found["killed"] == [7]


def test_a_task_that_nobody_waits_for_is_ended(found):
    assert found["stopped"]


def test_no_secret_is_in_an_error_or_in_a_log(found, cluster):
    assert found["secret"] == "the store refused ***"
    said = [path.read_bytes() for path in cluster.logs.rglob("*") if path.is_file()]
    assert len(said) > 5
    assert not any(word.encode() in text for text in said for word in (SECRET, cluster.token))
