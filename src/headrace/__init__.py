"""Headrace: the whole machine-learning project as one system.

Every public name is here, loaded when it is first used, so that `import headrace` stays quick.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.app.handle import ProjectHandle as ProjectHandle
    from headrace.app.handle import load as load
    from headrace.core.units import days as days
    from headrace.core.units import hours as hours
    from headrace.core.units import minutes as minutes
    from headrace.expressions import Expr as Expr
    from headrace.expressions import coalesce as coalesce
    from headrace.expressions import col as col
    from headrace.expressions import concat as concat
    from headrace.expressions import count as count
    from headrace.expressions import datetime_of as datetime_of
    from headrace.expressions import days_of as days_of
    from headrace.expressions import haversine_km as haversine_km
    from headrace.expressions import hours_of as hours_of
    from headrace.expressions import lit as lit
    from headrace.expressions import max_of as max_of
    from headrace.expressions import min_of as min_of
    from headrace.expressions import minutes_of as minutes_of
    from headrace.expressions import seconds_of as seconds_of
    from headrace.expressions import udf as udf
    from headrace.expressions import when as when
    from headrace.spec import auth as auth
    from headrace.spec import gate as gate
    from headrace.spec import paging as paging
    from headrace.spec import split as split
    from headrace.spec.candidates import Baseline as Baseline
    from headrace.spec.candidates import GradientBoosting as GradientBoosting
    from headrace.spec.candidates import HoeffdingTree as HoeffdingTree
    from headrace.spec.candidates import Logistic as Logistic
    from headrace.spec.candidates import OnlineLogistic as OnlineLogistic
    from headrace.spec.candidates import Outcomes as Outcomes
    from headrace.spec.candidates import Ridge as Ridge
    from headrace.spec.candidates import Tune as Tune
    from headrace.spec.custom import Custom as Custom
    from headrace.spec.evolve import Evolve as Evolve
    from headrace.spec.expectations import between as between
    from headrace.spec.expectations import check as check
    from headrace.spec.expectations import fresh as fresh
    from headrace.spec.expectations import matches as matches
    from headrace.spec.expectations import not_null as not_null
    from headrace.spec.expectations import one_of as one_of
    from headrace.spec.expectations import rows as rows
    from headrace.spec.expectations import unique as unique
    from headrace.spec.features import Features as Features
    from headrace.spec.features import latest as latest
    from headrace.spec.features import window as window
    from headrace.spec.folder import Folder as Folder
    from headrace.spec.learning import Learning as Learning
    from headrace.spec.model import Model as Model
    from headrace.spec.people import Approve as Approve
    from headrace.spec.people import Person as Person
    from headrace.spec.project import Project as Project
    from headrace.spec.rest import REST as REST
    from headrace.spec.retention import Retention as Retention
    from headrace.spec.scoring import Scoring as Scoring
    from headrace.spec.scoring import ToKafka as ToKafka
    from headrace.spec.scoring import ToTable as ToTable
    from headrace.spec.scoring import Webhook as Webhook
    from headrace.spec.sources import File as File
    from headrace.spec.sql import SQL as SQL
    from headrace.spec.streams import Kafka as Kafka
    from headrace.spec.streams import Replay as Replay
    from headrace.spec.tables import Derived as Derived
    from headrace.spec.tables import Entity as Entity
    from headrace.spec.tables import Events as Events
    from headrace.spec.tables import Pseudonym as Pseudonym

__version__ = "0.1.0"

_NAMES_BY_MODULE = {
    "headrace.app.handle": ("ProjectHandle", "load"),
    "headrace.core.units": ("days", "hours", "minutes"),
    "headrace.expressions": (
        "Expr", "coalesce", "col", "concat", "count", "datetime_of", "days_of", "haversine_km", "hours_of", "lit", "max_of", "min_of",
        "minutes_of", "seconds_of", "udf", "when",
    ),
    "headrace.spec.candidates": (
        "Baseline", "GradientBoosting", "HoeffdingTree", "Logistic", "OnlineLogistic", "Outcomes", "Ridge", "Tune",
    ),
    "headrace.spec.evolve": ("Evolve",),
    "headrace.spec.custom": ("Custom",),
    "headrace.spec.expectations": ("between", "check", "fresh", "matches", "not_null", "one_of", "rows", "unique"),
    "headrace.spec.features": ("Features", "latest", "window"),
    "headrace.spec.folder": ("Folder",),
    "headrace.spec.learning": ("Learning",),
    "headrace.spec.people": ("Approve", "Person"),
    "headrace.spec.model": ("Model",),
    "headrace.spec.project": ("Project",),
    "headrace.spec.rest": ("REST",),
    "headrace.spec.retention": ("Retention",),
    "headrace.spec.scoring": ("Scoring", "ToKafka", "ToTable", "Webhook"),
    "headrace.spec.sources": ("File",),
    "headrace.spec.sql": ("SQL",),
    "headrace.spec.streams": ("Kafka", "Replay"),
    "headrace.spec.tables": ("Derived", "Entity", "Events", "Pseudonym"),
}  # fmt: skip
_SUBMODULES = {name: f"headrace.spec.{name}" for name in ("auth", "gate", "paging", "split")}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}

__all__ = ["__version__", *sorted((*_MODULE_OF, *_SUBMODULES))]


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        value: object = importlib.import_module(_SUBMODULES[name])
    elif name in _MODULE_OF:
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    else:
        raise AttributeError(f"module 'headrace' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
