"""The online state of streams, as servers read it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from datetime import datetime
from functools import cached_property
from typing import Any

from headrace.app.errors import NotFilled
from headrace.app.models import label
from headrace.app.streamed import recorded_partitions, streamed_tables
from headrace.app.streaming.opening import open_state
from headrace.app.workspace import Workspace
from headrace.bundles.reading import Bundle
from headrace.features.errors import NotFollowed
from headrace.features.plan import FeaturePlan
from headrace.features.state import FeatureState
from headrace.features.stores.contract import StateStore
from headrace.features.stream.live import LiveFeatures
from headrace.ledger.models import ModelVersion
from headrace.serving.scoring import ServedModel
from headrace.serving.state_link import StateLink

_ANSWER_SECONDS = 0.25
"""A server on another machine answers in one or two thousandths: what takes so long is not going to come."""


def reads_streams(workspace: Workspace, bundle: Bundle) -> bool:
    """Tell whether a bundle's features look into streamed tables."""
    followed = {table.name for table in streamed_tables(workspace.project)}
    return not followed.isdisjoint(FeaturePlan.from_json(bundle.plan).tables)


class LiveState:
    """The store of a project's streams, opened when the first model needs it, and the link that all models share."""

    def __init__(self, workspace: Workspace, keep: Callable[[AbstractContextManager[Any]], Any]) -> None:
        """Take what sees to it that the store is closed in the end."""
        self._workspace, self._keep = workspace, keep
        self._followed: list[LiveFeatures] = []
        self.link = StateLink(self._newest)

    def follow(self, version: ModelVersion, bundle: Bundle, published: FeatureState | None) -> ServedModel:
        """Return a model served from the store, and from the published state where a table is not streamed.

        Raises:
            NotFilled: if the store does not hold all rows of a table that it looks into.
            StoreFault: if the store does not answer.
        """
        tables = {table.name: table for table in streamed_tables(self._workspace.project)}
        plan, clock = FeaturePlan.from_json(bundle.plan), self._workspace.clock
        filled = {name: recorded_partitions(self._workspace, name) for name in tables}
        features = LiveFeatures(plan, self._store, published, tables, clock, filled=filled)
        try:
            features.followed.newest()
        except NotFollowed as missing:
            raise NotFilled(label(version), missing.table, tables[missing.table].location) from missing
        self._followed.append(features)
        return ServedModel.follow(bundle, features, self.link, waits="://" in self._workspace.state_url)

    @cached_property
    def _store(self) -> StateStore:
        store = open_state(self._workspace, _ANSWER_SECONDS)
        self._keep(closing(store))
        return store

    def _newest(self) -> Mapping[str, datetime | None]:
        return {table: moment for features in self._followed for table, moment in features.followed.newest().items()}
