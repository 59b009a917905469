"""What a bundle is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.bundles.manifest import FeatureField, GivenField
from headrace.models.artifact import Artifact


@dataclass(frozen=True)
class Golden:
    """Rows whose scores are checked at every load.

    `rows` are feature values by name (at least 50, fewer only if the data has fewer), such as `features.head(50).to_dicts()`. `scores`
    are the model's batch scores of the same rows: float64 (n,), or (n, k) for k classes.
    """

    rows: Sequence[Mapping[str, object]]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class BundleParts:
    """Everything that goes into a bundle.

    Attributes:
        version: the model version's name, as in the ledger.
        plan: the feature plan as JSON values: what `plan.json` will hold.
        threshold: for a binary model, decide for the positive class when its score reaches it.
        profile: reference distributions of features and scores on the training rows (`reference_profile`).
        card: the model card, Markdown (`render_card`).
        fingerprints: by name, such as `data`, `code` and `description`.
    """

    project: str
    model: str
    version: str
    artifact: Artifact
    plan: Mapping[str, Any]
    given: tuple[GivenField, ...]
    features: tuple[FeatureField, ...]
    golden: Golden
    card: str
    threshold: float | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
