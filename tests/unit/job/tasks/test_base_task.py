"""A task behind its lock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.engines.protocol import Usage
from scale.job.tasks.node_task import NodeTask
from scale.job.tasks.update import TaskStatus
from scale.kernel.resources import Resources
from tests.builders import NOW, an_update, later


@pytest.fixture
def task():
    limit = timedelta(minutes=10)
    return NodeTask(
        "scale_cleanup_f_1", "agent-1", task_type="cleanup", title="Node Cleanup", description="Cleans.", running_timeout=limit
    )


def test_a_new_task_has_not_been_launched(task):
    assert (task.id, task.name, task.agent_id) == ("scale_cleanup_f_1", "Scale Node Cleanup", "agent-1")
    assert not any((task.has_been_launched, task.has_started, task.has_timed_out, task.has_ended))
    assert (task.launched, task.started, task.ended, task.final_status, task.exit_code, task.container_name) == (None,) * 6


def test_a_node_task_is_small(task):
    assert task.get_resources() == Resources(cpus=0.1, mem=32)
    assert (task.task_type, task.title, task.description) == ("cleanup", "Node Cleanup", "Cleans.")


def test_its_life_is_told_by_its_updates(task):
    task.launch(NOW)
    task.update(an_update(task, TaskStatus.RUNNING, later(seconds=1), container="c-1"))
    task.update(an_update(task, TaskStatus.FAILED, later(seconds=9), signal=9, usage=Usage(1, 2), message="killed"))
    assert (task.launched, task.started, task.ended) == (NOW, later(seconds=1), later(seconds=9))
    assert (task.final_status, task.exit_code, task.signal, task.usage) == (TaskStatus.FAILED, None, 9, Usage(1, 2))
    assert (task.message, task.container_name, task.native_state) == ("killed", "c-1", "TASK_FAILED")


def test_a_second_launch_is_no_launch(task):
    task.launch(NOW)
    task.launch(later(hours=1))
    assert task.launched == NOW


@pytest.mark.parametrize("status", list(TaskStatus))
def test_an_update_for_another_id_is_ignored(task, status):
    task.launch(NOW)
    task.update(an_update("scale_cleanup_f_2", status))
    assert task.has_been_launched
    assert not any((task.has_started, task.has_ended))


def test_it_is_late_after_its_own_limit_and_then_to_be_killed(task):
    task.launch(NOW)
    task.update(an_update(task, TaskStatus.RUNNING))
    assert task.check_timeout(later(minutes=10)) is False
    assert not task.needs_killed()
    assert task.check_timeout(later(minutes=10, seconds=1)) is True
    assert task.has_timed_out
    assert task.needs_killed()
    assert task.check_timeout(NOW) is True


def test_a_kill_is_wanted_until_the_end(task):
    task.force_kill()
    assert not task.needs_killed()
    task.launch(NOW)
    assert task.needs_killed()
    task.update(an_update(task, TaskStatus.RUNNING))
    assert task.needs_killed()
    task.update(an_update(task, TaskStatus.KILLED))
    assert not task.needs_killed()


def test_it_can_be_asked_after_at_once_and_any_word_answers(task):
    task.force_reconciliation()
    assert not task.needs_reconciliation(NOW)
    task.launch(NOW)
    assert task.needs_reconciliation(NOW)
    task.update(an_update(task, TaskStatus.STAGING))
    assert not task.needs_reconciliation(NOW)


def test_a_loss_makes_it_new(task):
    task.launch(NOW)
    task.update(an_update(task, TaskStatus.RUNNING))
    task.force_kill()
    task.update(an_update(task, TaskStatus.LOST))
    assert not any((task.has_been_launched, task.has_started, task.needs_killed()))
    task.launch(later(hours=1))
    assert task.launched == later(hours=1)
