"""The life of one task: launched, running, ended; when it is late, unwanted, or to be asked after."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.job.tasks import timeline
from scale.job.tasks.timeline import Timeline
from scale.job.tasks.update import TaskStatus
from tests.builders import NOW, an_update, later


class Limited(Timeline):
    """One whose limits are its own."""


def told(line, status, when=NOW, **more):
    line.take(an_update("t", status, when, **more))
    return line


def launched(kind=Timeline):
    line = kind()
    line.launch(NOW)
    return line


def running(kind=Timeline):
    return told(launched(kind), TaskStatus.RUNNING)


def ended():
    return told(running(), TaskStatus.FAILED, later(minutes=1), exit_code=3)


def late():
    line = running()
    assert line.check_timeout(later(hours=2))
    return line


def without_limit(line):
    line._running_timeout_threshold = line._staging_timeout_threshold = None
    return line


def state(line):
    return {name: getattr(line, name) for name in Timeline.__slots__}


def test_the_limits_are_those_of_scale():
    assert timedelta(hours=1) == timeline.RUNNING_TIMEOUT
    assert timedelta(minutes=2) == timeline.STAGING_TIMEOUT
    assert timedelta(minutes=10) == timeline.RUNNING_SILENCE
    assert timedelta(seconds=30) == timeline.STAGING_SILENCE


def test_a_second_launch_changes_nothing():
    line = launched()
    line.launch(later(hours=1))
    assert state(line) == state(launched())


def test_only_the_first_word_that_it_runs_tells_when_it_started():
    line = running()
    assert line.started == NOW
    assert told(line, TaskStatus.RUNNING, later(minutes=5)).started == NOW


def test_an_end_tells_how_and_when():
    line = ended()
    assert (line.ended, line.final_status, line.exit_code) == (later(minutes=1), TaskStatus.FAILED, 3)


@pytest.mark.parametrize("status", list(TaskStatus))
def test_an_end_is_final(status):
    line = told(ended(), status, later(hours=1), exit_code=0, message="again")
    assert state(line) == {**state(ended()), "heard": later(hours=1)}


def test_a_loss_takes_it_back_to_created():
    assert state(told(late(), TaskStatus.LOST)) == state(Timeline())


@pytest.mark.parametrize("status", [TaskStatus.STAGING, TaskStatus.UNKNOWN])
def test_other_words_say_only_that_it_is_still_spoken_of(status):
    line = told(launched(), status, later(seconds=20))
    assert (line.heard, line.started, line.ended) == (later(seconds=20), None, None)


def test_a_word_without_a_time_leaves_the_last_one():
    assert told(launched(), TaskStatus.RUNNING, None).started == NOW


def test_staging_is_late_strictly_after_two_minutes():
    assert not launched().check_timeout(later(minutes=2))
    assert launched().check_timeout(later(minutes=2, seconds=0.001))


def test_running_is_late_strictly_after_its_limit_from_its_start():
    line = told(launched(), TaskStatus.RUNNING, later(minutes=1))
    assert not line.check_timeout(later(minutes=61))
    assert line.check_timeout(later(minutes=61, seconds=0.001))


def test_without_a_limit_it_may_take_for_ever():
    assert not without_limit(running(Limited)).check_timeout(later(hours=9999))
    assert not without_limit(launched(Limited)).check_timeout(later(hours=9999))


def test_once_late_it_stays_late():
    assert late().check_timeout(NOW)


@pytest.mark.parametrize("line", [Timeline(), ended()], ids=["created", "ended"])
def test_what_does_not_run_is_never_late_nor_killed_nor_asked_after(line):
    when = later(hours=99)
    assert not line.check_timeout(when)
    assert not line.needs_killed()
    assert not line.needs_reconciliation(when)


def test_what_is_late_is_killed_again_and_again_until_it_has_ended():
    line = late()
    assert line.needs_killed()
    assert told(line, TaskStatus.RUNNING).needs_killed()
    assert not told(line, TaskStatus.KILLED).needs_killed()


def test_staging_is_asked_after_strictly_after_half_a_minute_of_silence():
    assert not launched().needs_reconciliation(later(seconds=30))
    assert launched().needs_reconciliation(later(seconds=31))


def test_running_is_asked_after_strictly_after_ten_minutes_of_silence():
    assert not running().needs_reconciliation(later(minutes=10))
    assert running().needs_reconciliation(later(minutes=10, seconds=1))


def test_any_word_ends_the_silence():
    line = told(running(), TaskStatus.UNKNOWN, later(minutes=9))
    assert not line.needs_reconciliation(later(minutes=19))
    assert line.needs_reconciliation(later(minutes=19, seconds=1))


def test_a_task_with_an_excuse_for_not_having_started_begins_its_time_anew():
    line = launched()
    line.excuse(later(minutes=5))
    assert not line.check_timeout(later(minutes=7))
    assert line.check_timeout(later(minutes=7, seconds=1))


@pytest.mark.parametrize("made", [Timeline, running, ended])
def test_no_other_task_has_an_excuse(made):
    line = made()
    line.excuse(later(minutes=5))
    assert state(line) == state(made())


def test_a_task_is_looked_at_when_the_first_of_its_limits_is_over():
    assert launched().due() == later(seconds=30)
    assert running().due() == later(minutes=10)
    hasty = running(Limited)
    hasty._running_timeout_threshold = timedelta(seconds=9)
    assert hasty.due() == later(seconds=9)
    assert without_limit(running(Limited)).due() == later(minutes=10)


def test_a_task_of_which_something_is_wanted_is_looked_at_at_once():
    unwanted, doubtful = running(), running()
    unwanted.is_unwanted = doubtful.is_asked_after = True
    assert unwanted.due() == doubtful.due() == timeline.AT_ONCE


def test_a_task_that_was_not_launched_or_has_ended_is_never_looked_at():
    assert Timeline().due() == ended().due() == timeline.NEVER
