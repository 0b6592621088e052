"""What jobs ask of nodes, over REST."""

from __future__ import annotations

from tests.api.answers import fields_at_fault

SSD = {"attribute": "disk", "op": "=", "value": "ssd"}


def test_a_job_tells_what_it_asks_of_nodes(alice):
    body = {"command": "true", "constraints": ["disk=ssd"], "hosts": ["b", "a"], "avoid_hosts": ["c"], "placement": "spread"}
    job = alice.post("jobs/", body).json()
    told = alice.get(f"jobs/{job['id']}/").json()
    assert (told["constraints"], told["hosts"], told["avoid_hosts"], told["placement"]) == ([SSD], ["a", "b"], ["c"], "spread")


def test_a_job_that_asks_nothing_says_so(alice):
    told = alice.get(f"jobs/{alice.post('jobs/', {'command': 'true'}).json()['id']}/").json()
    assert (told["constraints"], told["hosts"], told["avoid_hosts"], told["placement"]) == ([], [], [], None)


def test_what_a_job_tells_can_be_submitted_again(alice):
    first = alice.post("jobs/", {"command": "true", "constraints": ["rack in a,b", "gpu exists", "mem>1"]}).json()
    told = alice.get(f"jobs/{first['id']}/").json()
    members = {name: told[name] for name in ("constraints", "hosts", "avoid_hosts", "placement")}
    second = alice.post("jobs/", {"command": "true", **members}).json()
    assert alice.get(f"jobs/{second['id']}/").json()["constraints"] == told["constraints"]


def test_a_fault_is_named_by_its_place(alice):
    answer = alice.post("jobs/bulk/", {"jobs": [{"command": "true"}, {"command": "true", "constraints": ["a=1", "b"]}]})
    assert answer.status_code == 400
    assert fields_at_fault(answer) == ["jobs.1.constraints.1"]
