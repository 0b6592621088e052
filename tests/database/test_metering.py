"""The load is measured at every full hour, once, by whichever scheduler leads then; and goes when it is old."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.metrics.models import JobLoad
from scale.scheduler.fence import Deposed
from scale.scheduler.metering import Meter
from scale.scheduler.process import Limits
from scale.scheduler.retention.rules import Retention
from tests.world import FOREVER, START, World

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def measured():
    return [(load.measured, load.total_count) for load in JobLoad.objects.order_by("measured")]


def later(world, time=HOUR):
    world.clock.move(time)
    world.scheduler.tidy(world.now)


def test_what_waits_and_runs_is_counted_at_the_full_hour():
    world = World(behave=lambda task: FOREVER)
    world.submit(3)
    world.scheduler.tidy(world.now)
    world.submit(2)
    later(world, HOUR / 2)
    later(world, HOUR / 2)
    assert measured() == [(START, 3), (START + HOUR, 5)]
    (load,) = JobLoad.objects.filter(measured=START + HOUR)
    assert (load.pending_count, load.queued_count, load.running_count, load.job_type.name) == (0, 5, 0, "command")


def test_an_hour_is_measured_once_whoever_leads():
    world = World()
    world.scheduler.tidy(world.now)
    world.scheduler.tidy(world.now)
    world = world.crash()
    world.submit(2)
    later(world, timedelta(minutes=1))
    assert measured() == [(START, 0)]


def test_an_hour_that_is_long_past_is_left_out():
    world = World()
    later(world, timedelta(minutes=5))
    assert measured() == []
    later(world, timedelta(minutes=59, seconds=59))
    assert measured() == [(START + HOUR, 0)]


def test_nobody_is_asked_until_the_next_hour(django_assert_num_queries):
    world = World()
    meter = Meter(world.fence)
    meter.measure(world.now)
    with django_assert_num_queries(0):
        meter.measure(world.now + HOUR - timedelta(seconds=1))


def test_who_is_deposed_measures_nothing():
    world = World()
    world.crash()
    with pytest.raises(Deposed):
        Meter(world.fence).measure(world.now)
    assert measured() == []


def test_what_was_measured_goes_with_the_jobs_of_its_time():
    world = World(limits=Limits(retention=Retention(jobs=10 * DAY)))
    for _ in range(3):
        later(world, 4 * DAY)
    for _ in range(3):
        later(world, timedelta(minutes=2))
    assert [when for when, _ in measured()] == [START + 4 * DAY, START + 8 * DAY, START + 12 * DAY]
    later(world, 3 * DAY - timedelta(minutes=6))
    assert [when for when, _ in measured()] == [START + 8 * DAY, START + 12 * DAY, START + 15 * DAY]
