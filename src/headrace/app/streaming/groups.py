"""The key groups that models need of streamed tables: of the description's models, and of the champions that serve."""

from collections.abc import Mapping
from typing import NamedTuple

from headrace.app.bundles import open_bundle
from headrace.app.recorded_types import recorded_types
from headrace.app.streamed import streamed_tables
from headrace.app.workspace import Workspace
from headrace.expressions import DType
from headrace.features.lookups import Functions
from headrace.features.plan import FeaturePlan
from headrace.features.stream.layout import GroupLayout, group_layouts
from headrace.ledger import models

Types = Mapping[str, Mapping[str, DType]]


class Needed(NamedTuple):
    """What models need of streamed tables.

    Attributes:
        layouts: the groups, by table.
        functions: the Python functions that their expressions name.
        missing: tables whose columns are not known yet, so that some models could not be asked what they need.
    """

    layouts: dict[str, tuple[GroupLayout, ...]]
    functions: Functions
    missing: tuple[str, ...]


def needed_groups(workspace: Workspace, streamed: Types) -> Needed:
    """Return the groups that models need; `streamed` are the types of the streamed tables, as far as they are known.

    Raises:
        FeatureError: for features that do not fit the tables.
    """
    types = {**recorded_types(workspace), **streamed}
    plans, missing = [], dict[str, None]()
    for model in workspace.project.models:
        unknown = [table.name for table in model.features.tables() if table.name not in types]
        missing |= dict.fromkeys(unknown)
        if not unknown:
            plans.append(FeaturePlan.build(model.features, types[model.features.spine.name], types))
    functions = {name: function for plan in plans for name, function in plan.functions.items()}
    followed = {table.name for table in streamed_tables(workspace.project)}
    layouts: dict[str, list[GroupLayout]] = {name: [] for name in followed}
    for layout in group_layouts([*plans, *_champions(workspace)]):
        if layout.table in followed:
            layouts[layout.table].append(layout)
    return Needed({name: tuple(found) for name, found in layouts.items()}, functions, tuple(missing))


def _champions(workspace: Workspace) -> list[FeaturePlan]:
    with workspace.ledger.read() as session:
        found = [models.champion(session, workspace.project.name, model.name) for model in workspace.project.models]
    bundles = [open_bundle(workspace, each.bundle_location) for each in found if each is not None and each.bundle_location]
    return [FeaturePlan.from_json(bundle.plan) for bundle in bundles]
