"""Arrays over REST: many jobs asked for as one, and one line in the list."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scale.job.models import Job, JobArray
from scale.queue.models import Queue
from tests.api.answers import fields_at_fault

pytestmark = pytest.mark.django_db

NONE = dict.fromkeys(("PENDING", "BLOCKED", "QUEUED", "RUNNING", "FAILED", "COMPLETED", "CANCELED"), 0)


def an_array(by, count: int = 3, **rest) -> list[int]:
    answer = by.post("jobs/", {"command": "true", "count": count, **rest})
    assert answer.status_code == 201, answer.content
    return answer.json()["job_ids"]


def listed(by, query: str = "") -> list[int]:
    """The ids of a list, which is as long as it says on every page."""
    whole = by.get(f"jobs/?page_size=1000&{query}").json()
    ids = [job["id"] for job in whole["results"]]
    assert len(ids) == whole["count"]
    halves = [by.get(f"jobs/?page_size=2&page={page + 1}&{query}").json() for page in range((len(ids) + 1) // 2)]
    assert [job["id"] for half in halves for job in half["results"]] == ids
    return ids


def test_an_array_is_answered_with_its_first_member_and_the_ids_of_all(alice):
    answer = alice.post("jobs/", {"command": "true", "name": "tiles", "count": 3, "labels": {"a": "b"}})
    assert answer.status_code == 201
    job = answer.json()
    array = JobArray.objects.get()
    assert answer["Location"] == f"/api/v7/job-arrays/{array.pk}/"
    assert job["array"] == {"id": array.pk, "size": 3, "index": 0, "counts": {**NONE, "QUEUED": 3}}
    assert (job["id"], job["status"], len(job["job_ids"])) == (job["job_ids"][0], "QUEUED", 3)
    assert list(Job.objects.order_by("id").values_list("pk", "array_index", "name", "labels")) == [
        (job_id, index, "tiles", {"a": "b"}) for index, job_id in enumerate(job["job_ids"])
    ]
    assert Queue.objects.count() == 3


def test_the_indices_begin_where_they_are_said_to(alice):
    assert alice.post("jobs/", {"command": "true", "array": {"first": 5, "count": 2}}).json()["array"]["index"] == 5
    assert list(Job.objects.order_by("id").values_list("array_index", flat=True)) == [5, 6]
    assert (JobArray.objects.get().first, JobArray.objects.get().size) == (5, 2)


def test_a_job_of_no_array_tells_so_and_names_no_others(alice):
    job = alice.post("jobs/", {"command": "true"}).json()
    assert job["array"] is None
    assert "job_ids" not in job


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": 10_001}, "count"),
        ({"count": "3"}, "count"),
        ({"count": 3, "array": {"count": 3}}, ""),
        ({"array": {}}, "array.count"),
        ({"array": {"count": 2, "first": -1}}, "array.first"),
        ({"array": {"count": 2, "first": 2**31 - 1}}, "array"),
        ({"array": {"count": 2, "last": 1}}, "array.last"),
    ],
)
def test_an_array_that_cannot_be_is_refused_with_the_field_named(alice, asked, field):
    assert fields_at_fault(alice.post("jobs/", json.dumps({"command": "true", **asked}))) == [field]
    assert not Job.objects.exists()


def test_arrays_in_a_bulk_take_their_places_among_the_others(alice):
    jobs = [{"command": "a"}, {"command": "b", "count": 2}, {"command": "c"}, {"command": "d", "count": 1}]
    ids = alice.post("jobs/bulk/", {"jobs": jobs}).json()["ids"]
    rows = {pk: rest for pk, *rest in Job.objects.values_list("pk", "command", "array__size", "array_index")}
    assert [rows[job_id] for job_id in ids] == [["a", None, None], ["b", 2, 0], ["b", 2, 1], ["c", None, None], ["d", 1, 0]]


def test_a_bulk_names_its_arrays_again_when_it_is_sent_again(alice):
    jobs = [{"command": "true"}, {"command": "true", "count": 2}, {"command": "true"}, {"command": "true", "count": 1}]
    answer = alice.post("jobs/bulk/", {"jobs": jobs}, headers={"Idempotency-Key": "k"}).json()
    members = [[job["id"] for job in alice.get(f"jobs/?array_id={pk}&order=id").json()["results"]] for pk in answer["array_ids"]]
    assert members == [answer["ids"][1:3], answer["ids"][4:]]
    assert alice.post("jobs/bulk/", {"jobs": jobs}, headers={"Idempotency-Key": "k"}).json() == answer
    Queue.objects.filter(job=answer["ids"][4]).delete()
    Job.objects.filter(pk=answer["ids"][4]).delete()
    again = alice.post("jobs/bulk/", {"jobs": jobs}, headers={"Idempotency-Key": "k"}).json()
    assert again["array_ids"] == [answer["array_ids"][0], None]
    assert alice.post("jobs/bulk/", {"jobs": [{"command": "true"}]}).json()["array_ids"] == []


def test_the_members_of_arrays_count_against_what_a_bulk_may_hold(alice):
    most = [{"command": "true", "count": 9_999}]
    answer = alice.post("jobs/bulk/", {"jobs": [*most, {"command": "true", "count": 2}]})
    assert (fields_at_fault(answer), "10001" in answer.json()["detail"]) == (["jobs"], True)
    assert len(alice.post("jobs/bulk/", {"jobs": [*most, {"command": "true"}]}).json()["ids"]) == 10_000


def test_ten_thousand_members_cost_few_statements(alice):
    alice.get("version/")
    with CaptureQueriesContext(connection) as queries:
        assert len(an_array(alice, 10_000)) == 10_000
    # who asks, the type, the transaction, the array; then the first member, its array, the counts
    # and a thousand at once: the last id, jobs, entries
    assert len(queries) <= 2 + 2 + 1 + 3 * 10 + 3, [query["sql"][:80] for query in queries]


def test_an_array_is_one_line_that_counts_its_members(alice, a_job):
    before = a_job(alice)
    members = an_array(alice, 4)
    after = a_job(alice)
    Job.objects.filter(pk=members[2]).update(status="FAILED")
    assert listed(alice) == [after.pk, members[0], before.pk]
    [_, line, _] = alice.get("jobs/").json()["results"]
    assert line["array"]["counts"] == {**NONE, "QUEUED": 3, "FAILED": 1}


def test_the_first_member_that_fits_stands_for_all_that_fit(alice, a_job):
    members, others = an_array(alice, 4), an_array(alice, 2)
    Job.objects.filter(pk__in=[*members[2:], others[1]]).update(status="FAILED")
    assert listed(alice, "status=FAILED") == [others[1], members[2]]
    assert listed(alice, "status=FAILED&status=QUEUED&order=id") == [members[0], others[0]]
    assert listed(alice, "status=CANCELED") == []


def test_members_are_listed_each_for_itself_if_they_are_asked_for(alice, a_job):
    plain = a_job(alice)
    members = an_array(alice, 3)
    array = JobArray.objects.get().pk
    assert listed(alice, "members=true&order=id") == [plain.pk, *members]
    assert listed(alice, f"array_id={array}&order=id") == members
    assert listed(alice, f"job_id={members[1]}&job_id={members[2]}&order=id") == members[1:]


@pytest.mark.parametrize(
    "query",
    ["", "status=FAILED", "status=FAILED&status=QUEUED", "started=PT30M", "owner=alice&order=-priority", "error_category=DATA"],
)
def test_a_list_holds_of_each_array_the_first_that_fits_whatever_is_asked(alice, bob, a_job, clock, query):
    for by, count in ((alice, 5), (bob, 1), (alice, 2)):
        an_array(by, count, labels={"a": "b"})
        a_job(by)
    for number, job in enumerate(Job.objects.order_by("id")):
        Job.objects.filter(pk=job.pk).update(status=("FAILED", "QUEUED", "RUNNING")[number % 3], priority=number % 4 + 1)
    members = listed(alice, f"members=true&{query}")
    lines: dict[object, int] = {}
    for job in Job.objects.filter(pk__in=members).order_by("id"):
        lines.setdefault(job.array_id or f"job {job.pk}", job.pk)
    assert listed(alice, query) == [pk for pk in members if pk in lines.values()]


def test_the_lines_of_a_page_are_counted_in_one_query(alice, django_assert_num_queries):
    for _ in range(3):
        an_array(alice, 2)
    with django_assert_num_queries(1 + 2):  # the page; the arrays, and these
        alice.get("jobs/")


def test_the_page_of_an_array_tells_what_came_of_its_members(alice, clock):
    members = an_array(alice, 3, name="tiles", labels={"team": "blue"})
    Job.objects.filter(pk=members[0]).update(status="COMPLETED", ended=clock.now())
    array = JobArray.objects.get()
    page = alice.get(f"job-arrays/{array.pk}/").json()
    assert page == {
        "id": array.pk,
        "name": "tiles",
        "owner": "alice",
        "size": 3,
        "first": 0,
        "created": "2026-01-31T12:00:00Z",
        "counts": {**NONE, "QUEUED": 2, "COMPLETED": 1},
        "labels": {"team": "blue"},
        "first_job_id": members[0],
        "last_job_id": members[-1],
        "first_queued": "2026-01-31T12:00:00Z",
        "last_ended": "2026-01-31T12:00:00Z",
    }
    [line] = alice.get("job-arrays/").json()["results"]
    assert line.items() <= page.items()
    assert alice.get("job-arrays/999/").status_code == 404


def test_the_page_of_a_member_names_its_array(alice):
    members = an_array(alice, 2)
    assert alice.get(f"jobs/{members[1]}/").json()["array"]["index"] == 1


def test_an_array_is_canceled_and_tried_anew_as_one(alice, a_job):
    members, other = an_array(alice, 3), a_job(alice)
    array = JobArray.objects.get().pk
    assert alice.post("jobs/cancel/", {"array_ids": [array]}).json()["job_ids"] == members
    assert alice.post("jobs/requeue/", {"array_ids": [array]}).json()["job_ids"] == members
    assert listed(alice, "status=QUEUED") == [other.pk, members[0]]
