"""The queue as the scheduler knows it, beside the queue in the database; and what a pass costs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scale.engines.instant import Outcome
from scale.job.holding.services import jobs_hold
from scale.job.services import jobs_cancel, jobs_submit
from scale.job.submission import parse_submission
from scale.kernel.resources import Resources
from scale.queue.models import Queue
from scale.queue.ordering import QueueMode
from scale.scheduler.learning import Learner
from scale.scheduler.models import Scheduler as SchedulerRow
from scale.scheduler.placement.backlog import Backlog
from tests.builders import NOW, later
from tests.world import FOREVER, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return User.objects.create(username="alice")


@pytest.fixture
def backlog():
    return Backlog()


@pytest.fixture
def learner(backlog):
    return Learner(backlog)


def submit(user, count=1, when=NOW, **body):
    return jobs_submit(submissions=[parse_submission({"command": ["true"], **body})] * count, by=user, when=when)


def known(backlog):
    return sorted(ask.job_id for line in backlog.lines() for ask in line.asks)


def test_what_is_new_is_learned_and_nothing_twice(user, backlog, learner):
    first = submit(user, 3)
    learner.look(NOW)
    learner.fill()
    second = submit(user, 2, priority=1)
    for _ in range(2):
        learner.look(NOW)
    assert known(backlog) == first + second
    assert sorted(backlog.sizes().values()) == [2, 3]


def test_canceled_ones_are_not_learned(user, backlog, learner):
    gone, stays = submit(user, 2)
    jobs_cancel(ids=[gone], by=user, when=NOW)
    learner.look(NOW)
    learner.fill()
    assert known(backlog) == [stays]


def test_what_left_is_still_taken_out_where_only_what_is_new_was_looked_for_before(user, backlog, learner):
    held, stays = submit(user, 2)
    learner.look(NOW)
    learner.fill()
    jobs_hold(ids=[held], by=user, when=NOW)
    [new] = submit(user)
    learner.look(NOW, for_new=True)
    assert known(backlog) == [held, stays, new]
    for _ in range(2):
        learner.look(NOW)
        assert known(backlog) == [stays, new]
    assert list(backlog.sizes().values()) == [2]


def test_who_writes_for_long_is_waited_for(user, backlog, learner):
    """Where several write at once, an entry may be seen after one that came later."""
    slow, quick = submit(user, 2)
    Queue.objects.filter(job=slow).update(is_canceled=True)  # not to be seen yet
    learner.look(NOW)
    learner.fill()
    assert known(backlog) == [quick]
    Queue.objects.filter(job=slow).update(is_canceled=False)
    learner.look(later(seconds=20))
    assert known(backlog) == [slow, quick]


def test_who_writes_for_longer_than_that_is_found_when_all_is_counted(user, backlog, learner, caplog):
    caplog.set_level("INFO")
    slow, quick = submit(user, 2)
    learner.look(NOW)
    Queue.objects.filter(job=slow).update(is_canceled=True)
    learner.look(later(seconds=31))
    learner.fill()
    assert known(backlog) == [quick]
    Queue.objects.filter(job=slow).update(is_canceled=False)
    learner.look(later(seconds=62))
    learner.fill()
    assert known(backlog) == [slow, quick]
    assert "event=queue-recounted shapes=1 thought=1 found=2" in caplog.text


def test_what_could_not_be_claimed_is_looked_at_again(user, backlog, learner):
    submit(user, 2)
    learner.look(NOW)
    learner.fill()
    (line,) = backlog.lines()
    learner.doubt(line.asks[:1], NOW)
    assert len(known(backlog)) == 1
    learner.look(later(seconds=1))
    assert len(known(backlog)) == 2


def test_more_than_can_be_read_is_counted(user, backlog, learner, monkeypatch):
    monkeypatch.setattr("scale.scheduler.learning._AT_ONCE", 10)
    monkeypatch.setattr("scale.scheduler.learning._OVERLAP", 2)
    learner.look(NOW)
    jobs = submit(user, 80)
    learner.look(NOW)
    assert (known(backlog), list(backlog.sizes().values())) == ([], [80])
    learner.fill()
    assert known(backlog) == jobs[:64]


@pytest.mark.parametrize(("mode", "first"), [(QueueMode.FIFO, 0), (QueueMode.LIFO, 1)])
def test_the_order_of_the_queue_may_change_between_passes(mode, first):
    world = World(nodes={"n1": Resources(cpus=2, mem=9999)}, behave=lambda _: Outcome(timedelta(seconds=5)))
    world.submit(resources={"cpus": 2})
    world.turn()
    jobs = world.submit(2, resources={"cpus": 2})
    world.turn(1)
    SchedulerRow.objects.update(queue_mode=mode)
    world.turn(1)
    world.turn(6)
    assert [job for job in jobs if world.job(job).status == "RUNNING"] == [jobs[first]]


def test_a_turn_in_which_nothing_changed_asks_the_database_nothing():
    world = World(behave=lambda _: FOREVER)
    world.submit(3, resources={"cpus": 999})
    world.turns(3, seconds=1)
    scheduler = world.scheduler
    with CaptureQueriesContext(connection) as asked:
        assert scheduler.placer.place(scheduler._settings, world.now) == []
    assert len(asked) == 0


def test_a_long_queue_is_placed_pass_by_pass_and_each_pass_says_that_there_is_more(monkeypatch):
    monkeypatch.setattr("scale.scheduler.placing._MOST", 4)
    world = World(nodes={"n1": Resources(cpus=10, mem=9999)}, behave=lambda _: FOREVER)
    world.submit(12, resources={"cpus": 1, "mem": 1})
    more = []
    for _ in range(4):
        world.scheduler.schedule(world.now)
        more.append(world.scheduler.placer.has_more)
    assert more == [True, True, False, False]
    assert sum(world.scheduler.placer.waiting.values()) == 2
    assert {reason.code for reason in world.scheduler.placer.reasons.values()} == {"no-room"}


def test_what_a_cut_pass_did_not_look_at_waits_for_what_it_waited_before(monkeypatch):
    monkeypatch.setattr("scale.scheduler.placing._MOST", 2)
    world = World(nodes={"n1": Resources(cpus=10, mem=9999)}, behave=lambda _: FOREVER)
    world.submit(resources={"cpus": 99}, priority=200)
    world.turn()
    world.submit(5, resources={"cpus": 1, "mem": 1})
    world.submit(1, resources={"cpus": 2, "mem": 1}, priority=150)
    world.scheduler.schedule(world.now)
    assert sorted(reason.code for reason in world.scheduler.placer.reasons.values()) == ["next-pass", "next-pass", "too-large"]
    assert [warning.name for warning in world.scheduler.placer.warnings] != []


def test_what_is_canceled_while_it_waits_is_counted_no_more():
    world = World(nodes={"n1": Resources(cpus=1, mem=9999)}, behave=lambda _: FOREVER)
    jobs = world.submit(5, resources={"cpus": 1, "mem": 1})
    world.turn()
    world.cancel(*jobs[3:])
    world.turn(1)
    assert world.scheduler.placer.waiting == {"no-room": 2}


def test_a_node_that_is_paused_takes_nothing_new():
    world = World(nodes={"n1": Resources(cpus=4, mem=9999)}, behave=lambda _: FOREVER)
    world.turn()
    SchedulerRow.objects.update(is_paused=True)
    world.turn(1)
    world.submit(resources={"cpus": 1, "mem": 1})
    world.turn(1)
    assert world.scheduler.placer.waiting == {"scheduler-paused": 1}
    SchedulerRow.objects.update(is_paused=False)
    world.turn(1)
    assert world.scheduler.placer.waiting == {}
