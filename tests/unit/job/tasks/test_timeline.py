"""The life of one task: launched, running, ended; when it is late, unwanted, or to be asked after."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.job.tasks import timeline
from scale.job.tasks.timeline import CREATED
from scale.job.tasks.update import TaskStatus
from tests.builders import NOW, an_update, later

LIMITS = {"running": timedelta(hours=1), "staging": timedelta(minutes=2)}
SILENCES = {"running": timedelta(minutes=10), "staging": timedelta(seconds=30)}
LAUNCHED = timeline.launch(CREATED, NOW)


def told(line, status, when=NOW, **more):
    return timeline.update(line, an_update("t", status, when, **more))


RUNNING = told(LAUNCHED, TaskStatus.RUNNING)
ENDED = told(RUNNING, TaskStatus.FAILED, later(minutes=1), exit_code=3)


def is_late(line, when, **limits):
    return timeline.check_timeout(line, when, **{**LIMITS, **limits}).is_late


def is_asked_after(line, when):
    return timeline.needs_reconciliation(line, when, **SILENCES)


def test_the_limits_are_those_of_scale():
    assert timedelta(hours=1) == timeline.RUNNING_TIMEOUT
    assert timedelta(minutes=2) == timeline.STAGING_TIMEOUT
    assert timedelta(minutes=10) == timeline.RUNNING_SILENCE
    assert timedelta(seconds=30) == timeline.STAGING_SILENCE


def test_a_second_launch_changes_nothing():
    assert timeline.launch(LAUNCHED, later(hours=1)) == LAUNCHED


def test_only_the_first_word_that_it_runs_tells_when_it_started():
    assert RUNNING.started == NOW
    assert told(RUNNING, TaskStatus.RUNNING, later(minutes=5)).started == NOW


def test_an_end_tells_how_and_when():
    assert (ENDED.ended, ENDED.final_status, ENDED.exit_code) == (later(minutes=1), TaskStatus.FAILED, 3)


@pytest.mark.parametrize("status", list(TaskStatus))
def test_an_end_is_final(status):
    line = told(ENDED, status, later(hours=1), exit_code=0, message="again")
    assert (line.ended, line.final_status, line.exit_code, line.message, line.started) == (
        ENDED.ended,
        ENDED.final_status,
        ENDED.exit_code,
        ENDED.message,
        ENDED.started,
    )


def test_a_loss_takes_it_back_to_created():
    late = timeline.check_timeout(RUNNING, later(hours=2), **LIMITS)
    assert told(late, TaskStatus.LOST) == CREATED


@pytest.mark.parametrize("status", [TaskStatus.STAGING, TaskStatus.UNKNOWN])
def test_other_words_say_only_that_it_is_still_spoken_of(status):
    line = told(LAUNCHED, status, later(seconds=20))
    assert (line.heard, line.started, line.ended) == (later(seconds=20), None, None)


def test_a_word_without_a_time_leaves_the_last_one():
    assert told(LAUNCHED, TaskStatus.RUNNING, None).started == NOW


def test_staging_is_late_strictly_after_two_minutes():
    assert not is_late(LAUNCHED, later(minutes=2))
    assert is_late(LAUNCHED, later(minutes=2, seconds=0.001))


def test_running_is_late_strictly_after_its_limit_from_its_start():
    line = told(LAUNCHED, TaskStatus.RUNNING, later(minutes=1))
    assert not is_late(line, later(minutes=61))
    assert is_late(line, later(minutes=61, seconds=0.001))


def test_without_a_limit_it_may_take_for_ever():
    assert not is_late(RUNNING, later(hours=9999), running=None)
    assert not is_late(LAUNCHED, later(hours=9999), staging=None)


def test_once_late_it_stays_late():
    assert is_late(timeline.check_timeout(LAUNCHED, later(hours=1), **LIMITS), NOW)


@pytest.mark.parametrize("line", [CREATED, ENDED], ids=["created", "ended"])
def test_what_does_not_run_is_never_late_nor_killed_nor_asked_after(line):
    when = later(hours=99)
    assert not is_late(line, when)
    assert not timeline.needs_killed(line)
    assert not is_asked_after(line, when)


def test_what_is_late_is_killed_again_and_again_until_it_has_ended():
    late = timeline.check_timeout(RUNNING, later(hours=2), **LIMITS)
    assert timeline.needs_killed(late)
    assert timeline.needs_killed(told(late, TaskStatus.RUNNING))
    assert not timeline.needs_killed(told(late, TaskStatus.KILLED))


def test_staging_is_asked_after_strictly_after_half_a_minute_of_silence():
    assert not is_asked_after(LAUNCHED, later(seconds=30))
    assert is_asked_after(LAUNCHED, later(seconds=31))


def test_running_is_asked_after_strictly_after_ten_minutes_of_silence():
    assert not is_asked_after(RUNNING, later(minutes=10))
    assert is_asked_after(RUNNING, later(minutes=10, seconds=1))


def test_any_word_ends_the_silence():
    line = told(RUNNING, TaskStatus.UNKNOWN, later(minutes=9))
    assert not is_asked_after(line, later(minutes=19))
    assert is_asked_after(line, later(minutes=19, seconds=1))


def test_a_task_with_an_excuse_for_not_having_started_begins_its_time_anew():
    excused = timeline.excuse(LAUNCHED, later(minutes=5))
    assert not is_late(excused, later(minutes=7))
    assert is_late(excused, later(minutes=7, seconds=1))


@pytest.mark.parametrize("line", [CREATED, RUNNING, ENDED])
def test_no_other_task_has_an_excuse(line):
    assert timeline.excuse(line, later(minutes=5)) == line


def due(line):
    return timeline.due(line, **LIMITS, silences=(SILENCES["staging"], SILENCES["running"]))


def test_a_task_is_looked_at_when_the_first_of_its_limits_is_over():
    assert due(LAUNCHED) == later(seconds=30)
    assert due(RUNNING) == later(minutes=10)
    assert timeline.due(
        RUNNING, running=timedelta(seconds=9), staging=None, silences=(timedelta(0), timedelta(hours=1))
    ) == later(seconds=9)
    assert timeline.due(RUNNING, running=None, staging=None, silences=(timedelta(0), timedelta(hours=1))) == later(hours=1)


def test_a_task_of_which_something_is_wanted_is_looked_at_at_once():
    assert due(RUNNING._replace(is_unwanted=True)) == due(RUNNING._replace(is_asked_after=True)) == timeline.AT_ONCE


def test_a_task_that_was_not_launched_or_has_ended_is_never_looked_at():
    assert due(CREATED) == due(ENDED) == timeline.NEVER
