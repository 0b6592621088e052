"""What the scheduler finds of waiting is what whoever asks is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scale.engines.instant import Outcome
from scale.job.models import Job, JobType
from scale.kernel.resources import Resources
from scale.node.models import Node
from scale.node.services import node_edit
from scale.queue.models import Look, Queue, Wait
from scale.queue.ordering import QueueMode
from scale.queue.selectors import waiting_of
from scale.queue.waiting import STALE_AFTER, Waiting
from scale.scheduler.services import scheduler_edit
from tests.world import FOREVER, START, World

pytestmark = pytest.mark.django_db

ONE_CPU = {"node-1": Resources(cpus=1, mem=4096, disk=1000, gpus=0)}


def waiting(world: World, job_id: int) -> Waiting:
    found = waiting_of(job_id, Job.objects.get(pk=job_id).num_exes, world.now)
    assert found is not None
    return found


def written(world: World, seconds: float = 0) -> int:
    """How many statements of a turn change what the web is told of waiting."""
    with CaptureQueriesContext(connection) as queries:
        world.turn(seconds)
    return sum("queue_wait" in query["sql"] or "queue_look" in query["sql"] for query in queries)


def test_a_job_without_room_says_what_it_lacks_and_since_when():
    world = World(nodes=ONE_CPU, behave=lambda _: FOREVER)
    running, first, second = world.submit(3)
    world.turn()
    assert waiting(world, first) == Waiting("no-room", "needs 1 cpus; 1 node has fewer free", {"busy": 1}, START, 1)
    assert waiting(world, second).position == 2
    assert waiting_of(running, 1, world.now) is None
    world.turn(60)
    assert waiting(world, first).since == START


def test_what_operators_hold_back_is_told_as_such():
    world = World(nodes=ONE_CPU)
    scheduler_edit(changes={"is_paused": True})
    [job_id] = world.submit()
    world.turn()
    assert waiting(world, job_id).code == "scheduler-paused"
    scheduler_edit(changes={"is_paused": False})
    JobType.objects.update(is_paused=True)
    world.turn(5)
    assert (waiting(world, job_id).code, waiting(world, job_id).since) == ("type-paused", world.now)


def test_a_job_that_the_scheduler_has_not_seen_waits_to_be_looked_at():
    world = World(nodes=ONE_CPU)
    world.turn()
    [job_id] = world.submit(priority=7)
    assert (waiting(world, job_id).code, waiting(world, job_id).since) == ("not-looked-at", world.now)


def test_a_scheduler_that_is_gone_is_told_to_be():
    world = World(nodes=ONE_CPU, behave=lambda _: FOREVER)
    _, job_id = world.submit(2)
    assert waiting(world, job_id).code == "scheduler-stopped"
    world.turn()
    world.clock.move(STALE_AFTER + timedelta(seconds=1))
    assert waiting(world, job_id).code == "scheduler-stopped"
    world.turn()
    assert waiting(world, job_id).code == "no-room"


@pytest.mark.parametrize(("mode", "order"), [(QueueMode.FIFO, [1, 2, 4, 3]), (QueueMode.LIFO, [2, 1, 3, 4])])
def test_the_position_follows_the_order_of_the_queue(mode, order):
    world = World(nodes={})
    scheduler_edit(changes={"queue_mode": mode})
    equals = world.submit(2, priority=5)
    world.clock.move(timedelta(minutes=1))
    late = world.submit(priority=9)
    early = Job.objects.get(pk=world.submit(priority=9)[0])
    Queue.objects.filter(job=early).update(queued=START)
    world.turn()
    assert [waiting(world, job_id).position for job_id in (*equals, *late, early.pk)] == order


def test_what_is_canceled_neither_waits_nor_is_waited_for():
    world = World(nodes={})
    first, second = world.submit(2)
    world.turn()
    world.cancel(first)
    assert waiting_of(first, 1, world.now) is None
    assert waiting(world, second).position == 1


def test_a_reason_is_gone_when_nothing_of_its_shape_waits():
    world = World(nodes=ONE_CPU, behave=lambda _: Outcome(timedelta(seconds=3)))
    world.submit(2)
    world.submit(priority=7)
    world.turn()
    assert Wait.objects.count() == 1
    world.turns(3, 3)
    assert not Queue.objects.exists()
    assert not Wait.objects.exists()


def test_nothing_is_written_while_nothing_changes_but_that_it_was_looked():
    world = World(nodes=ONE_CPU, behave=lambda _: FOREVER)
    world.submit(3)
    assert written(world) == 3  # what stands there; the reason; the look
    assert written(world, 1) == 0
    assert written(world, 4) == 1
    assert Look.objects.get().looked == world.now


def test_other_words_for_the_same_reason_are_written_once_a_second():
    world = World(nodes=ONE_CPU | {"node-2": ONE_CPU["node-1"]}, behave=lambda _: FOREVER)
    *_, job_id = world.submit(3)
    world.turn()
    assert waiting(world, job_id).nodes == {"busy": 2}
    node_edit(node_id=Node.objects.get(hostname="node-2").pk, changes={"is_paused": True}, when=world.now)
    world.turn(0.5)
    assert waiting(world, job_id).nodes == {"busy": 2}
    world.turn(0.5)
    assert waiting(world, job_id).nodes == {"busy": 1, "not-ready": 1}
    assert waiting(world, job_id).since == START


def test_the_reasons_of_many_shapes_are_set_operations():
    world = World(nodes={})
    for priority in range(1, 41):
        world.submit(priority=priority)
    assert written(world) == 3
    assert Wait.objects.count() == 40
    scheduler_edit(changes={"is_paused": True})
    assert written(world) == 2


def test_a_new_scheduler_knows_since_when_and_clears_what_is_left_of_the_old():
    world = World(nodes=ONE_CPU, behave=lambda _: FOREVER)
    world.submit(2)
    [gone] = world.submit(priority=7)
    world.turn()
    world.clock.move(timedelta(minutes=1))
    world.cancel(gone)
    world = world.crash(behave=lambda _: FOREVER)
    world.turn()
    assert [(row.code, row.since) for row in Wait.objects.all()] == [("no-room", START)]
