"""What lessons keep of a row does not depend on what may change while the row waits."""

from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec
from tests.properties.test_learning import World

from headrace.app.learning.lessons import Lessons


def test_each_of_two_named_classes_has_a_column(tmp_path: Path) -> None:
    parent = World(Random(1), tmp_path).champion
    assert Lessons(parent).score_names == ["_score"]
    artifact = msgspec.structs.replace(parent.bundle.artifact, task="multiclass", classes=("no", "yes"))
    assert Lessons(replace(parent, bundle=replace(parent.bundle, artifact=artifact))).score_names == ["_score_0", "_score_1"]


def test_what_was_given_stays_whether_a_gate_names_it_or_not(tmp_path: Path) -> None:
    parent = World(Random(1), tmp_path).champion
    assert Lessons(parent).given == ["shop", "asks"]
