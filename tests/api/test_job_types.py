"""Job types over REST: what there is, how they stand, and what operators change."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from scale.error.models import Error
from scale.job.models import Job, JobType
from tests.api.answers import fields_at_fault, words

pytestmark = pytest.mark.django_db

BRIEF = words("id name version title description is_active is_system is_paused is_published icon_code unmet_resources")
FULL = BRIEF | words("max_scheduled max_tries revision_num docker_image created deprecated paused last_modified")
COMMAND = "job-types/command/1.0.0/"


@pytest.fixture
def reader(clock):
    """Another job type, with a version that is not only numbers and dots."""
    now, manifest = clock.now(), {"job": {"title": "Read all", "description": "Reads the news"}}
    return JobType.objects.create(name="reader", version="1.0.0-rc1", manifest=manifest, created=now, last_modified=now)


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [found["name"] for found in answer.json()["results"]]


def test_the_list_shows_every_key_of_the_contract(alice):
    (found,) = alice.get("job-types/").json()["results"]
    assert set(found) == FULL
    assert (found["name"], found["title"], found["max_tries"]) == ("command", "Command", 3)


def test_the_page_of_a_type_adds_its_manifest(alice, reader):
    assert set(alice.get(COMMAND).json()) == FULL | words("manifest configuration recipe_types")
    page = alice.get("job-types/reader/1.0.0-rc1/").json()
    assert (page["id"], page["manifest"], page["recipe_types"]) == (reader.pk, reader.manifest, [])
    assert alice.get("job-types/reader/2.0.0/").status_code == 404


def test_each_filter_narrows_the_list(alice, reader):
    assert names(alice.get("job-types/")) == ["command", "reader"]
    assert names(alice.get(f"job-types/?id={reader.pk}")) == ["reader"]
    assert names(alice.get("job-types/?keyword=NEWS")) == names(alice.get("job-types/?keyword=read+all")) == ["reader"]
    assert names(alice.get("job-types/?keyword=comm&keyword=news")) == ["command", "reader"]
    assert names(alice.get("job-types/?is_active=f")) == names(alice.get("job-types/?is_system=t")) == []


def test_operators_change_what_is_theirs_and_back_to_what_is_false(staff, clock):
    def shows(*keys):
        page = staff.get(COMMAND).json()
        return [page[key] for key in keys]

    answer = staff.patch(COMMAND, {"is_paused": True, "max_scheduled": 5})
    assert (answer.status_code, answer.json()) == (200, {"is_valid": True, "errors": [], "warnings": []})
    since = "2026-01-31T12:00:00Z"
    assert shows("is_paused", "paused", "max_scheduled") == [True, since, 5]
    clock.move(timedelta(minutes=1))
    staff.patch(COMMAND, {"is_paused": True, "max_scheduled": 0})
    assert shows("paused", "max_scheduled", "last_modified") == [since, 0, "2026-01-31T12:01:00Z"]
    staff.patch(COMMAND, {"is_paused": False, "max_scheduled": None, "is_active": False})
    assert shows("is_paused", "paused", "max_scheduled", "deprecated") == [False, None, None, "2026-01-31T12:01:00Z"]
    staff.patch(COMMAND, {"is_active": True})
    assert shows("is_active", "deprecated") == [True, None]


def test_of_a_type_that_is_not_active_no_new_jobs_are_taken(staff):
    staff.patch(COMMAND, {"is_active": False})
    for answer in (staff.post("jobs/", {"command": "true"}), staff.post("jobs/bulk/", {"jobs": [{"command": "true"}]})):
        assert (answer.status_code, answer.json()["detail"]) == (
            400,
            "The job type command is not active: no new jobs of it are taken.",
        )
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"is_paused": None}, "is_paused"),
        ({"max_scheduled": -1}, "max_scheduled"),
        ({"max_scheduled": "5"}, "max_scheduled"),
        ({"is_publised": False}, "is_publised"),
    ],
)
def test_a_change_that_cannot_be_made_is_named(staff, body, field):
    assert fields_at_fault(staff.patch(COMMAND, json.dumps(body))) == [field]


def test_only_staff_change_a_type_and_only_one_that_there_is(alice, staff):
    assert alice.patch(COMMAND, {"is_paused": True}).status_code == 403
    assert staff.patch("job-types/command/9/", {"is_paused": True}).status_code == 404


def test_jobs_are_counted_by_type_status_and_category(alice, a_job, reader, clock):
    timeout = Error.objects.get(name="timeout")
    for columns in ({}, {}, {"status": "COMPLETED"}, {"status": "FAILED", "error": timeout}, {"status": "FAILED"}):
        a_job(alice, **columns)
    command, other = alice.get("job-types/status/").json()["results"]
    assert set(command) == {"job_type", "job_counts"}
    assert (set(command["job_type"]), command["job_type"]["name"]) == (BRIEF, "command")
    recent = "2026-01-31T12:00:00Z"
    told = sorted((c["status"], c["category"] or "", c["count"], c["most_recent"]) for c in command["job_counts"])
    assert told == [
        ("COMPLETED", "", 1, recent),
        ("FAILED", "", 1, recent),
        ("FAILED", "ALGORITHM", 1, recent),
        ("QUEUED", "", 2, recent),
    ]
    assert (other["job_type"]["id"], other["job_counts"]) == (reader.pk, [])


def test_what_changed_before_counts_only_while_it_runs(alice, a_job, clock):
    def counted(query=""):
        (command,) = alice.get(f"job-types/status/{query}").json()["results"]
        return {count["status"]: count["count"] for count in command["job_counts"]}

    a_job(alice, status="RUNNING")
    a_job(alice, status="COMPLETED")
    clock.move(timedelta(hours=4))
    a_job(alice)
    assert counted() == {"RUNNING": 1, "QUEUED": 1}
    assert counted("?started=PT5H") == {"RUNNING": 1, "QUEUED": 1, "COMPLETED": 1}
    assert counted("?started=PT5H&ended=PT1H") == {"RUNNING": 1, "COMPLETED": 1}
    assert alice.get("job-types/status/?is_active=f").json()["count"] == 0


@pytest.mark.parametrize(
    ("query", "field"), [("ended=PT4H", "ended"), ("started=PT1H&ended=PT2H", "ended"), ("started=x", "started")]
)
def test_a_time_that_cannot_be_is_named(alice, query, field):
    assert fields_at_fault(alice.get(f"job-types/status/?{query}")) == [field]
