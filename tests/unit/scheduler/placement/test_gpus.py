"""Which GPUs go to whom."""

from __future__ import annotations

from scale.kernel.resources import Resources
from scale.scheduler.placement.gpus import hand_out
from scale.scheduler.placement.plan import Placement
from scale.scheduler.placement.snapshot import Ask, Occupant
from tests.builders import NOW


def wants(number, gpus, node_id=1):
    return Placement(Ask(number, number, 10, 100, NOW, Resources(cpus=1, gpus=gpus)), node_id)


def held(**indices):
    """Of each node these GPUs are held, each by one occupant."""
    return lambda node_id: [
        Occupant(100, NOW, 90 + index, Resources(gpus=1), (index,)) for index in indices.get(f"node_{node_id}", ())
    ]


def test_the_lowest_free_ones_go_first():
    assert hand_out([wants(1, 2), wants(2, 1)], held(node_1=[1])) == {1: (0, 2), 2: (3,)}


def test_each_node_has_its_own():
    assert hand_out([wants(1, 1), wants(2, 1, node_id=2)], held(node_2=[0])) == {1: (0,), 2: (1,)}


def test_who_wants_none_gets_none_and_nobody_looks_at_its_node():
    assert hand_out([wants(1, 0)], {}.__getitem__) == {}


def test_a_node_that_has_shrunk_gives_what_it_still_has():
    assert hand_out([wants(1, 1)], held(node_1=[3])) == {1: (0,)}
