"""Which jobs a list shows and a command means, by each thing that can be stated; and what is done with many of them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from scale.error.models import Error
from scale.job.models import Job, JobCommand
from scale.queue.models import Queue
from scale.wake import Doorbell
from tests.api.answers import fields_at_fault

pytestmark = pytest.mark.django_db


def many(by, count: int = 501, **rest) -> list[int]:
    return by.post("jobs/bulk/", {"jobs": [{"command": "true", **rest}] * count}).json()["ids"]


def ids(answer) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [job["id"] for job in answer.json()["results"]]


@pytest.fixture
def three(alice, bob, a_job):
    timeout = Error.objects.get(name="timeout")
    first = a_job(alice, labels={"team": "blue", "1": "one", "a=b": "c"}, name="x", status="FAILED", error=timeout)
    second = a_job(alice, labels={"team": "red", "site": "north"}, name="y", status="FAILED", is_superseded=True)
    return first, second, a_job(bob, name="x", status="CANCELED")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("label=team%3Dblue", [0]),
        ("label=team%3Dred&label=site%3Dnorth", [1]),
        ("label=team%3Dblue&label=site%3Dnorth", []),
        ("label=1%3Done", [0]),
        ("label=team%3D", []),
        ("label=%22team%22%3Dblue", []),
        ("owner=alice", [1, 0]),
        ("owner=alice&owner=bob&name=x", [2, 0]),
        ("name=z", []),
        ("is_superseded=true", [1]),
        ("batch_id=1", []),
        ("recipe_id=1&recipe_id=2", []),
        ("source_started=PT1H", []),
        ("source_ended=PT1H", []),
        ("source_sensor_class=a&source_sensor=b&source_collection=c&source_task=d", []),
    ],
)
def test_each_parameter_narrows_the_list(alice, three, query, found):
    answer = alice.get(f"jobs/?{query}")
    assert ids(answer) == [three[number].pk for number in found]
    assert answer.json()["count"] == len(found)


@pytest.mark.parametrize(
    "query", ["label=team", "label=%3Dblue", "label=", "batch_id=x", "source_started=soon", "members=perhaps"]
)
def test_a_parameter_that_cannot_be_used_is_named(alice, query):
    assert fields_at_fault(alice.get(f"jobs/?{query}")) == [query.partition("=")[0]]


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        ({"labels": {"team": "blue"}}, [0]),
        ({"labels": {"a=b": "c"}}, []),
        ({"names": ["x"]}, [0, 2]),
        ({"owners": ["bob"]}, [2]),
        ({"job_types": [{"name": "command", "version": "1.0.0"}, {"name": "b", "version": "2"}]}, [0, 2]),
        ({"job_types": [{"name": "command", "version": "2.0.0"}]}, []),
        ({"job_type_names": ["command"], "status": ["CANCELED"]}, [2]),
        ({"error_categories": ["ALGORITHM"]}, [0]),
        ({"batch_ids": [3], "status": ["FAILED"]}, []),
        ({"recipe_ids": [3]}, []),
        ({"batch_ids": [], "recipe_ids": [], "status": ["FAILED"]}, [0]),
        ({"started": "PT1H", "ended": "2026-01-31T12:00:00Z"}, [0, 2]),
        ({"is_superseded": True}, []),
        ({"array_ids": [7]}, []),
    ],
)
def test_each_thing_that_is_stated_narrows_a_choice(staff, three, choice, found):
    answer = staff.post("jobs/requeue/", choice)
    assert answer.status_code == 202, answer.content
    assert answer.json()["job_ids"] == [three[number].pk for number in found]


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"batch_ids": []}, ""),
        ({"labels": {}}, "labels"),
        ({"labels": ["a"]}, "labels"),
        ({"job_types": [{"name": "a"}]}, "job_types.0.version"),
        ({"job_types": []}, "job_types"),
        ({"job_types": [{"name": "a", "version": "1", "nam": 1}]}, "job_types.0.nam"),
        ({"array_ids": [0]}, "array_ids.0"),
        ({"started": "PT1H", "ended": "PT1H"}, "ended"),
        ({"started": "PT1H", "ended": "PT2H"}, "ended"),
    ],
)
@pytest.mark.parametrize("kind", ["cancel", "requeue", "uncancel"])
def test_a_choice_that_cannot_be_meant_is_refused(alice, kind, choice, field):
    assert fields_at_fault(alice.post(f"jobs/{kind}/", json.dumps(choice))) == [field]


def test_a_job_that_never_was_on_the_queue_goes_on_it_once_it_waits_for_nobody(alice, a_job, clock):
    never, was = (a_job(alice, num_exes=number) for number in (0, 1))
    Queue.objects.all().delete()
    alice.post("jobs/cancel/", {"job_ids": [never.pk, was.pk]})
    answer = alice.post("jobs/uncancel/", {"job_ids": [never.pk, was.pk, 999_999]})
    assert answer.status_code == 202
    assert answer.json() == {
        "job_ids": [never.pk],
        "unchanged_job_ids": [was.pk],
        "unknown_job_ids": [999_999],
        "command": None,
    }
    never.refresh_from_db()
    assert (never.status, never.num_exes, never.ended) == ("QUEUED", 1, None)
    assert alice.post("jobs/uncancel/", {"job_ids": [never.pk]}).json()["job_ids"] == []


def test_a_requeue_of_what_never_was_on_the_queue_puts_it_there_once_it_waits_for_nobody(alice, a_job):
    job = a_job(alice, num_exes=0, status="CANCELED")
    Queue.objects.all().delete()
    assert alice.post("jobs/requeue/", {"job_ids": [job.pk]}).json()["job_ids"] == [job.pk]
    job.refresh_from_db()
    assert (job.status, job.num_exes, Queue.objects.count()) == ("QUEUED", 1, 1)


def test_only_staff_uncancel_what_belongs_to_another(alice, bob, staff, a_job):
    job = a_job(bob, num_exes=0, status="CANCELED")
    assert alice.post("jobs/uncancel/", {"job_ids": [job.pk]}).status_code == 403
    assert alice.post("jobs/uncancel/", {"status": ["CANCELED"]}).json()["job_ids"] == []
    assert staff.post("jobs/uncancel/", {"job_ids": [job.pk]}).json()["job_ids"] == [job.pk]


def test_many_jobs_are_changed_later_and_the_answer_says_where_to_look(alice, clock, home, django_capture_on_commit_callbacks):
    many(alice)
    with Doorbell(home) as bell:
        with django_capture_on_commit_callbacks(execute=True):
            answer = alice.post("jobs/cancel/", {"status": ["QUEUED"], "started": "PT1H"})
        assert bell.wait(1)
    command = JobCommand.objects.get()
    assert answer.status_code == 202
    assert answer["Location"] == f"/api/v7/jobs/commands/{command.pk}/"
    told = answer.json()["command"]
    assert told == {
        "id": command.pk,
        "kind": "cancel",
        "state": "QUEUED",
        "choice": {"status": ["QUEUED"], "started": "2026-01-31T11:00:00Z"},
        "changed": 0,
        "by": "alice",
        "asked": "2026-01-31T12:00:00Z",
        "ended": None,
    }
    assert alice.get(f"jobs/commands/{command.pk}/").json() == told
    assert alice.get("jobs/commands/999/").status_code == 404
    assert not Job.objects.exclude(status="QUEUED").exists()


def test_many_jobs_that_are_named_are_changed_later_too_and_none_of_others(alice, bob):
    mine, other = many(alice, 600), many(bob, 1)
    assert alice.post("jobs/cancel/", {"job_ids": [*mine, *other]}).status_code == 403
    answer = alice.post("jobs/cancel/", {"job_ids": [*mine, 999_999]}).json()
    assert (answer["command"]["state"], answer["job_ids"], answer["unknown_job_ids"]) == ("QUEUED", [], [999_999])
    assert JobCommand.objects.count() == 1


def test_a_list_by_the_time_of_the_last_change_is_bounded_by_both_ends(alice, a_job, clock):
    old = a_job(alice)
    clock.move(timedelta(hours=2))
    new = a_job(alice)
    assert ids(alice.get("jobs/?started=PT1H&source_task=")) == []
    assert ids(alice.get("jobs/?started=PT1H")) == [new.pk]
    assert ids(alice.get("jobs/?ended=PT1H")) == [old.pk]
