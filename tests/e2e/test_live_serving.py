"""Serving while the stream goes on: what has come is in the next answer, and what is too old is told, left out or refused."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest
from services.redis import Redis

import headrace as hr
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.store import lake_of
from headrace.app.streaming.opening import open_state
from headrace.app.streaming.worker import StreamOptions, Watching, stream
from headrace.app.workspace import Workspace
from headrace.core.clock import FixedClock
from headrace.core.pseudonyms import pseudonymise
from headrace.features.batch import compute
from headrace.features.parity import compare
from headrace.features.plan import FeaturePlan
from headrace.features.stream.positions import position_prefix, read_position
from headrace.lake.lake import Lake

from .command import refused, run_command, served
from .small_stream import START, planned, write_project

HALF, WHOLE = START + timedelta(days=45, hours=1), START + timedelta(days=61)
LIMITS = 'max_staleness={"last_amount": "2d", "shop_mean_1d": "3d"}, when_stale="null"'
_SPEED = 86_400


class Playing:
    """A worker in a thread, and the clock by which its replay goes on: a day each second."""

    def __init__(self, project: Path) -> None:
        self._handle = hr.load(project)
        self.workspace: Workspace = self._handle.workspace
        self._clock = _Hand()
        self.workspace.clock = self._clock
        self._watching = Watching(stop=threading.Event())
        self._thread = threading.Thread(target=stream, args=(self.workspace, StreamOptions(), self._watching))

    def __enter__(self) -> "Playing":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watching.stop.set()
        self._thread.join(60)
        self._handle.close()

    def go_on(self, days: float) -> None:
        self._clock.forward(timedelta(days=days) / _SPEED)

    def accepted(self) -> int:
        store = open_state(self.workspace)
        try:
            return sum(read_position(value).accepted for value in store.marks(position_prefix("orders")).values())
        finally:
            store.close()


class _Hand(FixedClock):
    def __init__(self) -> None:
        self._moment = datetime.now(UTC)

    def now(self) -> datetime:
        return self._moment

    def forward(self, by: timedelta) -> None:
        self._moment += by


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose orders of forty-five days have been streamed, and its champion. Not to be changed: `copied`."""
    project = write_project(tmp_path_factory.mktemp("live") / "shop", days=60)
    text = project.read_text(encoding="utf-8").replace('remember="2d"', f'remember="2d", speed={_SPEED}')
    project.write_text(text.replace("    values={", f"    {LIMITS},\n    values={{"), encoding="utf-8")
    with Playing(project) as playing:
        until(lambda: playing.accepted() > 0)
        playing.go_on(45)
        until(lambda: playing.accepted() > 885)
    run_command(project, "run")
    return project


@pytest.fixture
def project(half: Path, tmp_path: Path) -> Path:
    shutil.copytree(half.parent, tmp_path / "shop")
    return tmp_path / "shop" / "project.py"


