"""Many jobs in one request: all or nothing, each fault by the number of its job."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scale.job.models import Job
from scale.queue.models import Queue
from scale.wake import Doorbell
from tests.api.answers import fields_at_fault

pytestmark = pytest.mark.django_db


def test_the_ids_come_in_the_order_of_the_jobs(alice, clock):
    answer = alice.post("jobs/bulk/", {"jobs": [{"command": ["echo", str(n)], "priority": 100 - n} for n in range(25)]})
    assert answer.status_code == 201
    ids = answer.json()["ids"]
    commands = dict(Job.objects.values_list("pk", "command"))
    assert [commands[job_id] for job_id in ids] == [["echo", str(n)] for n in range(25)]
    assert set(Job.objects.values_list("status", "owner__username", "queued")) == {("QUEUED", "alice", clock.now())}
    assert dict(Queue.objects.values_list("job_id", "priority")) == {job_id: 100 - n for n, job_id in enumerate(ids)}


def test_one_fault_keeps_every_job_out_and_is_named_by_number_and_field(alice):
    jobs = [{"command": "true"} for _ in range(20)]
    jobs[17]["resources"] = {"cpus": -1, "memory": 1}
    jobs[19] = "true"
    assert fields_at_fault(alice.post("jobs/bulk/", {"jobs": jobs})) == [
        "jobs.17.resources.cpus",
        "jobs.17.resources.memory",
        "jobs.19",
    ]
    assert not Job.objects.exists()
    assert not Queue.objects.exists()


def test_some_dozens_of_faults_are_told_and_that_there_are_more(alice):
    answer = alice.post("jobs/bulk/", {"jobs": [{}] * 10_000})
    assert fields_at_fault(answer) == [*(f"jobs.{n}.command" for n in range(50)), "jobs"]
    assert answer.json()["errors"][-1]["message"] == "there may be more faults; nothing was looked at after jobs.49"


def test_the_faults_of_one_job_are_cut_as_well(alice):
    many = {f"x{n}": 1 for n in range(80)}
    assert len(fields_at_fault(alice.post("jobs/bulk/", {"jobs": [many]}))) == 51


def test_where_all_faults_are_told_no_more_are_promised(alice):
    as_many = {"command": "true", **{f"x{n}": 1 for n in range(50)}}
    assert len(fields_at_fault(alice.post("jobs/bulk/", {"jobs": [as_many]}))) == 50


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "jobs"),
        ([], ""),
        ({"jobs": []}, "jobs"),
        ({"jobs": [{}] * 10_001}, "jobs"),
        ({"jobs": {}}, "jobs"),
        ({"job": []}, "jobs"),
    ],
)
def test_a_body_that_holds_no_jobs_or_too_many_is_refused(alice, body, field):
    assert fields_at_fault(alice.post("jobs/bulk/", json.dumps(body)))[0] == field


def test_ten_thousand_jobs_cost_few_statements(alice):
    body = json.dumps({"jobs": [{"command": "true"}] * 10_000})
    with CaptureQueriesContext(connection) as queries:
        assert len(alice.post("jobs/bulk/", body).json()["ids"]) == 10_000
    # who asks, the type, the transaction; a thousand at once: the last id, jobs, entries
    assert len(queries) <= 2 + 2 + 3 * 10, [query["sql"][:80] for query in queries]
    assert Job.objects.count() == Queue.objects.count() == 10_000


def test_the_scheduler_is_rung_once(alice, home, django_capture_on_commit_callbacks):
    with Doorbell(home) as bell:
        with django_capture_on_commit_callbacks(execute=True) as after:
            alice.post("jobs/bulk/", {"jobs": [{"command": "true"}] * 3})
        assert sum(call.__qualname__.startswith("ring_after_commit") for call in after) == 1
        assert bell.wait(0)
