"""The nodes as columns, kept from pass to pass."""

from __future__ import annotations

from scale.kernel.resources import Resources
from scale.scheduler.placement.columns import NodeColumns, Slot


def a_node(number=1, cpus=4.0, *, is_ready=True, **has):
    return Slot(number, f"node-{number}", Resources(cpus=cpus, **has), is_ready)


def free(columns, name="cpus"):
    return list(columns.free[columns.names.index(name)])


def test_standard_resources_come_first_and_the_others_as_they_are_spoken_of():
    columns = NodeColumns([a_node(fpgas=2)])
    assert columns.needs({"zebras": 3, "cpus": 1, "mem": 0}) == ((0, 1), (5, 3))
    assert columns.names == ("cpus", "mem", "disk", "gpus", "fpgas", "zebras")
    assert list(columns.column({"zebras": 3, "cpus": 1})) == [1, 0, 0, 0, 0, 3]
    assert (free(columns, "fpgas"), free(columns, "zebras")) == ([2], [0])


def test_what_is_held_is_not_free():
    columns = NodeColumns([a_node(), a_node(2, cpus=8)])
    columns.hold(1, Resources(cpus=3))
    assert (free(columns), list(columns.offered[0])) == ([1, 8], [4, 8])
    columns.hold(1, Resources())
    assert free(columns) == [4, 8]


def test_what_is_free_is_never_negative():
    columns = NodeColumns([a_node(cpus=1)])
    columns.hold(1, Resources(cpus=9, gpus=1))
    assert columns.free.min() == 0


def test_a_node_that_changes_keeps_what_is_held_of_it():
    columns = NodeColumns([a_node(), a_node(2)])
    columns.hold(2, Resources(cpus=1))
    columns.change(1, a_node(2, cpus=8, is_ready=False))
    assert (free(columns), list(columns.is_ready)) == ([4, 7], [True, False])


def test_other_nodes_take_the_place_of_these():
    columns = NodeColumns([a_node()])
    columns.hold(1, Resources(cpus=1))
    columns.replace([a_node(2), a_node(1)])
    assert free(columns) == [4, 4]
    columns.hold(1, Resources(cpus=3))
    columns.hold(9, Resources(cpus=3))
    assert free(columns) == [4, 1]


def test_without_nodes_there_are_columns_all_the_same():
    assert (NodeColumns().free.shape, NodeColumns().is_ready.shape) == ((4, 0), (0,))


def test_where_nothing_waits_at_nodes_none_is_crowded():
    columns = NodeColumns([a_node(cpus=1)])
    columns.hold(1, Resources(cpus=9))
    assert columns.crowded() == []
