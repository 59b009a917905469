"""A snapshot with what it takes to make a version of it."""

from dataclasses import dataclass
from functools import cached_property

import msgspec
import polars as pl

from headrace.app.bundles import open_bundle
from headrace.app.learning.snapshot import TARGET, Snapshot, scores
from headrace.app.workspace import Workspace
from headrace.bundles.reading import Bundle
from headrace.core.seeds import derive_seed
from headrace.features.plan import FeaturePlan
from headrace.lake.frames import bytes_frame
from headrace.ledger import models
from headrace.ledger.models import ModelVersion
from headrace.models.artifact import Artifact
from headrace.spec.model import Model
from headrace.training.evaluation import ScoredRows
from headrace.training.online.measured import PROGRESSIVE
from headrace.training.tasks import encode_target


@dataclass(frozen=True)
class Work:
    """A snapshot of a model, the version that it began from, its questions and its artifact."""

    workspace: Workspace
    model: Model
    snapshot: Snapshot

    @cached_property
    def parent(self) -> ModelVersion:
        """The version that the learner began from."""
        with self.workspace.ledger.read() as session:
            found = models.find(session, self.workspace.project.name, self.model.name, self.snapshot.parent_version)
        assert found is not None
        return found

    @cached_property
    def champion(self) -> ModelVersion | None:
        """The champion that it is judged against: whoever holds the lock of the project's runs asks."""
        with self.workspace.ledger.read() as session:
            return models.champion(session, self.workspace.project.name, self.model.name)

    @cached_property
    def bundle(self) -> Bundle:
        """That version's bundle."""
        assert self.parent.bundle_location is not None
        return open_bundle(self.workspace, self.parent.bundle_location)

    @property
    def plan(self) -> FeaturePlan:
        """How its features are computed."""
        return FeaturePlan.from_json(self.bundle.plan)

    @cached_property
    def artifact(self) -> Artifact:
        """What was learnt."""
        began = self.bundle.artifact
        details = {name: value for name, value in began.details.items() if name != PROGRESSIVE}
        details["trained_rows"] = self.snapshot.learned
        return msgspec.structs.replace(began, files=self.snapshot.files, details=details)

    @cached_property
    def questions(self) -> pl.DataFrame:
        """The questions that were scored before they were learnt; see `Snapshot`."""
        return bytes_frame(self.snapshot.questions)

    @cached_property
    def features(self) -> pl.DataFrame:
        """Their features."""
        return bytes_frame(self.snapshot.features)

    @cached_property
    def given(self) -> pl.DataFrame:
        """The given columns that are no features."""
        return bytes_frame(self.snapshot.given) if self.snapshot.given else pl.DataFrame()

    @property
    def threshold(self) -> float:
        """Where it decides: where the version decided that it began from."""
        found = self.bundle.manifest.threshold
        return 0.5 if found is None else found

    @cached_property
    def scored(self) -> ScoredRows:
        """The questions with what was said of them."""
        task = self.artifact.task
        target = encode_target(task, self.artifact.classes, self.questions[TARGET])
        return ScoredRows(task=task, target=target, scores=scores(self.questions), threshold=self.threshold)

    @property
    def seed(self) -> int:
        """Where its intervals are drawn from: as those of a run."""
        return derive_seed(self.workspace.project.seed, self.model.name, "evaluate")
