"""What the server tells of itself: metadata, readiness, and the protocol's descriptions of server and models."""

import importlib.metadata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from headrace.serving.freshness import Freshness
from headrace.serving.prediction_log import LogStatus
from headrace.serving.scoring import ServedModel
from headrace.serving.state_link import LinkStatus
from headrace.serving.tensors import input_metadata, output_metadata

VERSION = importlib.metadata.version("headrace")


def server_metadata() -> dict[str, object]:
    """Return the protocol's description of the server: no extensions."""
    return {"name": "headrace", "version": VERSION, "extensions": []}


def model_metadata(model: ServedModel) -> dict[str, object]:
    """Return the protocol's description of a model."""
    manifest = model.manifest
    return {
        "name": manifest.model,
        "versions": [manifest.version],
        "platform": "headrace",
        "inputs": input_metadata(manifest),
        "outputs": output_metadata(manifest),
    }


@dataclass(frozen=True)
class Standing:
    """How the server stands: what it serves, its log, its link to the online state, and how many answers had stale features, by model."""

    models: Sequence[ServedModel]
    now: datetime
    log: LogStatus
    link: LinkStatus | None = None
    stale: Mapping[str, int] = field(default_factory=dict)

    def age(self, moment: datetime | None) -> float | None:
        """How many seconds ago a moment was."""
        return None if moment is None else round((self.now - moment).total_seconds(), 3)

    def streamed(self, names: Collection[str]) -> dict[str, dict[str, object]]:
        """Until when streamed tables are known, as the last look has shown."""
        found = {} if self.link is None else self.link.watermarks
        return {name: {"watermark": found.get(name), "age_seconds": self.age(found.get(name))} for name in names}


def metadata(standing: Standing) -> dict[str, object]:
    """Return everything that a person or a program may want to know of what is served."""
    models = [_model(model, standing) for model in standing.models]
    return {"server": "headrace", "version": VERSION, "models": models, "prediction_log": _log(standing.log)}


def readiness(standing: Standing, started: bool) -> tuple[bool, dict[str, object]]:
    """Return whether requests should come, and why: started, room in the log, and the online state, if one is read, can be.

    A sink that fails is told while there still is room.
    """
    fault = None if standing.link is None else standing.link.fault
    ready = started and standing.log.has_room and fault is None
    ages = {model.manifest.model: standing.age(model.state_moment) for model in standing.models}
    facts: dict[str, object] = {"ready": ready, "models": list(ages), "state_age_seconds": ages, "prediction_log": _log(standing.log)}
    if standing.link is not None:
        facts["online_state"] = {"error": fault, "streamed": standing.streamed(list(standing.link.watermarks))}
    return ready, facts


def _model(model: ServedModel, standing: Standing) -> dict[str, object]:
    manifest = model.manifest
    return {
        "project": manifest.project,
        "model": manifest.model,
        "version": manifest.version,
        "task": manifest.task,
        "classes": manifest.classes,
        "threshold": manifest.threshold,
        "given": manifest.given,
        "features": manifest.features,
        "outputs": output_metadata(manifest),
        "fingerprints": manifest.fingerprints,
        "bundle": {"fingerprint": model.bundle.fingerprint, "signed_by": model.bundle.key, "requires": manifest.requires},
        "state": {
            "moment": model.state_moment,
            "age_seconds": standing.age(model.state_moment),
            "streamed": standing.streamed(model.streamed),
        },
        "freshness": None if model.freshness is None else _freshness(model.freshness),
    }


def _freshness(freshness: Freshness) -> dict[str, object]:
    limits = {name: limit / 1e6 for name, limit in freshness.limits.items()}
    return {"max_staleness_seconds": limits, "when_stale": freshness.when_stale, "tables": freshness.tables}


def _log(status: LogStatus) -> dict[str, object]:
    return {"waiting": status.waiting, "written": status.written, "failures": status.failures, "error": status.error}
