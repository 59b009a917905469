"""One scoring, its answers brought into a lake that may be away."""

import io
import time
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from services.postgres import Postgres
from tests.e2e.scored_stream import PLAYED
from tests.e2e.small_stream import write_project

import headrace as hr
from headrace.app.executing import start_run
from headrace.app.prediction_table import _SCHEMA, PREDICTIONS
from headrace.app.scoring.answers import Answers, kept_answers, put_answers, question_ids
from headrace.app.scoring.delivering import app_of
from headrace.app.scoring.errors import TargetHasOtherTypes
from headrace.app.scoring.questions import Asked, Lane
from headrace.app.scoring.scorer import Means, Scorer
from headrace.app.store import lake_of
from headrace.app.streaming.flushing import app_of as rows_app_of
from headrace.app.streaming.patience import Patience
from headrace.app.workspace import Workspace
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.positions import Position, position_mark
from headrace.ingest.stream.messages import arrival_of
from headrace.lake.errors import LakeFault
from headrace.lake.tables import NEVER, Once, Tables
from headrace.ledger import models, predictions
from headrace.ledger.database import AWAY_SECONDS
from headrace.ledger.errors import LedgerUnreachable
from headrace.ledger.models import NewModelVersion
from headrace.ledger.store import hurried


def packed(row: dict[str, object], schema: dict[str, pl.DataType] | None = None) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({name: [value] for name, value in row.items()}, schema).write_ipc_stream(buffer)
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
    answers = Answers(
        number=1,
        version="1",
        predictions=0,
        log=b"",
        told=b"",
        refused=packed({"_arrival": 1, "model": "returned"}),
        cpu_seconds=0,
        wall_seconds=0,
    )
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


def kept(number: int, rows: dict[str, object]) -> Commit:
    """Keep an answer that nobody logs, as a row for a table."""
    told = {"_arrival": number, **rows}
    each = Answers(number=number, version="1", predictions=0, log=b"", told=packed(told), refused=b"", cpu_seconds=0, wall_seconds=0)
    return Commit(put=[put_answers("returned", 0, each)])


def test_a_table_of_predictions_takes_the_columns_of_all_and_refuses_other_types(scored: Path) -> None:
    """Those of a regression that became a classification, or of two models that share it; before, nothing could be delivered any more."""
    handle = hr.load(scored, environment={"HEADRACE_USER": "ana"})
    lake, store = lake_of(handle.workspace), MemoryStore()
    try:
        scorer = opened(handle.workspace, store, [])
        scorer.take_over(0)
        for number, rows in enumerate(
            ({"id": 7, "prediction": 0.5}, {"id": 8, "score": 0.25, "decision": "yes"}, {"id": 9, "prediction": 1.5})
        ):
            store.commit(kept(number + 1, rows))
            assert scorer.deliver() == 0, "none is for the log"
        told = lake.tables.scan("predictions/returns").sort("_arrival").collect()
        assert told.columns == ["_arrival", "id", "prediction", "score", "decision"]
        assert told.rows() == [(1, 7, 0.5, None, None), (2, 8, None, 0.25, "yes"), (3, 9, 1.5, None, None)]
        store.commit(kept(4, {"id": "ten", "prediction": 1.5}))
        with pytest.raises(
            TargetHasOtherTypes, match="the table predictions/returns: 'id' is String in them and Int64 in the table"
        ) as refused:
            scorer.deliver()
        assert "another name" in refused.value.remedy
        assert len(kept_answers(store, "returned", 0)) == 1, "it waits for a description that has a table for it"
    finally:
        handle.close()


