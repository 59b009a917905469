"""One scoring, its answers brought into a lake that may be away."""

import io
from pathlib import Path

import polars as pl
import pytest
from services.postgres import Postgres
from tests.e2e.scored_stream import PLAYED
from tests.e2e.small_stream import write_project

import headrace as hr
from headrace.app.scoring.answers import Answers, put_answers
from headrace.app.scoring.scorer import Means, Scorer
from headrace.app.store import lake_of
from headrace.app.streaming.patience import Patience
from headrace.app.workspace import Workspace
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.memory import MemoryStore
from headrace.lake.errors import LakeFault
from headrace.ledger.errors import LedgerUnreachable


def refused() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"_arrival": [1], "model": ["returned"]}).write_ipc_stream(buffer)
    return buffer.getvalue()


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """A project whose stream is answered."""
    project = write_project(tmp_path / "shop", days=5)
    project.write_text(project.read_text().replace("models=[returned]", PLAYED.format(wait="now")))
    return project


def opened(workspace: Workspace, store: StateStore, said: list[str]) -> Scorer:
    (scoring,) = workspace.project.streams
    patience = Patience(said.append, lambda: True)
    return Scorer(scoring, Means(workspace, lake_of(workspace), store, patience, said.append, lambda _: True, lambda: None))


def test_answers_that_the_lake_did_not_take_are_still_known_to_wait(scored: Path) -> None:
    handle = hr.load(scored, environment={"HEADRACE_USER": "ana"})
    store = MemoryStore()
    answers = Answers(number=1, version="1", predictions=0, log=b"", told=b"", refused=refused(), cpu_seconds=0, wall_seconds=0)
    store.commit(Commit(put=[put_answers("returned", 0, answers)]))
    try:
        scorer, lake = opened(handle.workspace, store, []), lake_of(handle.workspace)
        scorer.take_over(0)
        away = Path(lake.tables.location("predictions/unanswered"))
        away.parent.mkdir(parents=True)
        away.write_text("no table")
        with pytest.raises(LakeFault):
            scorer.deliver()
        assert scorer.waiting_since is not None
        away.unlink()
        scorer.deliver()
        assert scorer.waiting_since is None
        assert lake.tables.scan("predictions/unanswered").collect().height == 1
    finally:
        handle.close()


def test_a_ledger_that_goes_away_ends_no_worker(scored: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.ledger.store.AWAY_SECONDS", 0.1)
    handle = hr.load(scored, environment={"HEADRACE_USER": "ana", "HEADRACE_LEDGER": postgres.database()})
    said: list[str] = []
    try:
        scorer = opened(handle.workspace, MemoryStore(), said)
        scorer.look(at_once=True)
        postgres.stop()
        try:
            for _ in range(2):
                scorer._checked = float("-inf")
                scorer.look()
            with pytest.raises(LedgerUnreachable):
                scorer.look(at_once=True)
        finally:
            postgres.start()
        scorer._checked = float("-inf")
        scorer.look()
    finally:
        handle.close()
    assert [words.partition(":")[0] for words in said[1:]] == ["the ledger is away, and tried again", "the ledger is back"]
