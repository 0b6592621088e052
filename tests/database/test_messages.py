"""What the managers hand over may come twice and in any order; the rows are the same in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scale.engines.instant import Outcome
from scale.engines.protocol import Reason
from scale.job.execution.services import messages_apply
from scale.job.messages import CreateJobExecutionEnds, batches
from scale.job.models import Job, JobExecution, JobExecutionEnd
from scale.queue.models import Queue
from tests.world import World, undone

pytestmark = pytest.mark.django_db

KINDS = {
    "completes": ({}, Outcome(), "COMPLETED"),
    "fails": ({}, Outcome(exit_code=3), "FAILED"),
    "is tried again": ({"retry_on": "failure"}, Outcome(exit_code=3), "QUEUED"),
    "ran as often as it may": ({"retry_on": "failure", "max_tries": 1}, Outcome(exit_code=3), "FAILED"),
    "was not started": ({}, Outcome(refused=Reason.LAUNCH_FAILED), "QUEUED"),
}


def rows():
    """All that the messages of an execution may change."""
    jobs = Job.objects.order_by("id")
    columns = ("status", "num_exes", "max_tries", "node", "error", "queued", "started", "ended", "last_status_change")
    ends = JobExecutionEnd.objects.order_by("job_exe").values("job_exe", "status", "error", "ended", "exit_code")
    waiting = Queue.objects.order_by("job_id", "exe_num").values("job_id", "exe_num", "queued", "is_canceled")
    executions = JobExecution.objects.order_by("id").values("id", "has_ended")
    return [list(each) for each in (jobs.values(*columns), ends, executions, waiting)]


def run(world):
    """Let what waits run to its end, and catch what would have been recorded of it."""
    for turn in (world.scheduler.reports, world.scheduler.schedule, world.scheduler.reports):
        turn(world.now)
    return [part for message in world.scheduler.job_exes.get_messages() for part in parts(message)]


def parts(message):
    """One message for each execution, so that they can be mixed."""
    if isinstance(message, CreateJobExecutionEnds):
        return [CreateJobExecutionEnds((end,)) for end in message.job_exe_ends]
    return [type(message)((job,)) for job in message.jobs]


def messages_of_one_execution(body, outcome):
    """Run one job, and catch what would have been recorded of it."""
    world = World(behave=lambda _: outcome)
    world.submit(**body)
    for turn in (world.scheduler.reports, world.scheduler.schedule, world.scheduler.reports):
        turn(world.now)
    return world.scheduler.job_exes.get_messages(), world.now + timedelta(seconds=1)


@pytest.mark.parametrize("echoes", [False, True], ids=["of first tries", "of second tries, with echoes of the first"])
@given(data=st.data())
@settings(deadline=None)
def test_any_order_and_any_repetition_of_messages_gives_the_same_rows(echoes, data):
    kinds = data.draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=3))
    behaviours = iter([KINDS[kind][1] for kind in kinds] * 2)
    with undone():
        world = World(behave=lambda _: next(behaviours))
        for kind in kinds:
            world.submit(resources={"cpus": 1}, **KINDS[kind][0])
        messages, heard = run(world), []
        if echoes:
            messages_apply(messages=messages, updates=[], when=world.now)
            messages, heard = run(world), messages
        expected = applied([messages], world.now)
        repeated = data.draw(st.lists(st.sampled_from([*messages, *heard]), max_size=6))
        in_disorder = data.draw(st.permutations([*messages, *repeated]))
        size = data.draw(st.integers(1, 3))
        assert applied(batches(in_disorder, size), world.now) == expected
        if not echoes:
            assert [job["status"] for job in expected[0]] == [KINDS[kind][2] for kind in kinds]


def applied(transactions, when):
    """The rows after these messages, each batch in a transaction; undone again."""
    with undone():
        for number, messages in enumerate(transactions, 1):
            messages_apply(messages=messages, updates=[], when=when + timedelta(seconds=number))
        return rows()


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
