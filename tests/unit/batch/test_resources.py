"""What a job asks for: which placement is meant, how processes lie on nodes, and what is refused, by which words."""

from __future__ import annotations

import inspect

import pytest

from scale.batch import DependencyType, InvalidFieldError, ProcessPlacement, QResources, QTKError, UnsupportedResourcesError
from scale.batch.checks import check_resources
from scale.kernel.errors import BadRequest

IN_THE_ORDER_OF_THE_SEED = [
    *("queue_name", "job_name", "memory_per_thread", "nodes", "processes", "processes_per_node", "threads_per_process"),
    *("gpus_per_job", "time_limit", "account", "qos", "priority", "output_filepath", "error_filepath", "process_placement"),
    *("email_address", "rerunnable", "project", "njobs", "scheduler_kwargs"),
]


def test_arguments_come_in_the_order_of_the_seed_and_ours_after_them():
    order = list(inspect.signature(QResources).parameters)
    assert order[:20] == IN_THE_ORDER_OF_THE_SEED
    assert order[20:] == ["dependencies", "hold", "licenses", "constraints"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"processes": 4}, ProcessPlacement.NO_CONSTRAINTS),
        ({"processes": 4, "nodes": 0, "queue_name": "q"}, ProcessPlacement.NO_CONSTRAINTS),
        ({"nodes": 2, "processes_per_node": 3}, ProcessPlacement.EVENLY_DISTRIBUTED),
        ({}, None),
        ({"priority": 0, "processes": 0, "rerunnable": False}, None),
        ({"job_name": "x", "output_filepath": "o", "error_filepath": "e"}, None),
        ({"nodes": 2, "process_placement": ProcessPlacement.SCATTERED}, ProcessPlacement.SCATTERED),
    ],
)
def test_the_placement_that_is_meant_is_found(given, meant):
    asked = QResources(**given)
    assert asked.process_placement is meant
    assert asked.scheduler_kwargs == {}


@pytest.mark.parametrize(
    "given",
    [
        *({"nodes": 2}, {"processes": 1, "nodes": 1}, {"processes_per_node": 2}, {"queue_name": "q"}, {"njobs": 3}),
        *({"nodes": 1, "processes": 2, "processes_per_node": 2}, {"hold": True}, {"scheduler_kwargs": {"a": 1}}),
    ],
)
def test_what_leaves_the_placement_open_is_refused_and_told(given):
    with pytest.raises(
        UnsupportedResourcesError, match="either define only nodes plus processes_per_node or only processes"
    ) as told:
        QResources(**given)
    assert "Otherwise all the fields must be empty" in str(told.value)
    assert all(f"{name}={value!r}" in str(told.value) for name, value in given.items())
    assert isinstance(told.value, QTKError | BadRequest)


def test_nothing_asked_for_is_empty():
    assert QResources().check_empty()
    assert QResources(priority=0).check_empty()


def test_something_asked_for_is_not_empty():
    assert not QResources(processes=1).check_empty()
    assert not QResources(job_name="x").check_empty()
    assert not QResources(process_placement=ProcessPlacement.SAME_NODE).check_empty()


def test_fields_set_later_without_a_placement_are_no_sense():
    asked = QResources()
    asked.nodes = 2
    with pytest.raises(ValueError, match="process_placement: is None, but these are set: nodes"):
        asked.check_empty()


def test_the_factories_decide_on_the_placement():
    assert QResources.no_constraints(4, job_name="x") == QResources(processes=4, job_name="x")
    assert QResources.evenly_distributed(2, 3) == QResources(nodes=2, processes_per_node=3)
    assert QResources.scattered(processes=3).process_placement is ProcessPlacement.SCATTERED
    assert QResources.same_node(3).process_placement is ProcessPlacement.SAME_NODE


@pytest.mark.parametrize("factory", ["no_constraints", "scattered", "same_node"])
@pytest.mark.parametrize("decided", ["nodes", "processes_per_node"])
def test_a_factory_refuses_what_it_decides_itself_even_none(factory, decided):
    with pytest.raises(UnsupportedResourcesError, match=f"{factory.replace('_', ' ')} jobs: leave out {decided}"):
        getattr(QResources, factory)(2, **{decided: None})


def test_an_even_distribution_refuses_processes():
    with pytest.raises(UnsupportedResourcesError, match="processes is incompatible with evenly distributed jobs"):
        QResources.evenly_distributed(2, 3, processes=6)


