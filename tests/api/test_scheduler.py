"""The scheduler's settings, the status document and the queue over REST."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client

from scale.job.models import JobType
from scale.job.services import jobs_cancel
from scale.queue.models import Queue
from scale.scheduler.models import Scheduler
from scale.scheduler.services import status_save
from scale.scheduler.status import packed
from tests.api.answers import fields_at_fault


def test_the_settings_are_there_from_the_first_day(alice):
    assert alice.get("scheduler/").json() == {
        "is_paused": False,
        "num_message_handlers": 1,
        "queue_mode": "FIFO",
        "system_logging_level": "INFO",
    }
    assert "_" not in Scheduler.objects.get().framework_id


def test_staff_change_the_settings(staff):
    changes = {"is_paused": True, "queue_mode": "LIFO", "num_message_handlers": 0, "system_logging_level": "DEBUG"}
    assert staff.patch("scheduler/", changes).status_code == 204
    assert staff.get("scheduler/").json() == changes


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"queue_mode": "RANDOM"}, "queue_mode"),
        ({"queue_mode": []}, "queue_mode"),
        ({"num_message_handlers": -1}, "num_message_handlers"),
        ({"num_message_handlers": 10**30}, "num_message_handlers"),
        ({"system_logging_level": "LOUD"}, "system_logging_level"),
        ({"framework_id": "x"}, "framework_id"),
        ({"is_paused": "no"}, "is_paused"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(staff, body, field):
    assert fields_at_fault(staff.patch("scheduler/", json.dumps(body))) == [field]


def test_only_staff_change_the_settings(alice):
    assert alice.patch("scheduler/", {"is_paused": True}).status_code == 403


def test_the_status_document_is_served_as_it_was_rendered(alice, clock):
    status_save(document=packed(b'{"b":1,"a":2}'), when=clock.now())
    answer = alice.get("status/")
    assert (answer.status_code, answer.content) == (200, b'{"b":1,"a":2}')
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-cache"


def test_who_has_the_status_already_is_told_so(alice, clock):
    status_save(document=packed(b"{}"), when=clock.now())
    etag = alice.get("status/")["ETag"]
    assert not etag.startswith("W/")
    again = alice.get("status/", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    status_save(document=packed(b'{"a":1}'), when=clock.now())
    assert alice.get("status/", headers={"If-None-Match": etag}).status_code == 200


def test_a_status_that_is_old_or_missing_is_not_told(alice, clock):
    assert "no status yet" in alice.get("status/").json()["detail"]
    status_save(document=packed(b"{}"), when=clock.now())
    clock.move(timedelta(seconds=12))
    assert alice.get("status/").status_code == 200
    clock.move(timedelta(seconds=1))
    answer = alice.get("status/")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert answer["Retry-After"]
    assert "13 seconds old" in answer.json()["detail"]


def test_readiness_follows_the_status_and_health_does_not(clock):
    anybody = Client()
    assert anybody.get("/readyz").status_code == 503
    assert anybody.get("/healthz").json() == {"status": "ok"}
    status_save(document=packed(b"{}"), when=clock.now())
    assert anybody.get("/readyz").status_code == 200


def test_the_queue_is_told_by_job_type_the_paused_last(alice, a_job, clock, django_assert_num_queries):
    first = a_job(alice)
    clock.move(timedelta(minutes=1))
    a_job(alice)
    jobs_cancel(ids=[a_job(alice).pk], by=alice.user, when=clock.now())
    times = {"created": clock.now(), "last_modified": clock.now()}
    paused = JobType.objects.create(name="paused", version="1", is_paused=True, **times)
    row = Queue.objects.get(job=first)
    row.pk, row.job_type, row.exe_num, row.priority = None, paused, 2, 5
    row.save()
    with django_assert_num_queries(3):  # who asks, the queue, the types
        page = alice.get("queue/status/").json()
    command, other = page["results"]
    assert page["count"] == 2
    assert (command["job_type"]["name"], command["count"], command["highest_priority"]) == ("command", 2, 100)
    assert command["longest_queued"] == "2026-01-31T12:00:00Z"
    assert (other["job_type"]["name"], other["count"], other["highest_priority"]) == ("paused", 1, 5)
