"""Jobs over REST: submit, list, look at, cancel."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import InternalError, OperationalError, connection
from django.test import Client

from scale.account.parsers import MAX_BODY
from scale.error.models import Error
from scale.job.models import Job
from scale.queue.models import Queue
from tests.api.answers import fields_at_fault, words

pytestmark = pytest.mark.django_db


def ids(answer) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [job["id"] for job in answer.json()["results"]]


def test_a_submitted_job_is_told_with_its_place_and_waits_on_the_queue(alice, clock):
    answer = alice.post("jobs/", {"command": "sha256sum /etc/hostname"})
    assert answer.status_code == 201
    job = answer.json()
    assert answer["Location"] == f"/api/v7/jobs/{job['id']}/"
    assert (job["status"], job["num_exes"], job["owner"]) == ("QUEUED", 1, "alice")
    assert job["created"] == job["queued"] == job["last_status_change"] == "2026-01-31T12:00:00Z"
    assert job["job_type"]["name"] == "command"
    assert job["job_type"]["is_system"] is False
    row = Queue.objects.get(job_id=job["id"])
    assert (row.exe_num, row.priority, row.queued, row.resources["mem"]) == (1, 100, clock.now(), 256)


def test_the_list_shows_every_key_of_the_contract(alice, a_job):
    a_job(alice)
    (job,) = alice.get("jobs/").json()["results"]
    assert set(job) == words(
        "id job_type status job_type_rev event ingest_event recipe batch is_superseded superseded_job node error max_tries "
        "num_exes input_file_size input_files source_started source_ended source_sensor_class source_sensor source_collection "
        "source_task created queued started ended last_status_change superseded last_modified "
        "name owner priority labels command timeout retry_on held array"
    )
    assert set(job["job_type"]) == words(
        "id name version title description is_active is_system is_paused is_published icon_code unmet_resources"
    )
    assert set(job["job_type_rev"]) == {"id", "job_type", "revision_num"}


def test_the_page_of_a_job_tells_what_was_asked_for_and_its_latest_execution(alice, a_job, a_node, an_execution):
    asked = {"command": ["env"], "env": {"A": "1"}, "working_dir": "/", "labels": {"team": "blue"}, "resources": {"cpus": 0.5}}
    job_id = alice.post("jobs/", asked).json()["id"]
    assert alice.get(f"jobs/{job_id}/").json()["execution"] is None
    job = Job.objects.get(pk=job_id)
    an_execution(job, 1, "FAILED")
    an_execution(job, 2, node=a_node())
    page = alice.get(f"jobs/{job_id}/").json()
    assert {key: page[key] for key in ("command", "env", "working_dir", "labels")} == {
        key: asked[key] for key in ("command", "env", "working_dir", "labels")
    }
    assert page["resources"] == {"cpus": 0.5, "mem": 256, "disk": 0, "gpus": 0}
    assert page["superseded_by_job"] is None
    assert (page["execution"]["exe_num"], page["execution"]["status"], page["execution"]["node"]["hostname"]) == (
        2,
        "RUNNING",
        "node-1",
    )


def test_a_job_that_waits_says_why_and_one_that_does_not_says_null(alice, a_job):
    waits, runs = a_job(alice), a_job(alice, status="RUNNING")
    assert alice.get(f"jobs/{waits.pk}/").json()["waiting"] == {
        "code": "scheduler-stopped",
        "text": "no scheduler has looked at the queue yet; is it running?",
        "nodes": {},
        "since": "2026-01-31T12:00:00Z",
        "position": 1,
    }
    assert alice.get(f"jobs/{runs.pk}/").json()["waiting"] is None


def test_why_a_job_waits_costs_four_more_queries_however_many_wait(alice, a_job, django_assert_num_queries):
    job = [a_job(alice) for _ in range(5)][-1]
    with django_assert_num_queries(4 + 4):  # its entry, the last look, the reason of its shape, how many go before it
        alice.get(f"jobs/{job.pk}/")


def test_a_superseded_job_and_its_successor_name_each_other(alice, a_job):
    old = a_job(alice, is_superseded=True)
    new = a_job(alice, superseded_job=old)
    assert alice.get(f"jobs/{old.pk}/").json()["superseded_by_job"] == {"id": new.pk}
    assert alice.get(f"jobs/{new.pk}/").json()["superseded_job"] == {"id": old.pk}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "command"),
        ({"command": "true", "timeout": "1"}, "timeout"),
        ({"command": "true", "colour": "red"}, "colour"),
        ({"command": "true", "resources": {"cpus": -1}}, "resources.cpus"),
        ({"command": "true", "name": "x" * 1_000_000}, "name"),
        ({"command": "true\0"}, "command"),
        ([], ""),
        (None, ""),
    ],
)
def test_bad_input_is_refused_with_the_field_named(alice, body, field):
    assert fields_at_fault(alice.post("jobs/", json.dumps(body))) == [field]
    assert not Job.objects.exists()


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_an_amount_that_json_should_not_have_is_named(alice, amount):
    body = '{"command": "true", "resources": {"mem": %s}}' % amount  # noqa: UP031 the braces are JSON's
    assert fields_at_fault(alice.post("jobs/", body)) == ["resources.mem"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"\xff", b'"\xed\xa0\x80"', b"[" * 200_000, b"9" * 5000, b'{"command": "\\ud800"}', b'{"\\ud800": 1}'],
    ids=["torn", "empty", "no UTF-8", "surrogate in UTF-8", "deep", "huge", "escaped surrogate", "surrogate field"],
)
def test_a_body_that_cannot_be_read_is_the_callers_mistake(alice, body):
    answer = alice.post("jobs/", body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_a_body_that_is_too_large_is_not_read(alice):
    answer = alice.post("jobs/", b'"' + b"x" * MAX_BODY + b'"')
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")


def test_a_body_that_is_no_json_is_of_no_known_kind(alice):
    answer = alice.client.post("/api/v7/jobs/", {"command": "true"})
    assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")


def test_jobs_come_page_by_page_the_newest_first(alice, a_job):
    made = [a_job(alice).pk for _ in range(5)]
    first = alice.get("jobs/?page_size=2").json()
    assert (first["count"], first["previous"]) == (5, None)
    assert first["next"] == "http://testserver/api/v7/jobs/?page=2&page_size=2"
    seen = [job["id"] for page in (1, 2, 3) for job in alice.get(f"jobs/?page_size=2&page={page}").json()["results"]]
    assert seen == made[::-1]
    assert alice.get("jobs/?page_size=2&page=4").status_code == 404
    assert len(alice.get("jobs/?page_size=1000000").json()["results"]) == 5


def test_each_filter_narrows_the_list(alice, bob, a_job):
    timeout = Error.objects.get(name="timeout")
    running, failed = a_job(alice, status="RUNNING"), a_job(bob, status="FAILED", error=timeout)
    assert ids(alice.get("jobs/?status=RUNNING")) == [running.pk]
    assert ids(alice.get("jobs/?status=RUNNING&status=FAILED")) == [failed.pk, running.pk]
    assert ids(alice.get(f"jobs/?job_id={running.pk}")) == [running.pk]
    assert ids(alice.get(f"jobs/?job_type_id={running.job_type_id}&job_type_name=command&status=FAILED")) == [failed.pk]
    assert ids(alice.get("jobs/?job_type_name=other")) == []
    assert ids(alice.get(f"jobs/?error_id={timeout.pk}")) == [failed.pk]
    assert ids(alice.get("jobs/?error_category=ALGORITHM")) == [failed.pk]
    assert ids(alice.get("jobs/?error_category=DATA")) == []
    assert ids(alice.get("jobs/?is_superseded=t")) == []
    assert ids(alice.get("jobs/?order=id")) == [running.pk, failed.pk]
    assert ids(alice.get("jobs/?order=-owner&order=duration")) == [failed.pk, running.pk]


@pytest.mark.parametrize("order", [sign + name for name in ("job_type", "duration", "node", "error") for sign in ("", "-")])
def test_every_special_order_is_understood(alice, a_job, order):
    a_job(alice)
    assert len(ids(alice.get(f"jobs/?order={order}"))) == 1


def test_a_moment_may_be_said_as_how_long_ago(alice, a_job, clock):
    old = a_job(alice)
    clock.move(timedelta(hours=4))
    new = a_job(alice)
    assert ids(alice.get("jobs/?started=PT3H0M0S")) == [new.pk]
    assert ids(alice.get("jobs/?started=P7D&ended=PT3H")) == [old.pk]
    assert ids(alice.get("jobs/?started=2026-01-31T13:00:00%2B00:00")) == [new.pk]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=WALKING", "status"),
        ("status=", "status"),
        ("job_id=x", "job_id"),
        ("job_id=99999999999999999999", "job_id"),
        ("job_type_name=%00", "job_type_name"),
        ("error_category=MINE", "error_category"),
        ("is_superseded=perhaps", "is_superseded"),
        ("started=yesterday", "started"),
        ("started=2026-01-31T12:00:00", "started"),
        ("started=0001-01-01T00:00:00%2B23:59", "started"),
        ("started=P99999999999D", "started"),
        ("started=PT1H&ended=PT2H", "ended"),
        ("started=PT1H&ended=PT1H", "ended"),
        ("order=colour", "order"),
        ("page=0", "page"),
        ("page=x", "page"),
        ("page_size=0", "page_size"),
        ("page_size=-1", "page_size"),
        ("colour=red", "colour"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(alice, query, field):
    assert fields_at_fault(alice.get(f"jobs/?{query}")) == [field]


@pytest.mark.parametrize("path", ["jobs/999/", "jobs/99999999999999999999999/", "jobs/999/executions/", "jobs/999/executions/1/"])
def test_what_is_not_there_is_not_found(alice, path):
    answer = alice.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["detail"]


def test_a_list_costs_the_same_however_long_it_is(alice, a_job, a_node, django_assert_num_queries):
    node = a_node()
    for _ in range(3):
        a_job(alice, node=node)
    with django_assert_num_queries(3):  # who asks, the page, how many there are
        alice.get("jobs/?page_size=2")


def test_a_submission_costs_few_queries(alice, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):  # who asks, the type; in one transaction the job and its place on the queue
        alice.post("jobs/", {"command": "true"})


def test_a_canceled_job_leaves_the_queue_and_tells_since_when(alice, a_job, a_node, clock):
    job = a_job(alice, status="RUNNING", node=a_node())
    clock.move(timedelta(minutes=1))
    answer = alice.post("jobs/cancel/", {"job_ids": [job.pk]})
    assert answer.status_code == 202
    assert answer.json() == {"job_ids": [job.pk], "unchanged_job_ids": [], "unknown_job_ids": [], "command": None}
    job.refresh_from_db()
    assert (job.status, job.node, job.error) == ("CANCELED", None, None)
    assert job.ended == job.last_status_change == job.last_modified == clock.now()
    assert Queue.objects.get(job=job).is_canceled


def test_to_cancel_twice_is_to_cancel_once(alice, a_job, clock):
    job = a_job(alice)
    alice.post("jobs/cancel/", {"job_ids": [job.pk]})
    clock.move(timedelta(minutes=1))
    answer = alice.post("jobs/cancel/", {"job_ids": [job.pk, job.pk]})
    assert answer.json() == {"job_ids": [], "unchanged_job_ids": [job.pk], "unknown_job_ids": [], "command": None}
    job.refresh_from_db()
    assert job.ended != clock.now()


def test_a_completed_job_stays_completed_and_a_stranger_is_told(alice, a_job):
    done = a_job(alice, status="COMPLETED")
    answer = alice.post("jobs/cancel/", {"job_ids": [done.pk, 999_999]})
    assert answer.json() == {"job_ids": [], "unchanged_job_ids": [done.pk], "unknown_job_ids": [999_999], "command": None}


def test_a_cancel_by_status_takes_the_callers_own_and_staff_take_all(alice, bob, staff, a_job):
    mine, other = a_job(alice), a_job(bob)
    assert alice.post("jobs/cancel/", {"status": ["QUEUED"]}).json()["job_ids"] == [mine.pk]
    assert staff.post("jobs/cancel/", {"status": ["QUEUED"]}).json()["job_ids"] == [other.pk]


def test_only_staff_cancel_what_belongs_to_another(alice, bob, staff, a_job):
    mine, other = a_job(alice), a_job(bob)
    answer = alice.post("jobs/cancel/", {"job_ids": [mine.pk, other.pk]})
    assert answer.status_code == 403
    assert str(other.pk) in answer.json()["detail"]
    mine.refresh_from_db()
    assert mine.status == "QUEUED"
    assert staff.post("jobs/cancel/", {"job_ids": [other.pk]}).json()["job_ids"] == [other.pk]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ([], ""),
        ({"job_ids": []}, "job_ids"),
        ({"job_ids": None}, "job_ids"),
        ({"job_ids": ["1"]}, "job_ids.0"),
        ({"job_ids": [True]}, "job_ids.0"),
        ({"job_ids": [2**70]}, "job_ids.0"),
        ({"job_ids": 1}, "job_ids"),
        ({"status": ["WALKING"]}, "status.0"),
        ({"ids": [1]}, "ids"),
        ({"started": "now"}, "started"),
    ],
)
def test_a_cancel_that_does_not_say_whom_is_refused(alice, body, field):
    assert fields_at_fault(alice.post("jobs/cancel/", json.dumps(body))) == [field]


def test_without_a_token_nothing_is_told():
    for answer in (Client().get("/api/v7/jobs/"), Client().post("/api/v7/jobs/", {}, content_type="application/json")):
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == "Token"
        assert answer["Content-Type"] == "application/problem+json"


def test_a_method_that_is_not_there_is_told(alice):
    assert alice.patch("jobs/", {}).status_code == 405


def test_a_database_that_is_away_is_told_as_such(alice):
    def away(*_):
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        answer = alice.get("jobs/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_a_database_that_is_read_only_for_now_is_told_as_trouble_that_passes_and_not_as_our_mistake(alice):
    class ReadOnly(Exception):
        pgcode = "25006"

    def read_only(execute, sql, *rest):
        if sql.startswith("INSERT"):
            raise InternalError("cannot execute INSERT in a read-only transaction") from ReadOnly()
        return execute(sql, *rest)

    with connection.execute_wrapper(read_only):
        answer = alice.post("jobs/", {"command": "true"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("path", ["jobs/{}/", "jobs/{}/executions/", "jobs/{}/executions/1/", "nodes/{}/", "errors/{}/"])
def test_an_id_that_no_database_could_hold_is_not_found(alice, path):
    assert alice.get(path.format("9" * 23)).status_code == 404


def test_a_name_that_stands_twice_is_refused(alice):
    answer = alice.post("jobs/", '{"command": "true", "command": "false"}')
    assert answer.status_code == 400
    assert "'command' stands twice" in answer.json()["detail"]


def test_a_number_of_absurd_length_is_refused_with_its_field(alice):
    answer = alice.post("jobs/", f'{{"command": "true", "timeout": {"9" * 5001}}}')
    assert fields_at_fault(answer) == ["timeout"]


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "application/json; charset=utf-16"}])
def test_a_body_in_another_encoding_is_refused(alice, headers):
    answer = alice.post("jobs/", {"command": "true"}, headers=headers)
    assert answer.status_code == 415


def test_who_leaves_out_the_slash_is_sent_on_with_method_and_body(alice):
    answer = alice.post("jobs", {"command": "true"})
    assert (answer.status_code, answer["Location"]) == (308, "/api/v7/jobs/")


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/api/v7/version/"])
def test_the_open_doors_refuse_other_methods_with_a_problem_document(address):
    answer = Client(enforce_csrf_checks=True).post(address)
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
