"""Jobs that failed or were canceled are tried anew."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from scale.error.models import Error
from scale.job.models import Job
from scale.queue.models import Queue
from tests.api.answers import fields_at_fault

pytestmark = pytest.mark.django_db


def test_a_failed_job_is_on_the_queue_again_with_as_many_tries_as_it_had(alice, a_job, a_node, clock):
    failed = a_job(alice, status="FAILED", num_exes=3, node=a_node(), error=Error.objects.get(name="timeout"), ended=clock.now())
    Queue.objects.all().delete()
    clock.move(timedelta(minutes=1))
    answer = alice.post("jobs/requeue/", {"job_ids": [failed.pk]})
    assert answer.status_code == 202
    assert answer.json() == {"job_ids": [failed.pk], "unchanged_job_ids": [], "unknown_job_ids": [], "command": None}
    job = alice.get(f"jobs/{failed.pk}/").json()
    assert (job["status"], job["num_exes"], job["max_tries"]) == ("QUEUED", 4, 6)
    assert [job[key] for key in ("node", "error", "started", "ended")] == [None] * 4
    assert job["queued"] == job["last_status_change"] == "2026-01-31T12:01:00Z"
    entry = Queue.objects.get()
    assert (entry.job_id, entry.exe_num, entry.queued, entry.priority) == (failed.pk, 4, clock.now(), 100)


def test_the_tries_of_a_job_do_not_grow_with_each_requeue(alice, a_job):
    job = a_job(alice, status="FAILED", num_exes=1)
    for number in (1, 2, 3):
        alice.post("jobs/requeue/", {"job_ids": [job.pk]})
        job.refresh_from_db()
        assert (job.num_exes, job.max_tries) == (number + 1, number + 3)
        Job.objects.update(status="FAILED")


def test_a_job_of_before_the_tries_were_kept_has_those_it_shows(alice, a_job):
    job = a_job(alice, status="FAILED", own_tries=None, max_tries=5)
    alice.post("jobs/requeue/", {"job_ids": [job.pk]})
    job.refresh_from_db()
    assert (job.max_tries, job.own_tries) == (6, 5)


def test_a_canceled_job_waits_again_beside_the_entry_that_was_canceled(alice, a_job):
    job = a_job(alice)
    alice.post("jobs/cancel/", {"job_ids": [job.pk]})
    assert alice.post("jobs/requeue/", {"job_ids": [job.pk]}).json()["job_ids"] == [job.pk]
    assert list(Queue.objects.order_by("exe_num").values_list("exe_num", "is_canceled")) == [(1, True), (2, False)]


def test_a_priority_counts_for_the_job_and_its_place(alice, a_job):
    job = a_job(alice, status="FAILED")
    Queue.objects.all().delete()
    alice.post("jobs/requeue/", {"status": ["FAILED"], "priority": 7})
    job.refresh_from_db()
    entry = Queue.objects.get()
    assert (job.priority, entry.priority, entry.shape.partition("/")[0]) == (7, 7, "7")


@pytest.mark.parametrize(
    "columns", [{"status": "QUEUED"}, {"status": "RUNNING"}, {"status": "COMPLETED"}, {"status": "FAILED", "is_superseded": True}]
)
def test_what_is_not_over_or_went_well_stays_as_it_is(alice, a_job, columns):
    job = a_job(alice, **columns)
    answer = alice.post("jobs/requeue/", {"job_ids": [job.pk, 999_999]})
    assert answer.json() == {"job_ids": [], "unchanged_job_ids": [job.pk], "unknown_job_ids": [999_999], "command": None}


def test_a_requeue_by_error_takes_the_callers_own_and_staff_take_all(alice, bob, staff, a_job):
    timeout = Error.objects.get(name="timeout")
    mine, other = (a_job(person, status="FAILED", error=timeout) for person in (alice, bob))
    a_job(alice, status="FAILED")
    assert alice.post("jobs/requeue/", {"error_ids": [timeout.pk]}).json()["job_ids"] == [mine.pk]
    assert staff.post("jobs/requeue/", {"error_categories": ["ALGORITHM"]}).json()["job_ids"] == [other.pk]


def test_only_staff_requeue_what_belongs_to_another(alice, bob, a_job):
    job = a_job(bob, status="FAILED")
    answer = alice.post("jobs/requeue/", {"job_ids": [job.pk]})
    assert (answer.status_code, str(job.pk) in answer.json()["detail"]) == (403, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"priority": 1}, ""),
        ({"job_ids": [1], "priority": 0}, "priority"),
        ({"job_ids": [1], "priority": None}, "priority"),
    ],
)
def test_a_requeue_that_does_not_say_whom_is_refused(alice, body, field):
    assert fields_at_fault(alice.post("jobs/requeue/", json.dumps(body))) == [field]


def test_many_jobs_are_requeued_in_a_fixed_number_of_statements(alice, django_assert_max_num_queries):
    alice.post("jobs/bulk/", {"jobs": [{"command": "true"}] * 400})
    Job.objects.update(status="FAILED")
    Queue.objects.all().delete()
    with django_assert_max_num_queries(12):
        assert len(alice.post("jobs/requeue/", {"status": ["FAILED"]}).json()["job_ids"]) == 400
    assert Queue.objects.count() == 400
