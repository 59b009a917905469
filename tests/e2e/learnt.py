"""A trained project whose model goes on learning, without a stream: snapshots as one would leave them, from the rows of the lake."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from headrace.app.bundles import open_bundle
from headrace.app.learning.facts import TRAINED_BEFORE, moment_in, snapshot_of
from headrace.app.learning.snapshot import ASKED, KNOWN, TARGET, Snapshot, score_columns
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.lake.frames import frame_bytes
from headrace.ledger import models
from headrace.ledger import tables as ledger_tables
from headrace.models.encoder import Encoder
from headrace.training.online.learner import Learner
from headrace.training.online.logistic import LogisticLearner
from headrace.training.online.tree import HoeffdingLearner

from .small_project import orders_csv

DAY = timedelta(days=1)

PROJECT = '''"""Will an order be returned?"""

import headrace as hr
from headrace import col

orders = hr.Events("orders", source=hr.File("orders.csv"), id="order_id", time="placed", known={"returned": "settled"})
features = hr.Features(
    spine=orders,
    as_of=col("placed"),
    given=["shop", "amount", "email", "placed"],
    values={
        "shop": col("shop"),
        "amount": col("amount"),
        "buyer_returns_30d": hr.window(orders, col("returned").mean(), by="email", over="30d"),
    },
)
returned = hr.Model(
    "returned",
    features=features,
    target=col("returned"),
    split=hr.split.by_time(validation="10d", test="10d"),
    candidates=[CANDIDATE],
    metric="average_precision",
    gates=GATES,
    approve=APPROVE,
)
project = hr.Project("returns", models=[returned], seed=7)
'''
TREE, LOGISTIC = "hr.HoeffdingTree(grace_period=100, delta=1e-3)", "hr.OnlineLogistic(learning_rate=0.1)"


def write_project(
    folder: Path, candidate: str = LOGISTIC, gates: str = '[hr.gate.beats("baseline")]', approve: str = "None", days: int = 45
) -> Path:
    """Write the project, with so many days of orders if there are none yet; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "orders.csv").exists():
        (folder / "orders.csv").write_text(orders_csv(days), encoding="utf-8")
    text = PROJECT.replace("CANDIDATE", candidate).replace("GATES", gates).replace("APPROVE", approve)
    (folder / "project.py").write_text(text, encoding="utf-8")
    return folder / "project.py"


class Stream:
    """What a stream would do: learns what training left, and leaves a snapshot at each moment that is asked for."""

    def __init__(self, workspace: Workspace, model: str = "returned") -> None:
        self._project, self._name = workspace.project.name, model
        with workspace.ledger.read() as session:
            trained = [each for each in models.list_versions(session, self._project, model) if snapshot_of(each.details) is None]
            spine = ledger_tables.latest(session, self._project, "orders")
        self._parent = trained[0]
        assert self._parent.bundle_location is not None
        assert spine is not None
        self._artifact = open_bundle(workspace, self._parent.bundle_location).artifact
        self._learner: Learner = (LogisticLearner if self._artifact.family == "linear" else HoeffdingLearner).restored(self._artifact)
        begun = moment_in(self._parent.details, TRAINED_BEFORE)
        assert begun is not None
        self.clock, self._number = begun, 0
        self.rows = _rows(workspace, spine.version)
        self._matrix = Encoder(self._artifact.columns).encode_frame(self.rows)
        self.said: dict[int, float] = {}

    def snapshot(self, clock: datetime) -> Snapshot:
        """Learn up to a moment, and return what was learnt."""
        since, self._number = self.clock, self._number + 1
        self.clock, learnt = clock, []
        begun = moment_in(self._parent.details, TRAINED_BEFORE)
        for moment, is_answer, place in self._events(since, clock):
            vector = self._matrix[place].tolist()
            if is_answer:
                self._learner.learn(vector, float(self.rows[TARGET][place]))
                learnt.append(place)
            elif moment >= begun:
                self.said[place] = self._learner.score(vector)
        asked = [place for place in learnt if place in self.said]
        scores = np.array([self.said[place] for place in asked])
        return Snapshot(
            model=self._name, number=self._number, parent_version=self._parent.number, clock=clock, since=since,
            learned=self._learner.learned, learned_since=len(learnt), unasked=len(learnt) - len(asked), files=self._learner.files(),
            questions=frame_bytes(self.rows[asked].select("_arrival", ASKED, KNOWN, TARGET).with_columns(**score_columns(scores))),
            features=frame_bytes(self.rows[asked].select([column.name for column in self._artifact.columns])),
        )  # fmt: skip

    def _events(self, since: datetime, clock: datetime) -> list[tuple[datetime, bool, int]]:
        moments = {False: self.rows[ASKED], True: self.rows[KNOWN]}
        found = [(moment, is_answer, place) for is_answer, column in moments.items() for place, moment in enumerate(column.to_list())]
        return sorted(each for each in found if each[0] is not None and since <= each[0] < clock)


def _rows(workspace: Workspace, version: int) -> pl.DataFrame:
    """Return the rows of the spine with their features, as a run has assembled them."""
    tables = lake_of(workspace).tables
    spine = tables.scan("orders", version).select(
        "_arrival", pl.col("placed").alias(ASKED), pl.col("settled").alias(KNOWN), pl.col("returned").alias(TARGET)
    )
    return spine.collect().join(tables.scan("features/returned").collect(), on="_arrival").sort("_arrival")
