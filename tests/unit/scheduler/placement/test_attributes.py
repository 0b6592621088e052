"""The attributes of nodes as columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.kernel.resources import Resources
from scale.queue.constraints import Constraints, parse_constraint
from scale.scheduler.placement.attributes import AttributeColumns
from scale.scheduler.placement.columns import NodeColumns, Slot

NODES = [{"disk": "ssd", "rack": "a", "mem": 64}, {"disk": "hdd", "rack": "b"}, {"rack": 1, "mem": "64"}, {}]
TEXTS = ["disk=ssd", "disk!=ssd", "rack in a,1,z", "rack not in a", "mem>=64", "mem<64", "mem exists", "none exists", "rack=true"]


def asked(*texts):
    return Constraints(tuple(map(parse_constraint, texts)))


@given(st.lists(st.sampled_from(TEXTS), max_size=3), st.permutations(NODES))
def test_the_mask_of_all_nodes_is_what_each_node_says(texts, nodes):
    constraints = asked(*texts)
    alone = [all(one.accepts(node.get(one.attribute)) for one in constraints.each) for node in nodes]
    assert list(AttributeColumns(nodes).mask(constraints)) == alone


def test_without_nodes_there_is_a_mask_all_the_same():
    assert AttributeColumns([]).mask(asked("disk=ssd", "a exists")).shape == (0,)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["disk=nvme"], "no node has disk=nvme"),
        (["disk=ssd", "rack=z", "gpu exists"], "no node has rack=z or gpu exists"),
        (["disk=ssd", "rack=b"], "no single node has disk=ssd and rack=b"),
    ],
)
def test_what_nobody_meets_is_named(texts, says):
    assert AttributeColumns(NODES).nobody_meets(asked(*texts)) == says


def a_node(number=1, **attributes):
    return Slot(number, f"node-{number}", Resources(cpus=4), is_ready=True, attributes=attributes)


def test_a_mask_is_worked_out_once_until_an_attribute_changes():
    columns = NodeColumns([a_node(1, disk="ssd"), a_node(2)])
    wanted = {"k": asked("disk=ssd")}
    first = columns.meeting(wanted)["k"]
    columns.hold(1, Resources(cpus=1))
    columns.change(0, Slot(1, "node-1", Resources(cpus=8), is_ready=False, attributes={"disk": "ssd"}))
    assert columns.meeting({**wanted, "j": asked("disk exists")})["k"] is first
    columns.change(1, a_node(2, disk="ssd"))
    assert (list(first), list(columns.meeting(wanted)["k"])) == ([True, False], [True, True])
    columns.replace([a_node(2)])
    assert list(columns.meeting(wanted)["k"]) == [False]


def test_what_nobody_wants_any_more_is_forgotten():
    columns = NodeColumns([a_node()])
    first = columns.meeting({"k": asked("a=1")})["k"]
    assert columns.meeting({}) == {}
    assert columns.meeting({"k": asked("a=1")})["k"] is not first
