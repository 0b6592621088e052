"""What a request costs, in statements; and that what is remembered to save them is never wrong for long."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token

from scale.job.models import Job, JobType
from scale.queue.models import Queue
from scale.remembered import LIFE
from scale.scheduler.services import status_save
from scale.scheduler.status import packed
from tests.api.answers import words


def verbs(queries) -> list[str]:
    """How each begins; one that is made for many rows counts as one."""
    return [" ".join((query["sql"].partition(" times: ")[2] or query["sql"]).split()[:3]).replace('"', "") for query in queries]


@pytest.mark.parametrize("jobs", [1, 1000])
def test_jobs_cost_two_inserts_in_one_transaction_and_at_most_a_look_at_the_last_number(alice, jobs):
    alice.post("jobs/", {"command": "true"})
    one, many = ("jobs/", {"command": "true"}), ("jobs/bulk/", {"jobs": [{"command": "true"}] * jobs})
    with CaptureQueriesContext(connection) as queries:
        assert alice.post(*(one if jobs == 1 else many)).status_code == 201
    begin, *inserts, end = verbs(queries)
    numbered = ["SELECT seq FROM"] if jobs > 1 and connection.vendor == "sqlite" else []
    assert inserts == [*numbered, "INSERT INTO job", "INSERT INTO queue"]
    assert (begin.split()[0], end.split()[0]) == ("SAVEPOINT", "RELEASE")  # of the test's own transaction


def test_the_answer_tells_what_is_in_the_database(alice):
    body = {
        "command": ["echo", "ä\\u0007\"'%s"],
        "name": "x",
        "env": {"A": "ü"},
        "labels": {"k": "v"},
        "resources": {"cpus": 0.1},
    }
    told = alice.post("jobs/", body).json()
    assert alice.get(f"jobs/{told['id']}/").json().items() >= told.items()
    job = Job.objects.get()
    assert (job.command, job.env, job.resources["cpus"]) == (body["command"], body["env"], 0.1)
    assert Queue.objects.get().resources == job.resources


def test_every_column_of_a_job_is_as_the_model_has_it(alice):
    alice.post("jobs/", {"command": "true"})
    job = Job.objects.get()
    given = words("job_type job_type_rev owner timeout max_tries created last_modified")
    asked = words("id command resources own_tries num_exes status input input_file_size queued last_status_change")
    blank = Job(**{name: getattr(job, name) for name in given})
    same = [field.attname for field in Job._meta.concrete_fields if field.attname not in asked]
    assert {name: getattr(job, name) for name in same} == {name: getattr(blank, name) for name in same}


def test_who_asks_is_looked_up_once_a_second(alice, clock, django_assert_num_queries):
    alice.get("version/")
    alice.get("jobs/1/")
    with django_assert_num_queries(1):
        alice.get("jobs/1/")
    clock.move(timedelta(seconds=LIFE))
    with django_assert_num_queries(2):
        alice.get("jobs/1/")


def test_a_token_that_is_taken_away_here_holds_no_longer(alice):
    assert alice.get("jobs/").status_code == 200
    Token.objects.get(user=alice.user).delete()
    assert alice.get("jobs/").status_code == 401


def test_a_token_that_is_taken_away_elsewhere_holds_for_a_second(alice, clock):
    assert alice.get("jobs/").status_code == 200
    Token.objects.filter(user=alice.user)._raw_delete("default")
    assert alice.get("jobs/").status_code == 200
    clock.move(timedelta(seconds=LIFE))
    assert alice.get("jobs/").status_code == 401


def test_who_becomes_staff_or_is_shut_out_is_so_at_once(alice):
    assert alice.get("sizes/").status_code == 403
    alice.user.is_staff = True
    alice.user.save()
    assert alice.get("sizes/").status_code == 200
    User.objects.get(pk=alice.user.pk).delete()
    assert alice.get("sizes/").status_code == 401


def test_a_job_type_that_is_shut_here_takes_no_more_jobs(alice):
    assert alice.post("jobs/", {"command": "true"}).status_code == 201
    command = JobType.objects.get(name="command")
    command.is_active = False
    command.save()
    assert alice.post("jobs/", {"command": "true"}).status_code == 400


def a_status(clock, **keys):
    status_save(document=packed(json.dumps({"a": "b" * 1000, **keys}).encode()), when=clock.now())


def test_who_has_the_status_is_told_so_by_one_query_that_does_not_read_it(alice, clock):
    a_status(clock)
    etag = alice.get("status/")["ETag"]
    with CaptureQueriesContext(connection) as queries:
        assert alice.get("status/", headers={"If-None-Match": etag}).status_code == 304
    (query,) = queries
    assert "document" not in query["sql"]


@pytest.mark.parametrize("accepts", ["gzip", "", "br, gzip;q=0.5"])
def test_each_version_is_read_once_and_served_as_often_as_it_is_asked_for(alice, clock, accepts):
    for version in (1, 2):
        a_status(clock, version=version)
        asked = [CaptureQueriesContext(connection), CaptureQueriesContext(connection)]
        for queries in asked:
            with queries:
                answer = alice.get("status/", headers={"Accept-Encoding": accepts})
            content = gzip.decompress(answer.content) if "gzip" in accepts else answer.content
            assert json.loads(content)["version"] == version
        assert "document" in asked[0].captured_queries[-1]["sql"]
        assert len(asked[1]) == 1


def test_the_status_is_compressed_for_those_who_take_that(alice, clock):
    a_status(clock)
    plain = alice.get("status/", headers={"Accept-Encoding": "br, gzip;q=0"})
    small = alice.get("status/", headers={"Accept-Encoding": "gzip, deflate"})
    assert gzip.decompress(small.content) == plain.content
    assert (small["Content-Encoding"], plain.has_header("Content-Encoding")) == ("gzip", False)
    assert small["ETag"] == "W/" + plain["ETag"]
    assert "Accept-Encoding" in small["Vary"]
    assert alice.get("status/", headers={"Accept-Encoding": "gzip", "If-None-Match": plain["ETag"]}).status_code == 304


def test_anybody_without_a_token_gets_no_status(clock):
    a_status(clock)
    assert Client().get("/api/v7/status/").status_code == 401
