"""What running executions hold of each node."""

from __future__ import annotations

import pytest

from scale.kernel.resources import Resources
from scale.scheduler.allocations import Allocations
from tests.builders import NOW, a_job_type, a_running_exe


@pytest.fixture
def allocations():
    return Allocations()


def test_an_execution_holds_its_resources_until_it_is_over(allocations):
    one, two = a_running_exe(number=1, priority=5), a_running_exe(number=2, resources={"cpus": 2, "gpus": 1})
    allocations.add([one, two])
    assert allocations.held(1) == Resources(cpus=3, mem=256, gpus=1)
    occupant, _ = allocations.occupants(1)
    assert (occupant.priority, occupant.queued, occupant.job_id, occupant.holds) == (5, NOW, 1, one.resources)
    allocations.remove([one])
    assert allocations.held(1) == Resources(cpus=2, gpus=1)


def test_nodes_are_told_apart(allocations):
    allocations.add([a_running_exe(number=1), a_running_exe(number=2, node_id=2)])
    assert allocations.held(2) == Resources(cpus=1, mem=256)
    assert allocations.held(3) == Resources()
    assert allocations.occupants(3) == ()


def test_executions_are_counted_by_type(allocations):
    exes = [a_running_exe(number=number, job_type=a_job_type(kind)) for number, kind in enumerate((10, 10, 11))]
    allocations.add(exes)
    allocations.remove(exes[:1])
    assert [allocations.running_of_type(kind) for kind in (10, 11, 12)] == [1, 1, 0]


def test_one_removed_twice_or_never_added_frees_nothing(allocations):
    exe = a_running_exe()
    allocations.add([exe, a_running_exe(number=2)])
    allocations.remove([exe])
    allocations.remove([exe, a_running_exe(number=9), a_running_exe(number=8, node_id=7)])
    assert allocations.held(1) == Resources(cpus=1, mem=256)
    assert allocations.running_of_type(10) == 1


def test_one_added_twice_holds_and_counts_once(allocations):
    allocations.add([a_running_exe(), a_running_exe()])
    allocations.add([a_running_exe()])
    assert allocations.held(1) == Resources(cpus=1, mem=256)
    assert allocations.running_of_type(10) == 1


def test_an_execution_without_a_node_holds_nothing(allocations):
    nowhere = a_running_exe(node_id=None)
    allocations.add([nowhere])
    allocations.remove([nowhere])
    assert allocations.running_of_type(10) == 0
