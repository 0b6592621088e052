"""The life of an execution: the rules at the top of the machine, one by one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.job.execution.machine import (
    PATIENCE,
    Canceled,
    KillTask,
    NodeLost,
    ReconcileTask,
    TaskFailed,
    TaskFinished,
    TaskLost,
    TaskStarted,
    TimedOut,
    TimePassed,
    step,
)
from scale.job.states import ExecutionStatus
from tests.builders import NOW, an_execution, later

SECOND = timedelta(seconds=1)
RUNNING, COMPLETED, FAILED, CANCELED = ExecutionStatus


def after(exe, *events):
    for event in events:
        exe, _ = step(exe, event)
    return exe


def effects(exe, event):
    return step(exe, event)[1]


def finished(task="main", when=NOW):
    return TaskFinished(task, when, when)


def lost(task="main", when=NOW):
    return TaskLost(task, when, when)


def ending(exe):
    return exe.status, exe.error, exe.finished


def test_a_new_execution_runs_and_waits_for_its_first_task():
    exe = an_execution(["pull", "main"])
    assert ending(exe) == (RUNNING, None, None)
    assert exe.is_next_task_ready
    assert not exe.is_over


def test_tasks_run_one_after_another_in_their_order():
    exe = after(an_execution(["pull", "pre", "main", "post"]), TaskStarted(), finished("pull"), TaskStarted())
    assert (exe.current, exe.remaining) == ("pre", ("main", "post"))


def test_a_second_start_changes_nothing_while_a_task_is_current():
    exe = after(an_execution(["pull", "main"]), TaskStarted())
    assert after(exe, TaskStarted()) == exe


def test_a_start_with_nothing_left_changes_nothing():
    exe = after(an_execution(), TaskStarted(), finished())
    assert after(exe, TaskStarted()) == exe


def test_the_last_task_to_finish_completes_the_execution():
    exe = after(an_execution(), TaskStarted(), finished(when=later(minutes=3)))
    assert ending(exe) == (COMPLETED, None, later(minutes=3))
    assert exe.is_over


def test_a_task_that_finishes_before_the_last_completes_nothing():
    exe = after(an_execution(["pull", "main"]), TaskStarted(), finished("pull"))
    assert ending(exe) == (RUNNING, None, None)
    assert exe.is_next_task_ready


def test_a_failure_ends_the_execution_and_drops_what_remains():
    exe = after(an_execution(["pre", "main", "post"]), TaskStarted(), TaskFailed("pre", "database", NOW))
    assert ending(exe) == (FAILED, "database", NOW)
    assert exe.is_over


STARTED = after(an_execution(["main", "post"]), TaskStarted())
ENDINGS = {
    "completed": after(an_execution(), TaskStarted(), finished()),
    "failed": after(STARTED, TaskFailed("main", "database", NOW)),
    "node lost": after(STARTED, NodeLost(NOW)),
    "timed out": after(STARTED, TimedOut("main", "timeout", NOW)),
    "canceled": after(STARTED, Canceled(NOW)),
    "canceled between tasks": after(STARTED, finished(), Canceled(NOW)),
    "starved": after(STARTED, finished(), TimePassed(later(hours=1))),
    "lost too often": after(an_execution(losses_allowed=1), TaskStarted(), lost()),
}
NEXT_DAY = later(hours=24)
EVENTS = [
    TaskStarted(),
    finished("main", NEXT_DAY),
    finished("post", NEXT_DAY),
    TaskFailed("main", "unknown", NEXT_DAY),
    lost("main", NEXT_DAY),
    NodeLost(NEXT_DAY),
    TimedOut("main", "pre-timeout", NEXT_DAY),
    Canceled(NEXT_DAY),
    TimePassed(NEXT_DAY),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("how", ENDINGS)
def test_the_first_ending_wins(how, event):
    exe = ENDINGS[how]
    assert exe.status is not RUNNING
    assert ending(after(exe, event)) == ending(exe)
    assert after(exe, event).remaining == ()


@pytest.mark.parametrize(
    "event", [NodeLost(NOW), TimedOut("main", "timeout", NOW), Canceled(NOW)], ids=lambda e: type(e).__name__
)
def test_an_ending_holds_the_current_task_until_the_engine_says_that_it_is_gone(event):
    exe = after(STARTED, event)
    assert (exe.current, exe.remaining) == ("main", ())
    assert not exe.is_over


@pytest.mark.parametrize("gone", [finished(), TaskFailed("main", "unknown", NOW), lost()], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    "event", [NodeLost(NOW), TimedOut("main", "timeout", NOW), Canceled(NOW)], ids=lambda e: type(e).__name__
)
def test_any_word_that_the_task_is_gone_makes_an_ended_execution_over(event, gone):
    assert after(STARTED, event, gone).is_over


@pytest.mark.parametrize(
    "echo",
    [finished("pull"), TaskFailed("pull", "pull", NOW), lost("pull"), lost("post"), TimedOut("pull", "pull-timeout", NOW)],
    ids=lambda event: type(event).__name__,
)
def test_an_update_for_a_task_that_we_do_not_hold_is_an_echo(echo):
    exe = after(an_execution(["pull", "main", "post"]), TaskStarted(), finished("pull"), TaskStarted())
    assert step(exe, echo) == (exe, ())


def test_a_task_that_finished_while_it_was_found_late_does_not_end_the_execution():
    exe = after(an_execution(["pull", "main"]), TaskStarted(), finished("pull"))
    assert after(exe, TimedOut("pull", "pull-timeout", NOW)) == exe


def test_a_lost_task_runs_again_first_and_under_a_new_id():
    exe = after(STARTED, lost())
    assert (exe.current, exe.remaining, exe.status) == (None, ("main_lost-1", "post"), RUNNING)


def test_a_task_lost_again_gets_the_next_number():
    exe = after(STARTED, lost(), TaskStarted(), lost("main_lost-1"))
    assert exe.remaining == ("main_lost-2", "post")


def test_words_of_the_lost_incarnation_are_echoes():
    exe = after(STARTED, lost(), TaskStarted())
    assert after(exe, finished("main"), TaskFailed("main", "unknown", NOW), lost("main")) == exe


def test_a_task_lost_as_often_as_is_allowed_fails_with_node_lost():
    exe = an_execution(losses_allowed=3)
    for name in ("main", "main_lost-1"):
        exe = after(exe, TaskStarted(), lost(name))
        assert exe.status is RUNNING
    exe = after(exe, TaskStarted(), lost("main_lost-2"))
    assert ending(exe) == (FAILED, "node-lost", NOW)
    assert exe.is_over


def test_five_losses_are_allowed_unless_told_otherwise():
    assert an_execution().losses_allowed == 5


@pytest.mark.parametrize(
    ("event", "effect"),
    [
        (Canceled(NOW), KillTask("main")),
        (TimedOut("main", "timeout", NOW), KillTask("main")),
        (NodeLost(NOW), ReconcileTask("main")),
    ],
    ids=["canceled", "timed out", "node lost"],
)
def test_what_is_to_be_done_about_the_current_task(event, effect):
    assert effects(STARTED, event) == (effect,)


@pytest.mark.parametrize("event", [Canceled(NOW), NodeLost(NOW)], ids=["canceled", "node lost"])
def test_nothing_is_to_be_done_when_no_task_is_current(event):
    exe, done = step(an_execution(), event)
    assert done == ()
    assert exe.is_over


def test_a_cancel_after_a_lost_node_still_kills_the_task():
    assert effects(after(STARTED, NodeLost(NOW)), Canceled(NOW)) == (KillTask("main"),)


def test_patience_is_ten_minutes():
    assert timedelta(minutes=10) == PATIENCE


IDLE = after(STARTED, finished())


def test_an_execution_does_not_starve_at_exactly_ten_minutes():
    assert after(IDLE, TimePassed(NOW + PATIENCE)) == IDLE


def test_an_execution_starves_a_second_after_ten_minutes():
    exe = after(IDLE, TimePassed(NOW + PATIENCE + SECOND))
    assert ending(exe) == (FAILED, "resource-starvation", NOW + PATIENCE + SECOND)
    assert exe.is_starved
    assert exe.is_over


def test_an_execution_does_not_starve_before_its_first_task():
    exe = an_execution()
    assert after(exe, TimePassed(later(hours=99))) == exe


def test_an_execution_does_not_starve_while_a_task_runs():
    exe = after(IDLE, TaskStarted())
    assert after(exe, TimePassed(later(hours=99))) == exe


def test_a_lost_task_waits_for_room_like_a_next_one():
    exe = after(STARTED, lost(), TimePassed(NOW + PATIENCE + SECOND))
    assert exe.error == "resource-starvation"


def test_the_wait_begins_when_the_end_before_it_became_known():
    exe = after(STARTED, TaskFinished("main", NOW, later(hours=2)))
    assert not after(exe, TimePassed(later(hours=2, minutes=10))).is_starved
    assert after(exe, TimePassed(later(hours=2, minutes=11))).is_starved


def test_an_execution_without_tasks_is_over_at_once():
    assert an_execution([]).is_over


def test_an_unknown_event_is_refused():
    with pytest.raises(AssertionError):
        step(STARTED, "hello")
