"""What makes two entries of the queue the same to placement."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scale.kernel.resources import Resources
from scale.queue.constraints import key_of
from scale.queue.entry import parse_shape, shape_of

needs = st.dictionaries(st.sampled_from(["cpus", "mem", "disk", "gpus"]), st.floats(0, 1e12))


def test_a_shape_names_priority_type_and_needs():
    assert shape_of(10, 100, {"mem": 256, "cpus": 0.5, "gpus": 0}) == "100/10/cpus=0.5,mem=256.0"


def test_neither_order_nor_kind_of_number_nor_zeros_matter():
    assert shape_of(1, 2, {"cpus": 1, "mem": 2.0}) == shape_of(1, 2, {"gpus": 0, "mem": 2, "cpus": 1.0})


def test_whatever_placement_looks_at_makes_another_shape():
    shapes = {shape_of(1, 2, {}), shape_of(2, 1, {}), shape_of(1, 2, {"cpus": 1}), shape_of(1, 2, {"mem": 1})}
    assert len(shapes) == 4


@given(needs=needs, priority=st.integers(1, 2**31), job_type_id=st.integers(1, 2**63))
def test_a_shape_can_be_read_back(needs, priority, job_type_id):
    shape = shape_of(job_type_id, priority, needs)
    wanted = Resources({name: amount for name, amount in needs.items() if amount})
    assert parse_shape(shape) == (priority, job_type_id, wanted, "")
    assert shape_of(job_type_id, priority, parse_shape(shape)[2]) == shape


@given(needs=needs)
def test_what_is_asked_of_nodes_makes_another_shape_and_can_be_found_again(needs):
    document = {"hosts": ["a"]}
    shape = shape_of(1, 2, needs, document)
    assert parse_shape(shape) == (*parse_shape(shape_of(1, 2, needs))[:3], key_of(document))
    assert len(shape_of(2**63, 2**31, dict.fromkeys(("cpus", "disk", "gpus", "mem"), 999_999_999_999.1234), document)) <= 200


def test_the_release_before_takes_what_is_asked_of_nodes_for_a_need_that_no_node_meets():
    key = key_of(document := {"hosts": ["a"]})
    for needs, told in (({"cpus": 1}, f"cpus=1.0,@{key}=1"), ({}, f"@{key}=1")):
        _, _, as_needs = shape_of(1, 2, needs, document).split("/")
        assert as_needs == told
        assert {name: float(amount) for name, amount in (need.split("=") for need in told.split(","))}[f"@{key}"] == 1