@pytest.mark.parametrize(
    ("placement", "given", "distribution"),
    [
        ("SCATTERED", {}, [1, 1, 1]),
        ("SCATTERED", {"nodes": 3}, [3, 3, 1]),
        ("SCATTERED", {"processes": 3}, [3, 3, 1]),
        ("SCATTERED", {"processes": 3, "nodes": 3, "processes_per_node": 1}, [3, 3, 1]),
        ("SCATTERED", {"nodes": 0, "processes": 3, "processes_per_node": 0}, [3, 3, 1]),
        ("SAME_NODE", {}, [1, 1, 1]),
        ("SAME_NODE", {"nodes": 0, "processes": 0}, [1, 1, 1]),
        ("SAME_NODE", {"processes": 4}, [1, 4, 4]),
        ("SAME_NODE", {"processes_per_node": 4, "nodes": 1}, [1, 4, 4]),
        ("SAME_NODE", {"processes": 4, "processes_per_node": 4}, [1, 4, 4]),
        ("EVENLY_DISTRIBUTED", {}, [1, None, 1]),
        ("EVENLY_DISTRIBUTED", {"nodes": 2, "processes_per_node": 3}, [2, None, 3]),
        ("NO_CONSTRAINTS", {}, [None, 1, None]),
        ("NO_CONSTRAINTS", {"processes": 4}, [None, 4, None]),
    ],
)
def test_processes_are_distributed_by_the_placement(placement, given, distribution):
    asked = QResources(process_placement=ProcessPlacement[placement], **given)
    assert asked.get_processes_distribution() == distribution


def test_without_a_placement_the_distribution_is_what_was_set():
    asked = QResources()
    asked.nodes, asked.processes = 2, 5
    assert asked.get_processes_distribution() == [2, 5, None]


@pytest.mark.parametrize(
    ("placement", "given", "rule"),
    [
        ("SCATTERED", {"nodes": 2, "processes": 3}, "different values of nodes and processes: there is one process on each node"),
        ("SCATTERED", {"nodes": 2, "processes_per_node": 2}, "2 processes_per_node: there is one process on each node"),
        ("SAME_NODE", {"nodes": 2}, "2 nodes: all processes are on one"),
        ("SAME_NODE", {"processes": 2, "processes_per_node": 3}, "different values of nodes and processes"),
        ("EVENLY_DISTRIBUTED", {"processes": 2}, "processes attribute: give nodes and processes_per_node"),
        ("NO_CONSTRAINTS", {"nodes": 2, "processes": 2}, "processes_per_node and nodes attribute: give processes"),
        ("NO_CONSTRAINTS", {"processes_per_node": 2}, "processes_per_node and nodes attribute: give processes"),
    ],
)
def test_numbers_that_contradict_the_placement_are_refused_with_the_rule(placement, given, rule):
    asked = QResources(process_placement=ProcessPlacement[placement], **given)
    with pytest.raises(UnsupportedResourcesError, match=rule) as told:
        asked.get_processes_distribution()
    assert str(told.value).startswith(f"ProcessPlacement.{placement} is incompatible with ")


def test_dependencies_are_read_however_they_are_written():
    asked = QResources(processes=1, dependencies={"afterok": [12, "13_4"], DependencyType.AFTER_ANY: "14", "after": 15})
    assert asked.dependencies == {
        DependencyType.AFTER_OK: ["12", "13_4"],
        DependencyType.AFTER_ANY: ["14"],
        DependencyType.AFTER: ["15"],
    }


@pytest.mark.parametrize("given", [{"afterOK": [1]}, ["12"], "afterok:12"])
def test_dependencies_that_cannot_be_read_are_refused_by_name(given):
    with pytest.raises(InvalidFieldError, match=r"^dependencies: .*afterok"):
        QResources(processes=1, dependencies=given)


def test_a_factory_decides_even_if_somebody_else_has():
    asked = QResources.scattered(3, process_placement=ProcessPlacement.SAME_NODE)
    assert asked.process_placement is ProcessPlacement.SCATTERED


def test_a_dependency_on_nothing_is_none():
    assert QResources(processes=1, dependencies={"afterok": [], "afterany": ["3"]}).dependencies == {
        DependencyType.AFTER_ANY: ["3"]
    }


def test_a_dependency_on_no_id_is_refused():
    with pytest.raises(InvalidFieldError, match="dependencies: None is no job id"):
        check_resources(QResources(processes=1, dependencies={"afterok": [None]}))
