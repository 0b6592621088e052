"""Jobs that wait for others, are held, or take the place of others, over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.job.models import Job
from scale.queue.models import Queue
from tests.world import World


def submit(person, **body):
    answer = person.post("jobs/", {"command": "true", **body})
    assert answer.status_code == 201, answer.json()
    return answer.json()["id"]


def page(person, job_id):
    return person.get(f"jobs/{job_id}/").json()


def faults(answer, status=400):
    assert answer.status_code == status
    return {fault["field"]: fault["message"] for fault in answer.json()["errors"]}


def test_a_job_says_for_whom_it_waits(alice):
    first = submit(alice)
    answer = alice.post("jobs/", {"command": "true", "depends_on": [first]})
    assert (answer.json()["status"], answer.json()["num_exes"], answer.json()["queued"]) == ("PENDING", 0, None)
    told = page(alice, answer.json()["id"])
    assert told["depends_on"] == [{"job": first, "when": "success", "status": "QUEUED"}]
    assert told["waiting"] == {
        "code": "dependency",
        "text": f"waits for job {first} to complete",
        "nodes": {},
        "since": "2026-01-31T12:00:00Z",
        "position": None,
    }
    assert Queue.objects.count() == 1


def test_a_blocked_job_says_by_what_and_since_when(alice, clock):
    first = submit(alice)
    second = submit(alice, depends_on=[{"job": first, "when": "failure"}], hold=True)
    assert page(alice, second)["waiting"]["code"] == "held"
    clock.move(timedelta(minutes=1))
    alice.post("jobs/cancel/", {"job_ids": [first]})
    told = page(alice, second)
    assert (told["status"], told["waiting"]["code"]) == ("BLOCKED", "blocked")
    assert told["waiting"]["text"] == f"job {first} was canceled, and it had to fail"
    assert told["waiting"]["since"] == "2026-01-31T12:01:00Z"


def test_who_waits_for_the_end_of_a_blocked_job_is_told_so(alice):
    first = submit(alice)
    blocked = submit(alice, depends_on=[first])
    last = submit(alice, depends_on=[{"job": blocked, "when": "end"}])
    alice.post("jobs/cancel/", {"job_ids": [first]})
    told = page(alice, last)
    assert (told["status"], told["depends_on"][0]["status"], told["waiting"]["code"]) == ("PENDING", "BLOCKED", "dependency")
    assert f"waits for job {blocked} to end, which is blocked until" in told["waiting"]["text"]
    alice.post("jobs/requeue/", {"job_ids": [first]})
    assert page(alice, last)["waiting"]["text"] == f"waits for job {blocked} to end"
    alice.post("jobs/cancel/", {"job_ids": [blocked]})
    assert page(alice, last)["status"] == "QUEUED"


def test_a_job_that_is_free_still_says_for_whom_it_waited(alice, a_job):
    done = a_job(alice, status="COMPLETED")
    told = page(alice, submit(alice, depends_on=[done.pk]))
    assert (told["status"], told["depends_on"][0]["status"]) == ("QUEUED", "COMPLETED")


@pytest.mark.parametrize("path", ["jobs/", "jobs/bulk/"])
def test_a_job_that_is_not_there_is_refused_with_its_place_and_nothing_is_made(alice, path):
    first = submit(alice)
    wrong = {"command": "true", "depends_on": [first, {"job": 4711, "when": "end"}], "supersedes": 4712}
    body, above = (wrong, "") if path == "jobs/" else ({"jobs": [{"command": "true"}, wrong]}, "jobs.1.")
    assert faults(alice.post(path, body)) == {
        f"{above}depends_on.1": "there is no job 4711",
        f"{above}supersedes": "there is no job 4712",
    }
    assert Job.objects.count() == 1


def test_a_fault_of_a_body_of_its_own_has_no_place_among_jobs_and_one_of_a_list_of_one_has(alice):
    for wrong, field in (
        ({"command": "true", "depends_on": [4711]}, "depends_on.0"),
        ({"command": "true", "depends_on": [4711], "count": 3}, "depends_on.0"),
        ({"job_type_id": 4711, "count": 3}, "job_type_id"),
    ):
        assert list(faults(alice.post("jobs/", wrong))) == [field]
        assert list(faults(alice.post("jobs/bulk/", {"jobs": [wrong]}))) == [f"jobs.0.{field}"]


def test_jobs_of_one_request_name_each_other_and_a_circle_is_refused(alice):
    jobs = [{"command": "true", "depends_on": [{"index": 1, "when": "end"}]}, {"command": "true", "depends_on": []}]
    ids = alice.post("jobs/bulk/", {"jobs": jobs}).json()["ids"]
    assert page(alice, ids[0])["depends_on"] == [{"job": ids[1], "when": "end", "status": "QUEUED"}]
    jobs[1]["depends_on"] = [{"index": 0}]
    ((field, message),) = faults(alice.post("jobs/bulk/", {"jobs": jobs})).items()
    assert field in {"jobs.0.depends_on", "jobs.1.depends_on"}
    assert message.startswith("these jobs of the request wait for each other: ")


def test_jobs_of_one_request_that_depend_cost_a_fixed_number_of_statements(alice, django_assert_max_num_queries):
    first = submit(alice)
    jobs = [{"command": "true", "depends_on": [first] + [{"index": number - 1}] * (number > 0)} for number in range(1000)]
    with django_assert_max_num_queries(12):
        assert alice.post("jobs/bulk/", {"jobs": jobs}).status_code == 201


def test_an_array_waits_and_is_waited_for_with_all_its_members(alice):
    first = submit(alice)
    jobs = [{"command": "true", "depends_on": [{"index": 1}]}, {"command": "true", "count": 3, "depends_on": [first]}]
    foot, *members = alice.post("jobs/bulk/", {"jobs": jobs}).json()["ids"]
    assert [page(alice, member)["depends_on"][0]["job"] for member in members] == [first] * 3
    assert [told["job"] for told in page(alice, foot)["depends_on"]] == members
    assert page(alice, members[1])["array"]["counts"]["PENDING"] == 3


# --- hold and release


def test_jobs_are_held_and_released_by_their_ids(alice):
    first = submit(alice)
    ids = [first, submit(alice, depends_on=[first]), submit(alice, hold=True)]
    answer = alice.post("jobs/hold/", {"job_ids": [*ids, 4711]})
    assert answer.status_code == 202
    assert answer.json() == {"job_ids": ids[:2], "unchanged_job_ids": ids[2:], "unknown_job_ids": [4711], "command": None}
    told = page(alice, ids[0])
    assert (told["status"], told["held"], told["waiting"]["code"]) == ("QUEUED", "2026-01-31T12:00:00Z", "held")
    assert alice.get("queue/status/").json()["results"] == []
    answer = alice.post("jobs/release/", {"job_ids": ids})
    assert answer.json() == {"job_ids": ids, "unchanged_job_ids": [], "unknown_job_ids": [], "command": None}
    assert [page(alice, pk)["held"] for pk in ids] == [None] * 3
    assert sorted(Queue.objects.values_list("job", flat=True)) == [ids[0], ids[2]]


def test_jobs_are_held_and_released_by_what_they_are_like(alice, bob, staff):
    mine, theirs = submit(alice), submit(bob)
    assert alice.post("jobs/hold/", {"status": ["QUEUED"]}).json()["job_ids"] == [mine]
    assert staff.post("jobs/hold/", {"status": ["QUEUED"]}).json()["job_ids"] == [theirs]
    assert bob.post("jobs/release/", {"job_type_names": ["command"]}).json()["job_ids"] == [theirs]


def test_many_jobs_are_held_and_released_by_a_command(alice):
    world = World()
    alice.post("jobs/", {"command": "true", "count": 600})
    for path, left in (("jobs/hold/", 0), ("jobs/release/", 600)):
        command = alice.post(path, {"array_ids": [Job.objects.first().array_id]}).json()["command"]
        while world.scheduler.commands(world.now):
            pass
        assert alice.get(f"jobs/commands/{command['id']}/").json()["changed"] == 600
        assert Queue.objects.count() == left


@pytest.mark.parametrize("path", ["jobs/hold/", "jobs/release/"])
def test_only_the_owner_and_staff_hold_and_release(alice, bob, staff, path):
    job = submit(alice)
    assert bob.post(path, {"job_ids": [job]}).status_code == 403
    assert staff.post(path, {"job_ids": [job]}).status_code == 202
    assert alice.post(path, {}).status_code == 400


# --- in the place of another one


@pytest.mark.parametrize(("status", "becomes"), [("QUEUED", "CANCELED"), ("RUNNING", "CANCELED"), ("COMPLETED", "COMPLETED")])
def test_a_superseded_job_is_over_and_each_names_the_other(alice, a_job, status, becomes):
    old = a_job(alice, status=status)
    new = submit(alice, supersedes=old.pk)
    told = page(alice, old.pk)
    assert (told["status"], told["is_superseded"], told["superseded"]) == (becomes, True, "2026-01-31T12:00:00Z")
    assert told["superseded_by_job"] == {"id": new}
    assert page(alice, new)["superseded_job"] == {"id": old.pk}
    assert [job["id"] for job in alice.get("jobs/?is_superseded=true").json()["results"]] == [old.pk]
    assert alice.post("jobs/requeue/", {"job_ids": [old.pk]}).json()["job_ids"] == []


def test_a_job_is_superseded_once(alice):
    old = submit(alice)
    new = submit(alice, supersedes=old)
    again = alice.post("jobs/", {"command": "true", "supersedes": old})
    assert faults(again) == {"supersedes": f"job {old} is superseded already by job {new}; supersede that one"}
    both = alice.post("jobs/bulk/", {"jobs": [{"command": "true", "supersedes": new}] * 2})
    assert faults(both) == {"jobs.1.supersedes": f"job {new} is superseded by jobs.0 already; a job has one successor"}
    assert Job.objects.count() == 2


def test_only_the_owner_and_staff_supersede(alice, bob, staff):
    old = submit(alice)
    assert bob.post("jobs/", {"command": "true", "supersedes": old}).status_code == 403
    assert page(alice, old)["status"] == "QUEUED"
    submit(staff, supersedes=old)


def test_who_waits_for_the_end_of_the_job_that_it_supersedes_goes(alice):
    old = submit(alice)
    heir = submit(alice)
    new = submit(alice, supersedes=old, depends_on=[{"job": old, "when": "end"}, heir])
    assert page(alice, new)["waiting"]["text"] == f"waits for job {heir} to complete"
    assert page(alice, submit(alice, supersedes=heir, depends_on=[{"job": heir, "when": "end"}]))["status"] == "QUEUED"
    assert page(alice, new)["status"] == "BLOCKED"


# --- sent once more


def once(person, path="jobs/", key="k-1", **body):
    return person.post(
        path, {"command": "true", **body} if path == "jobs/" else {"jobs": [{"command": "true"}] * 2}, headers=header(key)
    )


def header(key):
    return {"Idempotency-Key": key}


def test_the_same_key_gives_the_same_job(alice, a_job):
    first = once(alice)
    second = once(alice)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second["Location"] == first["Location"]
    assert second["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    Job.objects.update(status="RUNNING")
    assert once(alice).json()["status"] == "RUNNING"
    assert Job.objects.count() == Queue.objects.count() == 1


def test_the_same_key_gives_the_same_jobs(alice):
    ids = once(alice, "jobs/bulk/").json()
    again = once(alice, "jobs/bulk/")
    assert (again.json(), again["Idempotent-Replayed"]) == (ids, "true")
    assert Job.objects.count() == 2


def test_the_same_key_gives_the_same_array(alice):
    first, second = once(alice, count=3), once(alice, count=3)
    assert second.json() == first.json()
    assert len(second.json()["job_ids"]) == 3
    assert second["Location"] == first["Location"]
    assert "/job-arrays/" in first["Location"]
    assert "job_ids" not in once(alice, key="k-2").json()
    assert "job_ids" not in once(alice, key="k-2").json()


def test_another_body_or_address_under_the_key_is_a_conflict(alice):
    once(alice)
    for answer in (once(alice, name="other"), once(alice, "jobs/bulk/")):
        assert answer.status_code == 409
        assert "Idempotency-Key" in answer.json()["detail"]
    assert Job.objects.count() == 1


def test_a_key_is_its_users_own_and_holds_for_a_day(alice, bob, clock):
    ids = {once(person).json()["id"] for person in (alice, bob)}
    clock.move(timedelta(hours=24))
    ids.add(once(alice).json()["id"])
    assert len(ids) == 2
    clock.move(timedelta(seconds=1))
    ids.add(once(alice, name="other").json()["id"])
    assert len(ids) == 3


@pytest.mark.parametrize("change", [{}, {"count": 3}])
def test_a_key_whose_job_was_removed_meanwhile_is_a_conflict(alice, change):
    once(alice, **change)
    Queue.objects.all().delete()
    Job.objects.all().delete()
    answer = once(alice, **change)
    assert answer.status_code == 409
    assert "removed" in answer.json()["detail"]


def test_a_submission_that_was_refused_has_used_no_key(alice):
    assert once(alice, depends_on=[4711]).status_code == 400
    assert once(alice).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "a\x7fb"])
def test_what_is_no_key_is_refused(alice, key):
    assert set(faults(once(alice, key=key))) == {"Idempotency-Key"}