def test_answers_that_two_workers_bring_at_once_are_charged_for_once(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One was frozen as he brought them, and whoever got the partition did it meanwhile."""
    handle = hr.load(scored, environment={"HEADRACE_USER": "ana"})
    workspace, store = handle.workspace, MemoryStore()
    try:
        new = NewModelVersion(project="returns", model="returned", run_id="", candidate="Logistic", task="binary")
        with workspace.ledger.write("ana", "test") as session:
            new = msgspec.structs.replace(new, run_id=start_run(session, workspace, "run", "code").id)
            models.create(session, new)
        log = packed(dict.fromkeys(_SCHEMA) | {"id": "prd_1", "moment": workspace.clock.now()}, _SCHEMA)
        each = Answers(number=1, version="1", predictions=1, log=log, told=b"", refused=b"", cpu_seconds=1, wall_seconds=1)
        store.commit(Commit(put=[put_answers("returned", 0, each)]))
        one, other = opened(workspace, store, []), opened(workspace, store, [])
        one.take_over(0)
        other.take_over(0)
        widen = Tables.widen

        def overtaken(*arguments: Any) -> None:
            monkeypatch.setattr(Tables, "widen", widen)
            assert other.deliver() == 1
            widen(*arguments)

        monkeypatch.setattr(Tables, "widen", overtaken)
        assert one.deliver() == 0
        with workspace.ledger.read() as session:
            assert [each.predictions for each in predictions.totals(session, "returns")] == [1]
    finally:
        handle.close()


def test_a_store_that_lost_its_last_commits_asks_nothing_again_that_the_lake_has_answered(scored: Path) -> None:
    """Three answers are in the lake, by two commits. The store has forgotten the second, and one of its two rows."""
    handle = hr.load(scored, environment={"HEADRACE_USER": "ana"})
    workspace, store, lake = handle.workspace, MemoryStore(), lake_of(handle.workspace)
    arrivals = [arrival_of(0, offset) for offset in range(3)]
    rows = pl.DataFrame({"_arrival": arrivals, "_ingested": [workspace.clock.now()] * 3}).with_columns(
        pl.col("_ingested").cast(_SCHEMA["moment"])
    )
    ids = question_ids(workspace, "returned", "orders", rows)
    log = pl.DataFrame({"id": ids, "model": "returned", "source": "stream"}).with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in _SCHEMA.items() if name not in ("id", "model", "source")
    )
    try:
        lake.tables.write("orders", rows, "append", once=Once(rows_app_of("orders", 0), 3, after=NEVER))
        lake.tables.write(PREDICTIONS, log.select(*_SCHEMA), "append", once=Once(app_of("returned", 0), 2, after=NEVER))
        scorer = opened(workspace, store, [])
        scorer._questions.use(lambda rows: rows["_arrival"])
        scorer._questions.lanes[0] = Lane(asked=Asked(number=2, asked=1, answered=1))
        store.commit(scorer.ask(0, rows[1:2]).commit)
        store.commit(Commit(marks={position_mark("orders", 0): Position(next_offset=2).to_bytes()}))
        for _ in range(2):  # and who takes it over after that knows it as well
            scorer.take_over(0)
            lane = scorer._questions.lanes[0]
            assert (lane.asked.number, lane.asked.waiting, lane.pieces) == (3, 0, ())
        again = rows[2:].vstack(rows[2:].with_columns(pl.lit(arrival_of(0, 3), pl.Int64).alias("_arrival")))
        (piece,) = scorer.ask(0, again).after.pieces
        assert piece.rows["_arrival"].to_list() == [arrival_of(0, 3)]
    finally:
        handle.close()


def test_a_ledger_that_goes_away_ends_no_worker(scored: Path, postgres: Postgres) -> None:
    """Nor holds it up for long, where it is hurried as a worker's turn is."""
    handle = hr.load(scored, environment={"HEADRACE_USER": "ana", "HEADRACE_LEDGER": postgres.database()})
    said: list[str] = []
    try:
        scorer = opened(handle.workspace, MemoryStore(), said)
        scorer.look(at_once=True)
        postgres.stop()
        begun = time.monotonic()
        try:
            with hurried(0.1):
                for _ in range(2):
                    scorer._checked = float("-inf")
                    scorer.look()
                with pytest.raises(LedgerUnreachable):
                    scorer.look(at_once=True)
        finally:
            postgres.start()
        assert time.monotonic() - begun < AWAY_SECONDS, "it is a minute a look otherwise"
        scorer._checked = float("-inf")
        scorer.look()
    finally:
        handle.close()
    assert [words.partition(":")[0] for words in said[1:]] == ["the ledger is away, and tried again", "the ledger is back"]