def until(met: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def questions(as_of: datetime) -> dict[str, object]:
    rows = [
        {"shop": f"s{n % 5}", "amount": 10.0 + n, "email": f"b{n}@x.org", "placed": f"{as_of:%Y-%m-%dT%H:%M:%SZ}"}  #
        for n in range(45)
    ]
    return {"rows": rows, "as_of": as_of.isoformat()}


def told(url: str, as_of: datetime, **parameters: str) -> list[dict[str, object]]:
    answer = httpx.post(f"{url}/predict", params={"features": "true", **parameters}, json=questions(as_of), timeout=10)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["predictions"]
    return found


def in_batch(project: Path, as_of: datetime) -> tuple[FeaturePlan, pl.DataFrame, pl.DataFrame]:
    """Return the plan, the questions, and their features by what the lake now holds."""
    handle = hr.load(project)
    try:
        workspace = handle.workspace
        plan = planned(workspace)
        lake = lake_of(workspace).tables
        rows = questions(as_of)["rows"]
        assert isinstance(rows, list)
        key = workspace.pseudonym_key()
        spine = pl.DataFrame([{**row, "placed": as_of, "email": pseudonymise(row["email"], key)} for row in rows])
        spine = spine.with_columns(pl.col("placed").dt.cast_time_unit("us"))
        features = compute(plan, spine.lazy(), {name: lake.scan(name).sort("_arrival") for name in plan.tables})
    finally:
        handle.close()
    return plan, spine, features


def assert_as_in_batch(project: Path, as_of: datetime, found: list[dict[str, object]]) -> None:
    plan, spine, expected = in_batch(project, as_of)
    values = pl.DataFrame([each["features"] for each in found], schema=expected.schema)
    assert [each for each in compare(plan, spine, expected, values) if each.mismatches] == []
    assert expected["shop_orders_7d"].min() > 5  # type: ignore[operator]  # of integers
    assert expected["last_amount"].null_count() < 45


def test_what_is_streamed_meanwhile_is_in_the_answers_of_every_server_within_a_second_as_in_batch(project: Path) -> None:
    with served(project.parent) as one, served(project.parent) as other, Playing(project) as playing:
        before = told(one, HALF)
        assert all("stale" not in each for each in before)
        assert_as_in_batch(project, HALF, before)
        assert [each["features"] for each in told(other, HALF)] == [each["features"] for each in before]

        unlike = told(one, WHOLE, max_staleness="100d")
        playing.go_on(16)
        until(lambda: playing.accepted() == 1187)
        come = time.monotonic()
        later = [told(url, WHOLE, when_stale="last") for url in (one, other)]
        assert time.monotonic() - come < 1
        assert [each["features"] for each in later[0]] == [each["features"] for each in later[1]]
        assert [each["features"] for each in later[0]] != [each["features"] for each in unlike]
        known = httpx.get(f"{one}/health/ready").json()["online_state"]
        until(lambda: "2024-02-29T21:05:00Z" in httpx.get(f"{other}/metadata").text)
        assert known["error"] is None
    assert_as_in_batch(project, WHOLE, later[0])
    assert_as_in_batch(project, HALF, before)
    log = Lake(project.parent / ".headrace", "returns").tables.scan(PREDICTIONS).collect()
    watermarks = {identifier: json.loads(text) for identifier, text in log.select("id", "watermarks").iter_rows()}
    assert watermarks[str(before[0]["prediction_id"])]["orders"] < watermarks[str(later[0][0]["prediction_id"])]["orders"]


def test_what_is_too_old_is_null_or_told_or_refused_and_why_tells_it(project: Path) -> None:
    asked = HALF + timedelta(days=2)  # the table is known until a few hours before HALF
    with served(project.parent) as url:
        (first, *_), (used, *_) = told(url, asked), told(url, asked, max_staleness="1d", when_stale="last")
        assert first["stale"] == ["last_amount"]
        assert first["features"]["last_amount"] is None  # type: ignore[index]
        assert used["stale"] == ["buyer_returns_30d", "last_amount", "shop_mean_1d", "shop_orders_7d"]
        assert used["features"]["last_amount"] is None  # type: ignore[index]  # what is declared is no less strict for that
        assert used["features"]["shop_orders_7d"] is not None  # type: ignore[index]
        refusal = httpx.post(f"{url}/predict?when_stale=error", json=questions(asked))
        assert (refusal.status_code, refusal.headers["retry-after"]) == (503, "1")
        error = refusal.json()["error"]
        assert (error["code"], error["feature"], error["table"], error["limit_seconds"]) == ("stale", "last_amount", "orders", 172_800)
        assert 172_800 < error["staleness_seconds"] < 200_000
        assert 'headrace_serving_stale_answers_total{model="returned"} 90' in httpx.get(f"{url}/metrics").text
        limits = httpx.get(f"{url}/metadata").json()["models"][0]["freshness"]
        assert limits["max_staleness_seconds"] == {"last_amount": 172_800, "shop_mean_1d": 259_200}
    why = run_command(project, "why", str(used["prediction_id"])).out
    assert "last_amount was too old: its table was known until 2d" in why
    assert "size was" not in why


def test_limits_are_in_the_bundle_and_nothing_is_trained_for_them(project: Path) -> None:
    text = project.read_text(encoding="utf-8")
    with served(project.parent) as url:
        before = httpx.get(f"{url}/metadata").json()["models"][0]
    for declared, expected in ((LIMITS.replace("2d", "4d"), 345_600), (LIMITS, 172_800)):
        project.write_text(text.replace(LIMITS, declared), encoding="utf-8")
        report = json.loads(run_command(project, "run", "--json").out)
        done = [step["name"] for step in report["steps"] if step["outcome"] == "done"]
        assert done == (["bundle:returned", "judge:returned"] if declared != LIMITS else [])
        with served(project.parent) as url:
            model = httpx.get(f"{url}/metadata").json()["models"][0]
        assert model["freshness"]["max_staleness_seconds"]["last_amount"] == expected
        assert (model["version"], model["fingerprints"]["training"]) == (before["version"], before["fingerprints"]["training"])
    assert model["bundle"] == before["bundle"]


def test_nothing_is_served_from_a_state_that_nobody_has_filled(project: Path) -> None:
    shutil.rmtree(project.parent / ".headrace" / "stream")
    said = refused(project.parent, "serve", "--port", "0")
    assert "returned@1 looks into the streamed table 'orders'" in said or "the streamed table 'shops'" in said
    assert "headrace stream" in said


@contextmanager
def stopped(redis: Redis) -> Iterator[None]:
    redis.stop()
    try:
        yield
    finally:
        redis.start()


@contextmanager
def frozen(redis: Redis) -> Iterator[None]:
    """It takes what it is sent, and does not answer."""
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(redis.pid, signal.SIGCONT)


@pytest.mark.parametrize("away", [stopped, frozen])
def test_a_store_that_is_away_is_told_at_once_and_used_again_when_it_is_back(
    project: Path, redis: Redis, redis_url: str, away: Callable[[Redis], AbstractContextManager[None]]
) -> None:
    run_command(project, "stream", "--once", HEADRACE_STATE=redis_url)
    with served(project.parent, HEADRACE_STATE=redis_url) as url:
        before = told(url, HALF)
        assert_as_in_batch(project, HALF, before)
        with away(redis):
            for _ in range(5):
                began = time.monotonic()
                answer = httpx.post(f"{url}/predict", json=questions(HALF))
                assert time.monotonic() - began < 2
                assert (answer.status_code, answer.json()["error"]["code"], answer.headers["retry-after"]) == (503, "state_away", "1")
                assert redis.password not in answer.text
            ready = httpx.get(f"{url}/health/ready")
            assert (ready.status_code, ready.json()["ready"]) == (503, False)
            assert "could not read the online state" in ready.json()["online_state"]["error"]
            assert httpx.get(f"{url}/health/live").status_code == 200
            assert "headrace_serving_online_state_up 0" in httpx.get(f"{url}/metrics").text
        until(lambda: httpx.get(f"{url}/health/ready").status_code == 200, 5)
        assert [each["features"] for each in told(url, HALF)] == [each["features"] for each in before]
