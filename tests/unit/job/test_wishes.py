"""What a submission may ask of nodes."""

from __future__ import annotations

import pytest

from scale.job.submission import InvalidSubmission, parse_submission


def asked(**body):
    return parse_submission({"command": "true", **body}).asked_of_nodes


def test_who_asks_nothing_asks_nothing():
    assert asked() is asked(constraints=[], hosts=[], avoid_hosts=[], placement=None) is None


def test_constraints_come_as_text_or_as_objects():
    ssd = {"attribute": "disk", "op": "=", "value": "ssd"}
    assert asked(constraints=["disk=ssd"]) == asked(constraints=[ssd]) == {"constraints": [ssd]}


def test_hosts_and_placement_are_kept():
    assert asked(hosts=["b", "a"], avoid_hosts=["c"], placement="spread") == {
        "hosts": ["a", "b"],
        "avoid_hosts": ["c"],
        "placement": "spread",
    }


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"constraints": "disk=ssd"}, "constraints", "list"),
        ({"constraints": ["a=1", "disk"]}, "constraints.1", "'disk' is no constraint"),
        ({"constraints": [{"attribute": "a", "op": "=", "vaule": 1}]}, "constraints.0", "vaule is not known"),
        ({"constraints": ["a=1"] * 51}, "constraints", "50"),
        ({"hosts": [""]}, "hosts.0", "1 character"),
        ({"hosts": ["a\0"]}, "hosts.0", "NUL"),
        ({"hosts": ["a"] * 501}, "hosts", "500"),
        ({"hosts": ["a", "b"], "avoid_hosts": ["b"]}, "avoid_hosts", "b stands in hosts, too"),
        ({"placement": "random"}, "placement", "'pack' or 'spread'"),
        ({"placement": 1}, "placement", "'pack' or 'spread'"),
    ],
)
def test_every_fault_has_its_place(body, field, says):
    with pytest.raises(InvalidSubmission) as refused:
        asked(**body)
    (fault,) = refused.value.faults
    assert fault.field == field
    assert says in fault.message
