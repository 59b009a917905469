"""One scoring, its answers brought into a lake that may be away."""

import io
from pathlib import Path

import polars as pl
import pytest
from tests.e2e.scored_stream import PLAYED
from tests.e2e.small_stream import write_project

import headrace as hr
from headrace.app.scoring.answers import Answers, put_answers
from headrace.app.scoring.scorer import Means, Scorer
from headrace.app.store import lake_of
from headrace.app.streaming.patience import Patience
from headrace.features.stores.contract import Commit
from headrace.features.stores.memory import MemoryStore
from headrace.lake.errors import LakeFault


def refused() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"_arrival": [1], "model": ["returned"]}).write_ipc_stream(buffer)
    return buffer.getvalue()


def test_answers_that_the_lake_did_not_take_are_still_known_to_wait(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", days=5)
    project.write_text(project.read_text().replace("models=[returned]", PLAYED.format(wait="now")))
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    store, said = MemoryStore(), []
    answers = Answers(number=1, version="1", predictions=0, log=b"", told=b"", refused=refused(), cpu_seconds=0, wall_seconds=0)
    store.commit(Commit(put=[put_answers("returned", 0, answers)]))
    try:
        lake, (scoring,) = lake_of(handle.workspace), handle.workspace.project.streams
        patience = Patience(said.append, lambda: True)
        scorer = Scorer(scoring, Means(handle.workspace, lake, store, patience, said.append, lambda _: True, lambda: None))
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
