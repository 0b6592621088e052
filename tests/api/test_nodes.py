"""Nodes over REST."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.api.answers import fields_at_fault, words


def test_nodes_are_listed_and_told_one_by_one(alice, a_node):
    node = a_node()
    page = alice.get("nodes/").json()
    assert page["count"] == 1
    assert page["results"][0] == alice.get(f"nodes/{node.pk}/").json()
    assert set(page["results"][0]) >= words("id hostname pause_reason is_paused is_active deprecated created last_modified")


def test_each_filter_narrows_the_list(alice, a_node, clock):
    a_node("b")
    a_node("a", is_active=False)

    def names(query):
        return [node["hostname"] for node in alice.get(f"nodes/?{query}").json()["results"]]

    assert names("is_active=true") == ["b"]
    assert names("is_active=0") == ["a"]
    assert names("order=hostname") == ["a", "b"]
    assert names("order=-hostname") == ["b", "a"]
    clock.move(timedelta(hours=1))
    assert names("started=PT1M") == []


def test_staff_pause_a_node_and_say_why(staff, a_node, clock):
    node = a_node()
    clock.move(timedelta(minutes=1))
    answer = staff.patch(f"nodes/{node.pk}/", {"is_paused": True, "pause_reason": "new disk"})
    assert (answer.status_code, answer.content) == (204, b"")
    node.refresh_from_db()
    assert (node.is_paused, node.pause_reason, node.last_modified) == (True, "new disk", clock.now())


def test_the_reason_goes_with_the_pause(staff, a_node):
    node = a_node(is_paused=True, pause_reason="new disk")
    staff.patch(f"nodes/{node.pk}/", {"is_paused": False})
    node.refresh_from_db()
    assert (node.is_paused, node.pause_reason) == (False, None)


def test_a_node_is_deprecated_once_and_may_come_back(staff, a_node, clock):
    node, first = a_node(), clock.now()
    staff.patch(f"nodes/{node.pk}/", {"is_active": False})
    clock.move(timedelta(minutes=1))
    staff.patch(f"nodes/{node.pk}/", {"is_active": False})
    node.refresh_from_db()
    assert (node.is_active, node.deprecated) == (False, first)
    staff.patch(f"nodes/{node.pk}/", {"is_active": True})
    node.refresh_from_db()
    assert (node.is_active, node.deprecated) == (True, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ([], ""),
        ({"hostname": "x"}, "hostname"),
        ({"is_paused": 1}, "is_paused"),
        ({"is_paused": None}, "is_paused"),
        ({"is_active": "true"}, "is_active"),
        ({"pause_reason": "x" * 251}, "pause_reason"),
        ({"pause_reason": "\0"}, "pause_reason"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(staff, a_node, body, field):
    node = a_node()
    assert fields_at_fault(staff.patch(f"nodes/{node.pk}/", json.dumps(body))) == [field]


def test_only_staff_change_a_node(alice, a_node):
    answer = alice.patch(f"nodes/{a_node().pk}/", {"is_paused": True})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "Only staff may change this."


def test_a_stranger_is_not_found(staff):
    assert staff.get("nodes/999/").status_code == 404
    assert staff.patch("nodes/999/", {"is_paused": True}).status_code == 404


@pytest.mark.parametrize(
    ("change", "column", "left"), [({"is_paused": False}, "is_paused", False), ({"pause_reason": None}, "pause_reason", None)]
)
def test_what_is_empty_or_false_can_be_set(staff, a_node, change, column, left):
    node = a_node(is_paused=True, pause_reason="broken")
    assert staff.patch(f"nodes/{node.pk}/", change).status_code == 204
    assert staff.get(f"nodes/{node.pk}/").json()[column] == left


def test_a_list_of_nodes_knows_when_they_changed_and_several_orders(alice, a_node, clock):
    for hostname, paused in (("a", True), ("b", False), ("c", True)):
        a_node(hostname, is_paused=paused)
        clock.move(timedelta(hours=1))

    def names(query):
        return [node["hostname"] for node in alice.get(f"nodes/?{query}").json()["results"]]

    assert names("started=PT2H30M") == names("started=2026-01-31T13:00:00%2B00:00") == ["b", "c"]
    assert names("ended=PT2H") == ["a", "b"]
    assert names("order=-is_paused&order=-hostname") == ["c", "a", "b"]
    assert fields_at_fault(alice.get("nodes/?started=PT1H&ended=PT1H")) == ["ended"]
    assert fields_at_fault(alice.get("nodes/?order=x&is_active=maybe")) == ["is_active", "order"]


def test_operators_set_attributes_that_stand_beside_those_that_are_given(staff, a_node, clock):
    node = a_node()
    given = {"hostname": node.hostname, "engine": "local"}
    assert staff.get(f"nodes/{node.pk}/").json()["attributes"] == given
    clock.move(timedelta(minutes=1))
    assert staff.patch(f"nodes/{node.pk}/", {"attributes": {"disk": "ssd", "mem_gb": 64.0, "new": True}}).status_code == 204
    assert staff.patch(f"nodes/{node.pk}/", {"attributes": {"disk": None, "rack": "a"}}).status_code == 204
    told = {"mem_gb": 64, "new": True, "rack": "a", **given}
    assert staff.get(f"nodes/{node.pk}/").json()["attributes"] == told
    assert staff.get("nodes/").json()["results"][0]["attributes"] == told
    node.refresh_from_db()
    assert node.last_modified == clock.now()


@pytest.mark.parametrize(
    ("attributes", "field", "says"),
    [
        ("disk=ssd", "attributes", "expected a JSON object"),
        ({"a b": 1}, "attributes", "letters, digits"),
        ({"hostname": "x"}, "attributes", "nobody sets it"),
        ({"engine": None}, "attributes", "nobody sets it"),
        ({"a": [1]}, "attributes.a", "expected text, a number, true or false"),
        ({"a": "x" * 251}, "attributes.a", "250 characters"),
        ({"a": 1e16}, "attributes.a", "may not be beyond"),
        ({f"a{number}": 1 for number in range(101)}, "attributes", "100"),
    ],
)
def test_attributes_that_are_none_are_refused_with_their_place(staff, a_node, attributes, field, says):
    node = a_node()
    answer = staff.patch(f"nodes/{node.pk}/", {"attributes": attributes})
    assert answer.status_code == 400
    (fault,) = answer.json()["errors"]
    assert fault["field"] == field
    assert says in fault["message"]


def test_a_node_has_a_hundred_attributes_at_most(staff, a_node):
    node = a_node(attributes={f"a{number}": 1 for number in range(99)})
    assert staff.patch(f"nodes/{node.pk}/", {"attributes": {"b": 1}}).status_code == 204
    assert staff.patch(f"nodes/{node.pk}/", {"attributes": {"c": 1}}).status_code == 400
    assert staff.patch(f"nodes/{node.pk}/", {"attributes": {"c": 1, "b": None}}).status_code == 204


def test_only_staff_set_attributes(alice, a_node):
    assert alice.patch(f"nodes/{a_node().pk}/", {"attributes": {"a": 1}}).status_code == 403
