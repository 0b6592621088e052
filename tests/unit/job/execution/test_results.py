"""What became of each task, as the document that is kept with the end of an execution."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.job.execution.exceptions import InvalidTaskResults
from scale.job.execution.results import TaskResults
from scale.job.tasks.update import TaskStatus
from tests.builders import NOW, a_running_exe, later, start, tell


def told(*tasks):
    return TaskResults.create_task_results(tasks).get_dict()["tasks"]


def test_the_example_of_the_facts():
    exe = a_running_exe(["pull", "pre"])
    task = start(exe)
    tell(exe, TaskStatus.RUNNING, later(seconds=2))
    tell(exe, TaskStatus.FINISHED, later(seconds=5))
    pull, pre = told(task, exe.next_task())
    assert list(pull.items()) == [
        ("task_id", "scale_job_f_1x1_pull"),
        ("type", "pull"),
        ("was_launched", True),
        ("launched", "2026-01-31T12:00:00Z"),
        ("was_started", True),
        ("started", "2026-01-31T12:00:02Z"),
        ("was_timed_out", False),
        ("ended", "2026-01-31T12:00:05Z"),
        ("status", "FINISHED"),
        ("exit_code", 0),
    ]
    assert list(pre.items()) == [("task_id", "scale_job_f_1x1_pre"), ("type", "pre"), ("was_launched", False)]


def test_a_launched_task_is_told_as_far_as_its_launch():
    (task,) = told(start(a_running_exe()))
    assert list(task) == ["task_id", "type", "was_launched", "launched", "was_started"]
    assert task["was_started"] is False


def test_a_task_that_started_but_never_ended_is_no_trouble():
    exe = a_running_exe()
    task = start(exe)
    tell(exe, TaskStatus.RUNNING)
    assert list(told(task)[0])[-2:] == ["started", "was_timed_out"]


def test_an_exit_code_that_nobody_knows_is_left_out():
    exe = a_running_exe()
    task = start(exe)
    tell(exe, TaskStatus.RUNNING)
    tell(exe, TaskStatus.KILLED)
    assert told(task)[0]["status"] == "KILLED"
    assert "exit_code" not in told(task)[0]


def test_a_task_that_was_late_says_so():
    exe = a_running_exe()
    task = start(exe)
    tell(exe, TaskStatus.RUNNING)
    assert task.check_timeout(later(hours=2))
    tell(exe, TaskStatus.KILLED, later(hours=2))
    assert told(task)[0]["was_timed_out"] is True


def test_a_task_that_was_lost_is_told_as_not_launched():
    exe = a_running_exe()
    task = start(exe)
    tell(exe, TaskStatus.RUNNING)
    exe.execution_canceled(NOW)
    tell(exe, TaskStatus.LOST)
    assert told(task)[0]["was_launched"] is False


def test_what_we_write_we_can_read():
    exe = a_running_exe()
    start(exe, NOW)
    tell(exe, TaskStatus.RUNNING, later(seconds=1))
    tell(exe, TaskStatus.FAILED, later(seconds=61, minutes=1), exit_code=-3)
    results = TaskResults(exe.create_job_exe_end_model().task_results)
    assert results.get_task_started("main") == later(seconds=1)
    assert results.get_task_ended("main") == later(minutes=2, seconds=1)
    assert results.get_task_run_length("main") == timedelta(minutes=2)


def test_a_task_is_found_behind_the_others():
    tasks = [{"type": "pull"}, {"type": "main", "started": "2026-01-31T12:00:00Z"}]
    assert TaskResults({"version": "1.0", "tasks": tasks}, do_validate=False).get_task_started("main") == NOW


def test_of_a_task_that_is_not_there_nothing_is_known():
    results = TaskResults()
    assert results.get_dict() == {"version": "1.0", "tasks": []}
    assert (results.get_task_started("pre"), results.get_task_ended("pre"), results.get_task_run_length("pre")) == (None,) * 3


@pytest.mark.parametrize(
    "document",
    [
        {"version": "0.9"},
        {"tasks": {}},
        {"tasks": [{}]},
        {"tasks": [{"task_id": "t", "type": "main"}]},
        {"tasks": [{"task_id": "t", "type": "main", "was_launched": True, "launched": "yesterday"}]},
        {"tasks": [{"task_id": "t", "type": "main", "was_launched": True, "exit_code": "none"}]},
        {"tasks": [{"task_id": "t", "type": "main", "was_launched": True, "colour": "red"}]},
        {"colour": "red"},
    ],
)
def test_a_document_with_a_fault_is_refused(document):
    with pytest.raises(InvalidTaskResults):
        TaskResults(document)


def test_one_that_was_checked_before_need_not_be_checked_again():
    assert TaskResults({"version": "1.0", "tasks": [{"type": "main"}]}, do_validate=False).get_task_started("main") is None
