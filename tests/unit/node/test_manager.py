"""The nodes known now: reports of engines joined with the rows of the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.engines.protocol import Condition
from scale.kernel.moments import moment_text
from scale.kernel.resources import Resources
from scale.node.manager import NodeManager
from scale.node.models import Node
from tests.builders import NOW, a_node_report, later

PATIENCE = timedelta(minutes=1)


def a_row(number=1, **columns):
    return Node(pk=number, hostname=f"node-{number}", engine="local", created=NOW, last_modified=NOW, **columns)


def known(*reports, **columns):
    """A manager that knows the nodes of these reports."""
    manager = NodeManager()
    for number, report in enumerate(reports or [a_node_report()], 1):
        manager.handle_report("local", report)
        manager.register([a_row(number, **columns)], manager.unregistered())
    return manager


def test_a_node_is_known_once_it_was_reported_and_has_its_row():
    manager = NodeManager()
    assert manager.handle_report("local", a_node_report()) is None
    assert manager.get_nodes() == []
    (seen,) = manager.unregistered()
    manager.register([a_row()], [seen])
    (node,) = manager.get_nodes()
    assert (node.id, node.hostname, node.agent_id, node.engine, node.is_online) == (1, "node-1", "agent-1", "local", True)
    assert (node.offered, node.total) == (seen.report.offered, seen.report.total)
    assert manager.unregistered() == []
    assert manager.get_node(1) is node


def test_nobody_and_strangers_are_not_known():
    manager = known()
    assert (manager.get_node(None), manager.get_node(2)) == (None, None)


def test_a_row_of_which_no_engine_speaks_is_a_node_that_is_away():
    manager = NodeManager()
    manager.register([a_row(last_offer_received=later(minutes=-9))], [])
    (node,) = manager.get_nodes()
    assert not node.is_online
    assert manager.get_lost_nodes(NOW, PATIENCE) == [node]


def test_a_report_of_a_known_node_says_how_it_was_before():
    manager = known()
    before = manager.handle_report("local", a_node_report(is_online=False))
    assert before.is_online
    assert not manager.get_node(1).is_online


def test_a_node_that_goes_away_keeps_what_it_has():
    manager = known()
    manager.handle_report("local", a_node_report(is_online=False, when=later(minutes=1)))
    node = manager.get_node(1)
    assert (node.away_since, node.offered["cpus"]) == (later(minutes=1), 4)
    manager.handle_report("local", a_node_report(is_online=False, when=later(minutes=2)))
    assert manager.get_node(1).away_since == later(minutes=1)


def test_a_node_that_comes_back_has_what_it_says():
    manager = known()
    manager.handle_report("local", a_node_report(is_online=False))
    manager.handle_report("local", a_node_report(offered=Resources(cpus=2), node="agent-9"))
    node = manager.get_node(1)
    assert (node.is_online, node.away_since, node.offered, node.agent_id) == (True, None, {"cpus": 2}, "agent-9")


def test_a_lost_node_is_named_once_strictly_after_our_patience():
    manager = known()
    manager.handle_report("local", a_node_report(is_online=False))
    assert manager.get_lost_nodes(NOW + PATIENCE, PATIENCE) == []
    assert [node.id for node in manager.get_lost_nodes(later(minutes=1, seconds=1), PATIENCE)] == [1]
    assert manager.get_lost_nodes(later(minutes=5), PATIENCE) == []


def test_a_node_that_came_back_can_be_lost_again():
    manager = known()
    for hour in (1, 2):
        manager.handle_report("local", a_node_report(is_online=False, when=later(hours=hour)))
        assert len(manager.get_lost_nodes(later(hours=hour, minutes=30), PATIENCE)) == 1
        manager.handle_report("local", a_node_report())


def test_operators_own_their_flags_and_no_report_changes_them():
    manager = known(is_paused=True)
    manager.handle_report("local", a_node_report())
    assert manager.get_node(1).is_paused
    manager.register([a_row(is_active=False)], [])
    node = manager.get_node(1)
    assert (node.is_paused, node.is_active, node.is_online) == (False, False, True)


def test_a_report_that_came_while_rows_were_read_is_not_forgotten():
    manager = known()
    manager.handle_report("local", a_node_report())
    seen = manager.unregistered()
    manager.handle_report("local", a_node_report(is_online=False, when=later(minutes=1)))
    manager.register([a_row()], seen)
    assert not manager.get_node(1).is_online
    assert [one.report.is_online for one in manager.unregistered()] == [False]


def test_nodes_come_in_the_order_of_their_ids():
    manager = NodeManager()
    manager.register([a_row(number) for number in (3, 1, 2)], [])
    assert [node.id for node in manager.get_nodes()] == [1, 2, 3]


@pytest.mark.parametrize(("is_online", "agent_id", "state"), [(True, "agent-1", "READY"), (False, "", "OFFLINE")])
def test_the_status_tells_of_each_node(is_online, agent_id, state):
    manager = known(a_node_report(is_online=is_online))
    (node,) = manager.generate_status_json(scheduler_is_paused=False)
    assert list(node) == ["id", "hostname", "agent_id", "is_active", "state", "errors", "warnings"]
    assert (node["id"], node["hostname"], node["agent_id"], node["is_active"]) == (1, "node-1", agent_id, True)
    assert node["state"].keys() == {"name", "title", "description"}
    assert node["state"]["name"] == state


def test_the_status_tells_of_a_scheduler_that_is_paused():
    (node,) = known().generate_status_json(scheduler_is_paused=True)
    assert node["state"]["name"] == "SCHEDULER_STOPPED"


def errors_of(manager):
    (node,) = manager.generate_status_json(scheduler_is_paused=False)
    return node["state"]["name"], [(each["name"], each["started"], each["last_updated"]) for each in node["errors"]]


def test_a_condition_lasts_from_the_first_report_of_it_to_the_one_that_leaves_it_out():
    low = (Condition.LOW_DISK_SPACE,)
    manager = known(a_node_report(conditions=low))
    manager.handle_report("local", a_node_report(conditions=low, when=later(minutes=1)))
    started, updated = moment_text(NOW), moment_text(later(minutes=1))
    assert errors_of(manager) == ("DEGRADED", [("LOW_DISK_SPACE", started, updated)])
    manager.handle_report("local", a_node_report(when=later(minutes=2)))
    assert errors_of(manager) == ("READY", [])


def test_a_node_that_is_away_is_in_no_condition():
    manager = known(a_node_report(conditions=(Condition.LOW_DISK_SPACE,)))
    manager.handle_report("local", a_node_report(is_online=False))
    assert errors_of(manager) == ("OFFLINE", [])


def test_what_operators_say_of_a_node_is_known_as_soon_as_its_row_is_read():
    manager = known()
    version = manager.version
    manager.register([a_row(attributes={"disk": "ssd"})], [])
    (node,) = manager.get_nodes()
    assert (node.attributes, manager.version) == ({"disk": "ssd"}, version + 1)
    manager.handle_report("local", a_node_report(cpus=8))
    assert manager.get_nodes()[0].attributes == {"disk": "ssd"}
