"""What happens at the same moment: ends, submissions, holds and claims never leave a job behind, nor queue it twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from scale.job.execution.services import messages_apply
from scale.job.holding.services import jobs_hold
from scale.job.messages import CompletedJob, CompletedJobs
from scale.job.models import Job, SubmissionKey
from scale.job.once.key import Key
from scale.job.once.services import submit_once
from scale.job.services import jobs_cancel, jobs_submit
from scale.job.submission import parse_submission
from scale.job.waiting.selectors import dependents_are_due, jobs_unsettled
from scale.job.waiting.services import dependents_go_on
from scale.node.models import Node
from scale.queue.models import Queue
from scale.scheduler.placement.plan import Placement
from scale.scheduler.placement.services import plan_apply
from scale.scheduler.placement.snapshot import Ask
from tests.builders import NOW

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 15


@pytest.fixture
def user():
    return User.objects.create(username="alice")


def at_once(*acts):
    """All in one moment, as far as there is one; SQLite knows one writer at a time, so one after the other."""
    if connection.vendor == "sqlite":
        return [act() for act in acts]
    gate = threading.Barrier(len(acts))

    def go(act):
        try:
            connection.ensure_connection()
            gate.wait(10)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [thread.result(30) for thread in [threads.submit(go, act) for act in acts]]


def submit(user, *bodies):
    return jobs_submit(submissions=[parse_submission({"command": ["true"], **body}) for body in bodies], by=user, when=NOW)


def end(*jobs):
    done = CompletedJobs(tuple(CompletedJob(job, 1, NOW) for job in jobs))
    messages_apply(messages=[done], updates=[], when=NOW)


def rest():
    while dependents_are_due():
        with transaction.atomic():
            dependents_go_on(when=NOW)
    assert not jobs_unsettled().exists()


def stands(job_id):
    job = Job.objects.get(pk=job_id)
    return job.status, job.num_exes, Queue.objects.filter(job=job_id).count()


@pytest.mark.timeout(120)
def test_the_last_two_dependencies_end_in_one_moment(user):
    for _ in range(ROUNDS):
        one, two, foot = submit(user, {}, {}, {"depends_on": [{"index": 0}, {"index": 1, "when": "end"}]})
        at_once(lambda: end(one), lambda: jobs_cancel(ids=[two], by=user, when=NOW))  # noqa: B023 called in here
        rest()
        assert stands(foot) == ("QUEUED", 1, 1)


@pytest.mark.timeout(120)
def test_a_job_is_submitted_in_the_moment_in_which_its_dependency_ends(user):
    for _ in range(ROUNDS):
        (one,) = submit(user, {})
        (foot,), _ = at_once(lambda: submit(user, {"depends_on": [one]}), lambda: end(one))  # noqa: B023 called in here
        rest()
        assert stands(foot) == ("QUEUED", 1, 1)


@pytest.mark.timeout(120)
def test_ends_cancels_and_submissions_cross(user):
    for _ in range(ROUNDS):
        ids = submit(user, {}, {}, *[{"depends_on": [{"index": 0, "when": "end"}, {"index": 1, "when": "end"}]}] * 20)
        at_once(
            lambda: end(ids[0]),  # noqa: B023 called in here
            lambda: jobs_cancel(ids=[ids[1], *ids[5:10]], by=user, when=NOW),  # noqa: B023 called in here
            lambda: submit(user, {"depends_on": [{"job": job, "when": "end"} for job in ids[:8]]}),  # noqa: B023 called in here
            lambda: end(ids[0]),  # noqa: B023 called in here
        )
        rest()
        assert {stands(job) for job in ids[10:]} == {("QUEUED", 1, 1)}
        assert {stands(job)[0] for job in ids[5:10]} == {"CANCELED"}


@pytest.mark.timeout(120)
def test_a_key_that_comes_twice_in_one_moment_makes_one_job(user):
    for number in range(ROUNDS):
        key = Key(f"k-{number}", "digest")
        made = at_once(*[lambda: submit_once(key=key, by=user, when=NOW, submit=lambda: submit(user, {}))] * 3)  # noqa: B023 called in here
        assert len({tuple(one.job_ids) for one in made}) == 1
        assert [one.is_replayed for one in made].count(False) == 1
    assert Job.objects.count() == SubmissionKey.objects.count() == ROUNDS


@pytest.mark.timeout(120)
def test_a_job_that_is_held_while_it_is_claimed_is_the_one_or_the_other(user):
    node = Node.objects.create(hostname="node-1", engine="local", created=NOW, last_modified=NOW)
    for _ in range(ROUNDS):
        (job,) = submit(user, {})
        entry = Queue.objects.get(job=job)
        ask = Ask(entry.pk, job, entry.job_type_id, entry.priority, entry.queued, entry.resources, entry.shape)
        made, held = at_once(
            lambda: plan_apply(placements=[Placement(ask, node.pk)], gpus={}, framework_id="f", when=NOW),  # noqa: B023 called in here
            lambda: jobs_hold(ids=[job], by=user, when=NOW),  # noqa: B023 called in here
        )
        assert (len(made), held) in ((1, []), (0, [job]))
        assert stands(job) == ("QUEUED" if held else "RUNNING", 1, 0)
