"""Graphs."""

import pickle
from decimal import Decimal

import pytest

from headrace.engine.errors import GraphError, InvalidOutput, UnknownInput
from headrace.engine.graph import Graph, Step, as_json


def step(name: str, *inputs: str, fingerprint: str = "") -> Step:
    return Step(name, fingerprint or name, inputs, lambda context: {})


def test_inputs_come_first():
    graph = Graph([step("train", "features"), step("features", "flights", "weather"), step("flights"), step("weather")])
    assert set(graph.names[:2]) == {"flights", "weather"}
    assert graph.names[2:] == ("features", "train")


def test_a_name_is_used_once():
    with pytest.raises(GraphError, match="two steps are called 'a'"):
        Graph([step("a"), step("a")])


def test_an_input_that_is_no_step_is_named_with_its_neighbour():
    with pytest.raises(UnknownInput, match="step 'train' takes 'feature', which is no step") as caught:
        Graph([step("features"), step("train", "feature")])
    assert "Did you mean 'features'?" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_circle_is_drawn():
    with pytest.raises(GraphError, match="steps wait for each other") as caught:
        Graph([step("a", "c"), step("b", "a"), step("c", "b"), step("d")])
    assert str(caught.value).count("→") == 3
    assert "d" not in caught.value.problem.removeprefix("steps wait for each other").split()


def test_the_fingerprint_of_a_graph_is_its_steps_and_how_they_hang_together():
    base = Graph([step("a"), step("b", "a")]).fingerprint
    assert Graph([step("a"), step("b", "a")]).fingerprint == base
    assert Graph([step("a"), step("b")]).fingerprint != base
    assert Graph([step("a"), step("b", "a", fingerprint="other")]).fingerprint != base


def test_twins_are_paired_with_the_earliest():
    graph = Graph([step("a", fingerprint="x"), step("b", fingerprint="x"), step("c"), step("d", "b", fingerprint="x")])
    assert graph.twins() == {"b": "a", "d": "a"}


def test_outputs_are_seen_as_they_will_be_read_back():
    assert as_json("s", {"rows": (1, 2), 3: None, "x": 0.1}) == {"rows": [1, 2], "3": None, "x": 0.1}


@pytest.mark.parametrize("output", [None, [1], {"x": Decimal(1)}, {"x": float("nan")}, {"x": float("inf")}, {("a",): 1}, {"x": {1, 2}}])
def test_what_json_cannot_hold_is_refused(output):
    with pytest.raises(InvalidOutput, match="step 's' gave an output that cannot be kept"):
        as_json("s", output)
