"""Short executions go to their node ahead of their room; what waits there too long comes back on the queue."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from scale.engines.instant import Outcome
from scale.job.models import JobExecution, JobExecutionEnd
from scale.job.tasks.base_task import Task
from scale.kernel.resources import Resources
from tests.world import FOREVER, World

pytestmark = pytest.mark.django_db
TWO = {"n1": Resources(cpus=2, mem=1000, disk=1000)}
ONE_CPU = {"resources": {"cpus": 1}}


@pytest.fixture
def behaviour():
    """What tasks do; a test may change it."""
    return {"does": Outcome()}


@pytest.fixture
def world(behaviour):
    return World(nodes=TWO, behave=lambda _: behaviour["does"], holds_back=True)


def taught(world):
    """The scheduler has seen that these jobs are short."""
    world.submit(4, **ONE_CPU)
    world.turns(3)


def running(world):
    return [task for task in world.engine.cluster.tasks.values() if task.has_begun and task.end is None]


def test_short_ones_are_at_their_node_before_there_is_room(world, behaviour):
    taught(world)
    behaviour["does"] = FOREVER
    world.submit(20, **ONE_CPU)
    world.turn()
    assert JobExecution.objects.filter(has_ended=False).count() == 20
    assert len(running(world)) == 2
    (node,) = world.status()["nodes"]
    assert node["resources"]["cpus"]["running"] == 2


def test_a_thousand_short_ones_take_few_passes(world):
    taught(world)
    world.submit(1000, **ONE_CPU)
    passes = 0
    while world.statuses()["COMPLETED"] < 1004:
        world.turn()
        passes += 1
    assert passes < 1000 / 2 / 10


def test_what_has_waited_for_a_second_is_put_back_at_no_cost(world, behaviour):
    taught(world)
    behaviour["does"] = FOREVER
    jobs = world.submit(4, max_tries=1, **ONE_CPU)
    world.turn()
    behaviour["does"] = Outcome()
    world.turn(0.5)
    assert world.statuses()["RUNNING"] == 4
    world.turn(1)
    world.turn()
    assert world.statuses() == {"COMPLETED": 4, "RUNNING": 2, "QUEUED": 2}
    assert [world.job(job).num_exes for job in jobs] == [1, 1, 2, 2]
    assert Counter(JobExecutionEnd.objects.filter(job__in=jobs).values_list("status", flat=True)) == {"CANCELED": 2}
    for task in running(world):
        world.engine.finish(task.spec.id, world.now)
    world.turns(4, 1)
    assert world.statuses() == {"COMPLETED": 8}


def test_one_that_is_lost_at_the_moment_it_would_be_put_back_is_left_alone(world, behaviour, monkeypatch):
    taught(world)
    behaviour["does"] = FOREVER
    world.submit(4, **ONE_CPU)
    world.turns(2)

    def lost_meanwhile(task):
        task.begin()  # as another thread does
        return False

    monkeypatch.setattr(Task, "has_started", property(lost_meanwhile))
    world.turn(1)


def test_after_that_the_kind_is_not_taken_for_short(world, behaviour):
    taught(world)
    behaviour["does"] = FOREVER
    world.submit(10, **ONE_CPU)
    world.turns(5, 1)
    assert JobExecution.objects.filter(has_ended=False).count() == 2


def test_what_waits_at_its_node_goes_on_under_the_next_scheduler(world, behaviour):
    taught(world)
    behaviour["does"] = Outcome(timedelta(seconds=0.1))
    world.submit(10, **ONE_CPU)
    world.turn()
    assert len(running(world)) == 2
    world = world.crash()
    for _ in range(10):
        world.turn(0.1)
        assert len(running(world)) <= 2
    assert world.statuses() == {"COMPLETED": 14}
    assert JobExecution.objects.count() == 14


def test_canceling_what_waits_at_its_node_ends_it_there(world, behaviour):
    taught(world)
    behaviour["does"] = FOREVER
    jobs = world.submit(4, **ONE_CPU)
    world.turn()
    world.cancel(*jobs)
    world.turns(2)
    assert world.statuses() == {"COMPLETED": 4, "CANCELED": 4}
    assert not JobExecution.objects.filter(has_ended=False).exists()
    assert len(world.engine.cluster.output) == 6
