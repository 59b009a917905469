"""Learning as declared: which models can go on learning in a stream, and what is told of those that cannot."""

from datetime import timedelta

import msgspec
import pytest

from headrace.expressions import col
from headrace.spec import split
from headrace.spec.candidates import HoeffdingTree, Logistic, OnlineLogistic
from headrace.spec.errors import InvalidOption, SpecError, UnknownName
from headrace.spec.features import Features
from headrace.spec.learning import Learning
from headrace.spec.model import Model
from headrace.spec.project import Project
from headrace.spec.scoring import Scoring
from headrace.spec.sources import File
from headrace.spec.streams import Replay
from headrace.spec.tables import Events

ROWS = Events("rows", source=Replay(File("rows.csv")), time="at", id="id")
FEATURES = Features(spine=ROWS, given=["id", "at", "km"], as_of=col("at"), values={"km": col("km")})


def model(name: str = "late", features: Features = FEATURES, **changed: object) -> Model:
    declared: dict[str, object] = {
        "target": col("late"), "split": split.by_time(validation="1d", test="1d"), "candidates": [OnlineLogistic()], "metric": "roc_auc",
    }  # fmt: skip
    return Model(name, features=features, **{**declared, **changed})  # type: ignore[arg-type]  # a model's options


def test_a_model_learns_a_version_a_day_unless_told_otherwise() -> None:
    declared = Learning(model())
    assert (declared.every, declared.behind) == (timedelta(days=1), timedelta(0))
    assert Learning(model(candidates=[HoeffdingTree()]), every="6h", behind="2h").behind == timedelta(hours=2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": "late"}, "an hr.Model of the project"),
        ({"every": "0s"}, "a duration above zero"),
        ({"every": "often"}, "a duration above zero"),
        ({"behind": "-1h"}, "a duration such as '2h'"),
        ({"model": model(candidates=[Logistic()])}, "no candidate of the model 'late' learns by event"),
        ({"model": model(split=split.random())}, "the split of 'late' is at random"),
        (
            {"model": model(features=msgspec.structs.replace(FEATURES, spine=Events("rows", source=File("rows.csv"), time="at", id="id")))},
            "the rows of 'rows', which the model 'late' would learn, are not streamed",
        ),
        (
            {"model": model(features=msgspec.structs.replace(FEATURES, from_log=True))},
            "the features of 'late' are taken from the log of predictions",
        ),
    ],
)
def test_what_cannot_learn_is_told(wrong: dict[str, object], said: str) -> None:
    with pytest.raises((InvalidOption, SpecError), match=said):
        Learning(**{"model": model(), **wrong})  # type: ignore[arg-type]  # wrong on purpose


def test_a_model_answers_and_learns_in_one_project() -> None:
    late = model()
    project = Project("trips", models=[late], streams=[Scoring(late), Learning(late)])
    assert [type(each) for each in (*project.scorings, *project.learnings)] == [Scoring, Learning]


def test_a_project_learns_each_of_its_models_once() -> None:
    late = model()
    with pytest.raises(SpecError, match=r"two Learning\(\) are of the model 'late'"):
        Project("trips", models=[late], streams=[Learning(late), Learning(late)])
    with pytest.raises(UnknownName, match="Learning: there is no model 'other'"):
        Project("trips", models=[late], streams=[Learning(model("other"))])
    with pytest.raises(InvalidOption, match=r"hr.Scoring\(...\) or hr.Learning\(...\)"):
        Project("trips", models=[late], streams=[late])  # type: ignore[list-item]  # wrong on purpose
