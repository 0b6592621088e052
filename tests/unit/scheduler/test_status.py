"""The status document: every key of Scale's own, whatever there is to tell."""

from __future__ import annotations

import json

import pytest

from scale.job.execution.manager import JobExecutionManager
from scale.job.tasks.manager import TaskManager
from scale.kernel.clock import ManualClock
from scale.kernel.resources import Resources
from scale.node.conditions import KnownNode
from scale.node.manager import NodeManager
from scale.node.models import Node
from scale.scheduler.rates import Rates
from scale.scheduler.status import Leadership, NodeResources, Parts, Post, Totals, Warning, amounts_of, document, packed
from tests.builders import NOW, a_node_report, a_running_exe, an_amount, later

TOP = "timestamp scheduler system nodes num_offers resources job_types last_updated"
NODE = (
    "id hostname agent_id is_active state errors warnings num_offers resources job_executions node_tasks system_tasks"  # in order
)
AMOUNTS = {"running", "offered", "free", "unavailable", "total"}
NONE = {"total": 0, "by_job_type": []}
NO_EXECUTIONS = {"running": NONE, "completed": NONE, "failed": {"total": 0, "algorithm": NONE, "data": NONE, "system": NONE}}


def rendered(nodes=(), resources=None, **parts):
    defaults = {
        "when": NOW,
        "hostname": "sched-1",
        "is_paused": False,
        "rates": Rates(NOW).generate_status_json(NOW),
        "warnings": [],
        "database_ready": NOW,
        "nodes": nodes,
        "resources": resources or {},
        "job_types": [],
    }
    return document(Parts(**{**defaults, **parts}))


def nodes_of(*reports, exes=()):
    """The nodes as all the managers tell of them."""
    nodes, job_exes, tasks = NodeManager(), JobExecutionManager(clock=ManualClock(NOW)), TaskManager()
    for number, report in enumerate(reports, 1):
        nodes.handle_report("local", report)
        nodes.register([Node(pk=number, hostname=report.hostname, created=NOW)], nodes.unregistered())
    job_exes.schedule_job_exes(exes, [])
    told = nodes.generate_status_json(scheduler_is_paused=False)
    job_exes.generate_status_json(told, NOW)
    tasks.generate_status_json(told)
    return told


def test_without_nodes_every_key_is_there():
    told = rendered()
    assert set(TOP.split()) <= set(told)
    assert (told["nodes"], told["num_offers"], told["job_types"]) == ([], 0, [])
    assert {name: amounts.keys() for name, amounts in told["resources"].items()} == dict.fromkeys(
        ("cpus", "mem", "disk", "gpus"), AMOUNTS
    )
    assert {amount for amounts in told["resources"].values() for amount in amounts.values()} == {0}


def test_scales_keys_come_in_scales_order():
    assert [key for key in rendered() if key in TOP.split()] == TOP.split()


def test_the_scheduler_tells_of_itself():
    scheduler = rendered()["scheduler"]
    assert list(scheduler) == ["hostname", "mesos", "metrics", "state", "warnings", "leader", "standbys"]
    assert (scheduler["hostname"], scheduler["mesos"], scheduler["warnings"]) == ("sched-1", {"framework_id": ""}, [])
    assert scheduler["state"] == {"name": "READY", "title": "Ready", "description": "Scheduler is ready to run new jobs."}
    assert len(scheduler["metrics"]) == 7


def test_the_leader_is_named_with_its_term_and_those_who_stand_by():
    leadership = Leadership(3, Post("a", 11, NOW), [Post("b", 12, later(minutes=1))])
    scheduler = rendered(leadership=leadership)["scheduler"]
    assert scheduler["leader"] == {"hostname": "a", "pid": 11, "since": "2026-01-31T12:00:00Z", "term": 3}
    assert scheduler["standbys"] == [{"hostname": "b", "pid": 12, "since": "2026-01-31T12:01:00Z"}]
    assert rendered()["scheduler"]["leader"] is None


def test_a_paused_scheduler_says_so():
    assert rendered(is_paused=True)["scheduler"]["state"]["name"] == "PAUSED"


def test_warnings_say_since_when():
    warning = Warning("INVALID_RESOURCEStile", "Invalid Resources for tile", "needs 9 cpus", NOW, later(minutes=1))
    assert rendered(warnings=[warning])["scheduler"]["warnings"] == [
        {
            "name": "INVALID_RESOURCEStile",
            "title": "Invalid Resources for tile",
            "description": "needs 9 cpus",
            "started": "2026-01-31T12:00:00Z",
            "last_updated": "2026-01-31T12:01:00Z",
        }
    ]


