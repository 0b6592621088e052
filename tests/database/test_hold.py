"""Jobs that are held: never placed, counted nowhere, and back at their place when they are released."""

from __future__ import annotations

import pytest

from scale.engines.instant import Outcome
from scale.job.execution.services import jobs_recover
from scale.job.holding.services import jobs_hold, jobs_release
from scale.job.models import Job, JobExecutionEnd
from scale.job.services import jobs_requeue
from scale.kernel.resources import Resources
from scale.queue.models import Left, Queue
from tests.world import FOREVER, World

pytestmark = pytest.mark.django_db
ONE = {"node-1": Resources(cpus=1, mem=4096, disk=1000, gpus=0)}


def hold(world, *ids):
    return jobs_hold(ids=ids, by=world.user, when=world.now)


def release(world, *ids):
    return jobs_release(ids=ids, by=world.user, when=world.now)


def waiting(world):
    return sum(world.scheduler.placer.waiting.values())


def a_full_world(jobs):
    """One job runs for ever, and these wait behind it."""
    world = World(nodes=ONE, behave=lambda task: FOREVER if task.env.get("LONG") else Outcome())
    [first] = world.submit(env={"LONG": "1"})
    world.turn()
    ids = world.submit(jobs)
    world.turn()
    return world, first, ids


def test_a_held_job_is_not_placed_until_it_is_released():
    world = World()
    [job_id] = world.submit(hold=True)
    world.turns(3, 1)
    assert (world.job(job_id).status, world.job(job_id).num_exes, waiting(world)) == ("QUEUED", 1, 0)
    assert release(world, job_id, job_id) == [job_id]
    world.turns(3, 1)
    assert (world.job(job_id).status, world.job(job_id).held) == ("COMPLETED", None)


@pytest.mark.parametrize("jobs", [3, 60])
def test_placement_counts_what_is_held_and_released_as_it_is(jobs):
    """Also where the line is longer than what is known of it."""
    world, _, ids = a_full_world(jobs)
    assert waiting(world) == jobs
    assert hold(world, *ids[:2], ids[-1]) == [*ids[:2], ids[-1]]
    world.turn(1)
    assert (waiting(world), Left.objects.count()) == (jobs - 3, 0)
    release(world, ids[0])
    hold(world, ids[0])
    release(world, ids[0], ids[-1])
    world.turn(1)
    assert waiting(world) == jobs - 1 == Queue.objects.count()


def test_one_that_was_never_seen_on_the_queue_is_not_subtracted():
    world, _, _ = a_full_world(60)
    fresh = world.submit(5)
    hold(world, *fresh[:3])
    world.turn(1)
    assert waiting(world) == 62


def test_who_is_released_has_the_place_that_it_had():
    world, first, (early, late) = a_full_world(2)
    hold(world, early)
    world.turn(5)
    release(world, early)
    world.cancel(first)
    world.turns(4, 1)
    assert world.job(early).started <= world.job(late).started
    assert world.job(early).queued == world.job(late).queued


def test_what_is_placed_already_or_over_runs_on():
    world, first, [job_id] = a_full_world(1)
    assert hold(world, first, job_id) == [job_id]
    assert hold(world, first, job_id) == []
    assert world.job(first).held is None


def test_a_held_job_that_is_canceled_has_an_end_like_others_and_is_missed_by_nobody():
    world, _, ids = a_full_world(60)
    hold(world, *ids[:2])
    world.turn(1)
    world.cancel(*ids[:2])
    world.turns(2, 1)
    assert waiting(world) == 58
    ends = JobExecutionEnd.objects.filter(job__in=ids[:2])
    assert list(ends.values_list("exe_num", "status")) == [(1, "CANCELED")] * 2
    jobs_requeue(ids=ids[:1], by=world.user, when=world.now)
    world.turn(1)
    assert (waiting(world), world.job(ids[0]).held) == (59, None)


def test_a_held_job_whose_dependency_ends_still_waits_for_its_release():
    world = World()
    [first] = world.submit(hold=True)
    [second] = world.submit(hold=True, depends_on=[first])
    release(world, first)
    world.turns(3, 1)
    assert (world.job(second).status, Queue.objects.count()) == ("QUEUED", 0)
    release(world, second)
    world.turns(3, 1)
    assert world.statuses() == {"COMPLETED": 2}


def test_a_waiting_job_that_is_held_and_released_waits_on():
    world = World()
    [first] = world.submit(hold=True)
    [second] = world.submit(depends_on=[first])
    assert hold(world, second) == [second]
    assert release(world, second) == [second]
    world.turn(1)
    assert (world.job(second).status, Queue.objects.count()) == ("PENDING", 0)


def test_a_scheduler_that_starts_leaves_held_jobs_alone():
    world = World()
    world.submit(2, hold=True)
    assert jobs_recover(when=world.now) == 0
    world = world.crash()
    world.turns(2, 1)
    assert world.statuses() == {"QUEUED": 2}
    assert not Queue.objects.exists()


def test_a_held_job_that_is_tried_again_waits_for_its_release():
    world, first, _ = a_full_world(0)
    Job.objects.filter(pk=first).update(held=world.now, status="FAILED")
    assert jobs_requeue(ids=[first], by=world.user, when=world.now) == [first]
    assert not Queue.objects.exists()
    release(world, first)
    assert Queue.objects.get().exe_num == 2
