"""Commands that concern thousands of jobs: gone through some at a time, each job once, whatever happens meanwhile."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from rest_framework.authtoken.models import Token

from scale.engines.instant import Outcome
from scale.job.commands.services import MOST_AT_ONCE, jobs_command
from scale.job.filters import JobChoice, RequeueChoice
from scale.job.models import Job, JobCommand, JobExecution, JobExecutionEnd
from scale.job.services import jobs_cancel, jobs_requeue
from scale.job.states import CommandKind, CommandState, JobStatus
from scale.kernel.reading import read
from scale.kernel.resources import Resources
from scale.queue.models import Queue
from tests.counts import Witnesses, the_same
from tests.world import FOREVER, World

pytestmark = pytest.mark.django_db

MANY = 2 * MOST_AT_ONCE + 100
NODES = {f"node-{number}": Resources(cpus=100, mem=100_000, disk=1000, gpus=0) for number in range(7)}


def command(world: World, kind: str, by: User | None = None, **choice) -> JobCommand:
    body = RequeueChoice if kind == "requeue" else JobChoice
    asked = read(body, choice, when=world.now)
    made = jobs_command(kind=CommandKind(kind), choice=asked, by=by or world.user, when=world.now).command
    assert made is not None
    return made


def bites(world: World, most: int = 1000) -> int:
    """All that there is to be done with commands; in how many bites."""
    for number in range(most):
        if not world.scheduler.commands(world.now):
            return number
    pytest.fail("it never ends")


def test_many_are_canceled_some_at_a_time_and_each_is_counted():
    world = World(nodes={})
    world.submit(MANY)
    asked = command(world, "cancel", status=["QUEUED"])
    assert world.scheduler.commands(world.now)
    asked.refresh_from_db()
    assert (asked.state, asked.changed, world.statuses()["CANCELED"]) == (CommandState.RUNNING, MOST_AT_ONCE, MOST_AT_ONCE)
    assert bites(world) == 2
    asked.refresh_from_db()
    assert (asked.state, asked.changed, asked.ended) == (CommandState.COMPLETED, MANY, world.now)
    assert world.statuses() == {"CANCELED": MANY}
    assert not world.scheduler.commands(world.now)


def test_jobs_that_came_later_are_not_meant():
    world = World(nodes={})
    world.submit(MANY)
    command(world, "cancel", job_type_names=["command"])
    [later] = world.submit()
    bites(world)
    assert world.statuses() == {"CANCELED": MANY, "QUEUED": 1}
    assert world.job(later).status == "QUEUED"


def test_a_scheduler_that_is_killed_leaves_the_rest_to_the_next_and_nothing_is_done_twice():
    world = World(nodes={})
    world.submit(MANY)
    asked = command(world, "cancel", status=["QUEUED"])
    assert world.scheduler.commands(world.now)

    def dies(execute, sql, *rest):
        if sql.startswith('UPDATE "job_command"'):
            raise KeyboardInterrupt
        return execute(sql, *rest)

    with connection.execute_wrapper(dies), pytest.raises(KeyboardInterrupt):
        world.scheduler.commands(world.now)
    assert world.statuses()["CANCELED"] == MOST_AT_ONCE
    world = world.crash(nodes={})
    bites(world)
    asked.refresh_from_db()
    assert (asked.changed, world.statuses()) == (MANY, {"CANCELED": MANY})


def test_what_is_asked_twice_is_done_once():
    world = World(nodes={})
    world.submit(MANY)
    first, second = (command(world, "cancel", status=["QUEUED"]) for _ in range(2))
    bites(world)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.changed, second.changed) == (MANY, 0)
    assert second.state == CommandState.COMPLETED


def test_what_a_command_before_has_canceled_late_is_tried_anew():
    world = World(nodes={})
    ids = world.submit(MANY)
    Job.objects.filter(pk__in=ids[: MOST_AT_ONCE + 1]).update(status="FAILED")
    command(world, "cancel", status=["QUEUED", "FAILED"])
    world.clock.move(timedelta(seconds=1))
    requeued = command(world, "requeue", job_type_names=["command"], priority=7)
    world.clock.move(timedelta(minutes=1))
    bites(world)
    requeued.refresh_from_db()
    assert (requeued.changed, world.statuses()) == (MANY, {"QUEUED": MANY})
    assert set(Job.objects.values_list("priority", "num_exes")) == {(7, 2)}
    assert set(Queue.objects.filter(is_canceled=False).values_list("priority", "exe_num")) == {(7, 2)}


def test_what_somebody_has_asked_for_anew_since_stays_on_the_queue():
    world = World(nodes={})
    ids = world.submit(MANY)
    jobs_cancel(ids=ids[-1:], by=world.user, when=world.now)
    command(world, "cancel", job_type_names=["command"])
    world.clock.move(timedelta(seconds=1))
    jobs_requeue(ids=ids[-1:], by=world.user, when=world.now)
    bites(world)
    assert (world.statuses()["QUEUED"], world.job(ids[-1]).status) == (1, "QUEUED")


def test_what_has_failed_or_was_canceled_since_is_not_tried_anew():
    world = World(nodes={})
    ids = world.submit(MANY)
    Job.objects.filter(pk__in=ids[1:]).update(status="FAILED")
    command(world, "requeue", job_type_names=["command"])
    world.clock.move(timedelta(seconds=1))
    Job.objects.filter(pk=ids[0]).update(status="FAILED", last_status_change=world.now)
    jobs_cancel(ids=ids[-1:], by=world.user, when=world.now)
    bites(world)
    assert world.statuses() == {"QUEUED": MANY - 2, "FAILED": 1, "CANCELED": 1}


def test_jobs_of_others_are_only_for_staff():
    world = World(nodes={})
    world.submit(MANY)
    staff = User.objects.create_user("staff", is_staff=True)
    bob = User.objects.create_user("bob")
    choice = JobChoice(job_type_names=["command"])
    assert jobs_command(kind=CommandKind.CANCEL, choice=choice, by=bob, when=world.now).command is None
    command(world, "cancel", by=staff, job_type_names=["command"])
    bites(world)
    assert world.statuses() == {"CANCELED": MANY}


def test_who_is_staff_no_more_has_only_their_own_changed():
    world = World(nodes={})
    world.submit(MANY)
    staff = User.objects.create_user("staff", is_staff=True)
    asked = command(world, "cancel", by=staff, job_type_names=["command"])
    User.objects.filter(pk=staff.pk).update(is_staff=False)
    bites(world)
    asked.refresh_from_db()
    assert (asked.changed, asked.state) == (0, CommandState.COMPLETED)


def test_many_that_never_waited_and_wait_for_nobody_go_on_the_queue():
    world = World(nodes={})
    world.submit(MANY)
    Queue.objects.all().delete()
    Job.objects.update(status=JobStatus.CANCELED, num_exes=0)
    command(world, "uncancel", status=["CANCELED"])
    bites(world)
    assert world.statuses() == {"QUEUED": MANY}


def test_commands_that_were_over_a_month_ago_are_forgotten():
    world = World(nodes={})
    ids = world.submit(MANY)
    for choice in ({"job_ids": ids[:501]}, {"job_ids": ids[501:]}):
        command(world, "cancel", **choice)
        bites(world)
        world.clock.move(timedelta(days=31))
    assert JobCommand.objects.count() == 1


def test_a_command_that_nobody_has_finished_does_not_hold_up_the_queue():
    world = World(nodes=NODES)
    world.submit(MANY)
    command(world, "cancel", status=["QUEUED"])
    world.turns(2)
    assert world.statuses()["QUEUED"] < MANY
    bites(world)
    world.turns(5, 1)
    assert "QUEUED" not in world.statuses()


def test_the_commands_are_woken_by_whoever_rings_and_go_on_until_all_is_done():
    world = World(nodes={})
    world.submit(MANY)
    [loop] = [loop for loop in world.scheduler.loops if loop.name == "commands"]
    command(world, "cancel", status=["QUEUED"])
    world.scheduler.wake()
    turns = 0
    while loop.bell.is_set():
        loop.bell.clear()
        loop.turn(world.now)
        turns += 1
    assert (turns, world.statuses()) == (4, {"CANCELED": MANY})


@pytest.mark.slow
def test_ten_thousand_jobs_of_which_half_are_canceled_and_tried_anew_are_counted_alike_by_all(settings, home):
    world = World(nodes=NODES, behave=lambda _: FOREVER)
    settings.CLOCK = world.clock
    client = Client(headers={"Authorization": f"Token {Token.objects.create(user=world.user).key}"})
    witnesses = Witnesses(client)

    def post(path: str, **body):
        answer = client.post(f"/api/v7/{path}", json.dumps(body), content_type="application/json")
        assert answer.status_code in (201, 202), answer.content
        return answer.json()

    def all_agree() -> dict[str, int]:
        world.turn(1)
        world.scheduler.status(world.now)
        jobs = the_same(witnesses.jobs())
        assert the_same(witnesses.waiting()) == jobs.get("QUEUED", 0)
        assert the_same(witnesses.running()) == jobs.get("RUNNING", 0)
        the_same(witnesses.ended())
        return dict(jobs)

    def worked_off(number: int) -> None:
        """All of a command, with turns of the scheduler between its bites, and then whatever follows from it."""
        for _ in range(100):
            if not world.scheduler.commands(world.now):
                break
            world.turn(0.1)
        told = client.get(f"/api/v7/jobs/commands/{number}/").json()
        assert (told["state"], told["changed"]) == ("COMPLETED", 5000)
        for _ in range(20):
            if not Queue.objects.filter(is_canceled=True).exists():
                break
            world.turn(0.1)
        world.turns(3, 1)

    jobs = [{"command": "true", "labels": {"half": "ab"[number % 2]}} for number in range(10_000)]
    assert len(post("jobs/bulk/", jobs=jobs)["ids"]) == 10_000
    assert all_agree() == {"QUEUED": 9300, "RUNNING": 700}
    cancels = [post("jobs/cancel/", labels={"half": "a"})["command"]["id"] for _ in range(2)]
    worked_off(cancels[0])
    assert client.get(f"/api/v7/jobs/commands/{cancels[1]}/").json()["changed"] == 0
    assert all_agree() == {"QUEUED": 4300, "RUNNING": 700, "CANCELED": 5000}
    ends = JobExecutionEnd.objects.filter(status="CANCELED")
    assert ends.count() == ends.values("job").distinct().count() == 5000
    again = [post("jobs/requeue/", labels={"half": "a"}, priority=50)["command"]["id"] for _ in range(2)]
    worked_off(again[0])
    assert client.get(f"/api/v7/jobs/commands/{again[1]}/").json()["changed"] == 0
    assert all_agree() == {"QUEUED": 9300, "RUNNING": 700}
    assert Job.objects.filter(num_exes=2, priority=50).count() == 5000
    assert JobExecutionEnd.objects.count() == 5000
    assert JobExecution.objects.filter(has_ended=False).count() == 700


def test_canceled_ones_leave_the_scheduler_as_fast_as_it_can_and_it_knows_how_many_are_left():
    world = World(nodes={}, behave=lambda _: Outcome())
    world.submit(MANY)
    world.turn()
    command(world, "cancel", status=["QUEUED"])
    bites(world)
    world.submit(3)
    for _ in range(MANY // MOST_AT_ONCE + 1):
        world.turn()
    assert world.status()["queue"]["total"] == 3
