"""What the managers hand over may come twice and in any order; the rows are the same in the end."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from django.db import transaction

from scale.engines.instant import Outcome
from scale.job.execution.services import messages_apply
from scale.job.models import Job, JobExecution, JobExecutionEnd
from scale.queue.models import Queue
from tests.world import World

pytestmark = pytest.mark.django_db

ORDERS = [
    *permutations(range(3)),
    *((*order, repeated) for order in permutations(range(3)) for repeated in range(3)),
]


def rows():
    """All that the messages of an execution may change."""
    jobs = Job.objects.values("status", "num_exes", "node", "error", "queued", "started", "ended", "last_status_change")
    ends = JobExecutionEnd.objects.values("job_exe", "status", "error", "ended", "exit_code")
    return [list(jobs), list(ends), list(JobExecution.objects.values("id", "has_ended")), list(Queue.objects.values("exe_num"))]


def messages_of_one_execution(body, outcome):
    """Run one job, and catch what would have been recorded of it."""
    world = World(behave=lambda _: outcome)
    world.submit(**body)
    for turn in (world.scheduler.reports, world.scheduler.schedule, world.scheduler.reports):
        turn(world.now)
    return world.scheduler.job_exes.get_messages(), world.now + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("body", "outcome", "statuses"),
    [
        ({}, Outcome(), "COMPLETED"),
        ({}, Outcome(exit_code=3), "FAILED"),
        ({"retry_on": "failure"}, Outcome(exit_code=3), "QUEUED"),
    ],
    ids=["completes", "fails", "is tried again"],
)
def test_any_order_and_any_repetition_of_messages_gives_the_same_rows(body, outcome, statuses):
    messages, when = messages_of_one_execution(body, outcome)
    assert len(messages) == 3
    outcomes = []
    for order in ORDERS:
        with transaction.atomic():
            for number in order:
                messages_apply(messages=[messages[number]], updates=[], when=when)
            outcomes.append(rows())
            transaction.set_rollback(True)
    assert outcomes[0][0][0]["status"] == statuses
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_a_message_about_an_execution_that_the_job_left_behind_changes_nothing():
    messages, when = messages_of_one_execution({"retry_on": "failure"}, Outcome(exit_code=3))
    messages_apply(messages=messages, updates=[], when=when)
    before = rows()
    messages_apply(messages=messages, updates=[], when=when + timedelta(hours=1))
    assert rows() == before


def test_a_canceled_job_stays_canceled_whatever_is_told_of_its_execution():
    messages, when = messages_of_one_execution({}, Outcome())
    Job.objects.update(status="CANCELED")
    messages_apply(messages=messages, updates=[], when=when)
    assert Job.objects.get().status == "CANCELED"
