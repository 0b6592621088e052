"""A scheduler writes for as long as its term is the newest, and nothing after that."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from scale.engines.instant import Outcome
from scale.job.models import JobExecution, JobExecutionEnd, TaskUpdate
from scale.queue.models import Queue
from scale.scheduler.fence import Deposed, Fence
from scale.scheduler.models import Leader, Status
from scale.scheduler.selectors import leadership_load
from scale.scheduler.services import Candidate, status_save, term_begin
from scale.scheduler.status import packed
from tests.builders import NOW
from tests.world import FOREVER, World

FIRST, SECOND = Candidate("first", "here", 1), Candidate("second", "there", 2)
pytestmark = pytest.mark.django_db


def test_each_term_is_one_above_the_one_before_and_of_the_same_installation():
    terms = [term_begin(by=by, when=NOW) for by in (FIRST, SECOND, FIRST)]
    assert [term.number for term in terms] == [1, 2, 3]
    assert len({term.installation for term in terms}) == 1


def test_what_is_written_within_a_term_stays():
    fence = Fence(term_begin(by=FIRST, when=NOW))
    with fence.writing():
        status_save(document=packed(b"{}"), when=NOW)
    assert Status.objects.count() == 1


def test_what_is_written_after_a_term_is_refused_before_the_first_statement():
    fence = Fence(term_begin(by=FIRST, when=NOW))
    term_begin(by=SECOND, when=NOW)
    with pytest.raises(Deposed, match="term 1 is over: term 2 has begun"), fence.writing():
        status_save(document=packed(b"{}"), when=NOW)
    assert not Status.objects.exists()


def test_without_a_leaders_row_nothing_is_written():
    fence = Fence(term_begin(by=FIRST, when=NOW))
    Leader.objects.all().delete()
    with pytest.raises(Deposed), fence.writing():
        pass


def test_the_leader_and_those_who_stand_by_are_told_apart():
    term_begin(by=FIRST, when=NOW)
    term_begin(by=SECOND, when=NOW)
    leadership = leadership_load()
    assert (leadership.term, leadership.leader.pid, leadership.leader.hostname) == (2, 2, "there")
    assert leadership.standbys == []  # the former leader is gone until it says otherwise


def test_no_turn_of_a_deposed_scheduler_changes_a_row_or_starts_a_task():
    world = World(behave=lambda _: FOREVER)
    world.submit(2)
    world.turn()
    stale = world.scheduler
    world.submit(2)
    after = world.crash()
    before = rows()
    tasks = set(after.engine.cluster.tasks)
    for turn in (stale.reports, stale.schedule, stale.persist, stale.status):
        try:
            turn(world.now)
        except Deposed:
            continue
    assert rows() == before
    assert set(after.engine.cluster.tasks) == tasks


def rows():
    """All that a scheduler writes."""
    tables = (Queue, JobExecution, JobExecutionEnd, TaskUpdate, Status)
    return [list(table.objects.order_by("pk").values()) for table in tables]


@pytest.mark.django_db(transaction=True)
def test_whoever_takes_over_waits_for_what_was_asked_before():
    """SQLite lets only one write at a time, anyway."""
    if connection.vendor == "sqlite":
        return
    fence = Fence(term_begin(by=FIRST, when=NOW))
    took_over = threading.Event()

    def take_over():
        term_begin(by=SECOND, when=NOW)
        took_over.set()
        connection.close()

    with fence.writing():
        thread = threading.Thread(target=take_over)
        thread.start()
        assert not took_over.wait(0.2)
        status_save(document=packed(b"{}"), when=NOW)
    thread.join()
    assert took_over.is_set()
    assert Status.objects.count() == 1


def test_an_adopted_task_ends_once_though_two_schedulers_saw_it():
    world = World(behave=lambda _: Outcome(duration=None))
    [job_id] = world.submit()
    world.turn()
    after = world.crash()
    [task_id] = after.engine.cluster.tasks
    after.engine.finish(task_id, after.now)
    after.turns(2)
    assert after.job(job_id).status == "COMPLETED"
    assert JobExecutionEnd.objects.count() == 1
