"""What the server tells of itself: metadata, readiness, and the protocol's descriptions of server and models."""

import importlib.metadata
from collections.abc import Sequence
from datetime import datetime

from headrace.serving.prediction_log import LogStatus
from headrace.serving.scoring import ServedModel
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


def metadata(models: Sequence[ServedModel], now: datetime, status: LogStatus) -> dict[str, object]:
    """Return everything that a person or a program may want to know of what is served."""
    return {"server": "headrace", "version": VERSION, "models": [_model(model, now) for model in models], "prediction_log": _log(status)}


def readiness(models: Sequence[ServedModel], now: datetime, started: bool, status: LogStatus) -> tuple[bool, dict[str, object]]:
    """Return whether requests should come, and why: started, and room in the log. A sink that fails is told while there still is room."""
    ready = started and status.has_room
    ages = {model.manifest.model: _state_age(model, now) for model in models}
    return ready, {"ready": ready, "models": list(ages), "state_age_seconds": ages, "prediction_log": _log(status)}


def _model(model: ServedModel, now: datetime) -> dict[str, object]:
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
        "state": {"moment": model.state_moment, "age_seconds": _state_age(model, now)},
    }


def _state_age(model: ServedModel, now: datetime) -> float | None:
    return None if model.state_moment is None else round((now - model.state_moment).total_seconds(), 3)


def _log(status: LogStatus) -> dict[str, object]:
    return {"waiting": status.waiting, "written": status.written, "failures": status.failures, "error": status.error}
