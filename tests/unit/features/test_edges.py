"""Where questions' rows begin and end."""

import numpy as np

from headrace.features.edges import Edges, left_edge


def test_edges_are_within_the_group():
    edges = Edges(np.array([0, 0, 0, 1, 2, 2]), np.array([10, 20, 20, 5, 20, 30]))
    group = np.array([0, 0, 0, 0, 1, 1, 2, -1])
    moment = np.array([5, 20, 21, 99, 5, 6, 21, 20])
    assert edges.first_at_or_after(group, moment).tolist() == [0, 1, 3, 3, 3, 4, 5, 0]


def test_no_rows():
    edges = Edges(np.array([], np.int64), np.array([], np.int64))
    assert edges.first_at_or_after(np.array([-1, -1]), np.array([0, 5])).tolist() == [0, 0]


def test_a_hop_moves_the_left_edge_down_to_a_tile_also_before_1970():
    as_of = np.array([100, 104, 5, -3])
    assert left_edge(as_of, 7, None).tolist() == [93, 97, -2, -10]
    assert left_edge(as_of, 7, 10).tolist() == [90, 90, -10, -10]