def test_the_system_is_up_to_date():
    told = rendered(when=later(minutes=1))
    assert told["system"] == {"database_update": {"is_completed": True, "completed": "2026-01-31T12:00:00Z"}, "services": []}
    assert told["timestamp"] == told["last_updated"] == "2026-01-31T12:01:00Z"


def test_a_node_has_every_key_in_scales_order():
    amounts = NodeResources(an_amount(8), an_amount(4), an_amount(1))
    (node,) = rendered(nodes_of(a_node_report(), exes=[a_running_exe()]), {1: amounts})["nodes"]
    assert list(node) == NODE.split()
    assert list(node["job_executions"]) == ["running", "completed", "failed"]
    assert node["job_executions"]["running"] == {"total": 1, "by_job_type": [{"job_type_id": 10, "count": 1}]}
    assert node["resources"]["cpus"] == {"running": 1, "offered": 0, "free": 3, "unavailable": 4, "total": 8}


def test_an_offline_node_has_the_same_keys_and_nothing_in_them():
    (node,) = rendered(nodes_of(a_node_report(is_online=False)))["nodes"]
    assert list(node) == NODE.split()
    assert (node["agent_id"], node["state"]["name"], node["job_executions"]) == ("", "OFFLINE", NO_EXECUTIONS)
    assert (node["num_offers"], node["node_tasks"], node["system_tasks"]) == (0, [], [])
    assert node["resources"]["cpus"] == dict.fromkeys(AMOUNTS, 0)


def test_the_totals_are_those_of_the_active_nodes():
    nodes = nodes_of(a_node_report(1), a_node_report(2), a_node_report(3))
    nodes[2]["is_active"] = False
    each = NodeResources(an_amount(4, fpgas=2), an_amount(4, fpgas=2), an_amount(1.005, fpgas=1))
    told = rendered(nodes, {1: each, 2: each, 3: each})["resources"]
    assert list(told) == ["cpus", "mem", "disk", "gpus", "fpgas"]
    assert told["cpus"] == {"running": 2.01, "offered": 0, "free": 5.99, "unavailable": 0, "total": 8}
    assert told["fpgas"]["total"] == 4


def test_a_node_that_holds_more_than_it_offers_has_nothing_free():
    (node,) = rendered(nodes_of(a_node_report()), {1: NodeResources(an_amount(4), an_amount(2), an_amount(3))})["nodes"]
    assert node["resources"]["cpus"] == {"running": 3, "offered": 0, "free": 0, "unavailable": 2, "total": 4}


@pytest.mark.parametrize(("holding", "running"), [((), 3), (("local",), 2)])
def test_what_waits_at_a_node_takes_nothing_of_it_till_it_has_room(holding, running):
    node = KnownNode(1, "n1", "agent-1", "local", total=an_amount(4), offered=an_amount(2))
    has = NodeResources.of(node, an_amount(3), holding)
    assert (has.total["cpus"], has.offered["cpus"], has.running["cpus"]) == (4, 2, running)


def test_job_types_and_the_queue_are_told():
    told = rendered(job_types=[{"id": 1}], waiting={"too-large": 2, "no-room": 3})
    assert told["job_types"] == [{"id": 1}]
    assert told["queue"] == {"total": 5, "waiting_for": {"no-room": 3, "too-large": 2}}


@pytest.mark.parametrize("reports", [[], [a_node_report()]])
def test_all_of_it_is_json(reports):
    told = rendered(nodes_of(*reports), {1: NodeResources(Resources(), Resources(), Resources())})
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_a_packed_document_is_small_named_by_what_is_in_it_and_the_same_again():
    first, again, other = packed(b"a" * 1000), packed(b"a" * 1000), packed(b"b" * 1000)
    assert first == again
    assert len(first.content) < 100
    assert first.etag != other.etag
    assert first.unpacked() == b"a" * 1000


def test_totals_forget_a_resource_with_the_last_node_that_names_it():
    totals = Totals()
    node = amounts_of(NodeResources(an_amount(4, fpgas=2), an_amount(4, fpgas=2), an_amount(1)))
    totals.add(node)
    assert totals.as_json()["fpgas"]["total"] == 2
    totals.add(node, -1)
    assert totals.as_json() == Totals().as_json()
    assert list(totals.as_json()) == ["cpus", "mem", "disk", "gpus"]
