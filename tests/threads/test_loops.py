"""Loops in threads: they turn when woken, go on after trouble, and stop when a promise is broken."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError

from scale.kernel.clock import ManualClock
from scale.kernel.errors import Broken
from scale.scheduler.fence import Deposed
from scale.scheduler.loops import Loop, LoopRunner
from scale.scheduler.troubles import Troubles
from scale.wake import ANYTHING, JOBS, Doorbell, ring
from tests.builders import NOW

SOON = 10.0  # seconds; only a test that fails waits so long
NEVER = 3600.0


class Turns:
    """Counts its turns, and lets a test wait for them."""

    def __init__(self, *troubles):
        self._troubles = list(troubles)
        self._more = threading.Semaphore(0)
        self.seen = []

    def __call__(self, when):
        self.seen.append(when)
        self._more.release()
        if self._troubles:
            raise self._troubles.pop(0)

    def wait(self, turns=1):
        for _ in range(turns):
            assert self._more.acquire(timeout=SOON)


@pytest.fixture
def doorbell(tmp_path):
    with Doorbell(tmp_path) as doorbell:
        yield doorbell


@pytest.fixture
def running():
    """Run loops until the test is over."""
    runners = []

    def run(*loops, ended=None, troubles=None):
        runner = LoopRunner(loops, ManualClock(NOW), (ended or threading.Event()).set, troubles)
        runners.append(runner)
        runner.start()
        return runner

    yield run
    for runner in runners:
        runner.stop()


def test_a_loop_turns_when_it_is_woken_and_is_told_the_time(running):
    turns = Turns()
    loop = Loop("l", turns, NEVER)
    running(loop)
    for _ in range(3):
        loop.wake()
        turns.wait()
    assert turns.seen == [NOW] * 3


def test_a_loop_turns_by_itself_after_its_period(running):
    turns = Turns()
    running(Loop("l", turns, 0.001))
    turns.wait(3)


def test_a_loop_that_was_woken_before_it_ran_turns_at_once(running):
    turns = Turns()
    loop = Loop("l", turns, NEVER)
    loop.wake()
    running(loop)
    turns.wait()


def test_a_broken_promise_ends_every_loop_and_says_so(running):
    ended = threading.Event()
    broken = Broken("ours")
    bad, good = Loop("bad", Turns(broken), NEVER), Loop("good", Turns(), NEVER)
    runner = running(bad, good, ended=ended)
    assert runner.ended_by is None
    bad.wake()
    assert ended.wait(SOON)
    assert runner.ended_by is broken


def test_any_other_trouble_is_logged_and_the_turn_made_again(running, caplog):
    turns = Turns(ValueError("a bad day"))
    loop = Loop("l", turns, NEVER)
    runner = running(loop)
    loop.wake()
    turns.wait(2)
    assert runner.ended_by is None
    assert "loop l: trouble" in caplog.text


def test_a_database_that_is_away_is_told_in_a_line_and_again_when_it_is_back(running, caplog):
    caplog.set_level("INFO")
    away = OperationalError("connection refused")
    turns = Turns(away, away)
    troubles = Troubles()
    loop = Loop("l", turns, NEVER)
    running(loop, troubles=troubles)
    loop.wake()
    turns.wait(3)
    loop.wake()
    turns.wait()
    assert caplog.text.count('event=database-trouble loop=l why="connection refused"') == 1
    assert "Traceback" not in caplog.text
    assert "event=trouble-over loop=l" in caplog.text
    assert [warning.name for warning in troubles.warnings(NOW)] == ["TROUBLE_L"]


def test_a_scheduler_that_is_deposed_ends_its_loops_without_an_error(running, caplog):
    ended = threading.Event()
    deposed = Deposed("term 1 is over")
    loop = Loop("l", Turns(deposed), NEVER)
    runner = running(loop, ended=ended)
    loop.wake()
    assert ended.wait(SOON)
    assert runner.ended_by is deposed
    assert "Traceback" not in caplog.text


def test_a_loop_may_be_stopped_before_it_was_started():
    turns = Turns()
    LoopRunner([Loop("l", turns, NEVER)], ManualClock(NOW), threading.Event().set).stop()
    assert turns.seen == []


def test_what_other_processes_ring_wakes_the_loop_itself_and_no_thread_between(doorbell, running, tmp_path):
    heard = []

    def turn(when):
        heard.append((doorbell.heard(), threading.current_thread().name))
        turns(when)

    turns = Turns()
    loop = Loop("l", turn, NEVER, bell=doorbell)
    threads = threading.active_count()
    running(loop)
    assert threading.active_count() == threads + 1
    for news in (JOBS, ANYTHING):
        ring(tmp_path, news)
        turns.wait()
    loop.wake()
    turns.wait()
    assert heard == [(JOBS, "l"), (ANYTHING, "l"), (None, "l")]


@pytest.mark.parametrize("attempt", range(20))
def test_starting_and_stopping_leaves_no_thread(attempt):
    before = threading.active_count()
    loops = [Loop(str(number), Turns(), 0.001) for number in range(4)]
    runner = LoopRunner(loops, ManualClock(NOW), threading.Event().set)
    runner.start()
    runner.stop()
    assert threading.active_count() == before
