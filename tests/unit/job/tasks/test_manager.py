"""The tasks that are launched now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.job.tasks.manager import TaskManager
from scale.job.tasks.node_task import NodeTask
from scale.job.tasks.update import ENDED, TaskStatus
from tests.builders import NOW, a_running_exe, an_update, later


def a_task(number=1, agent_id="agent-1", task_type="cleanup"):
    limit = timedelta(minutes=10)
    return NodeTask(
        f"scale_{task_type}_f_{number}",
        agent_id,
        task_type=task_type,
        title=task_type.title(),
        description=f"does {task_type}",
        running_timeout=limit,
    )


def launched(*tasks):
    manager = TaskManager()
    manager.launch_tasks(tasks, NOW)
    return manager


def test_a_launched_task_is_found_by_its_id():
    task = a_task()
    manager = launched(task)
    assert task.launched == NOW
    assert manager.get_task(task.id) is task
    assert manager.get_all_tasks() == [task]
    assert manager.get_task("stranger") is None


def test_a_second_task_of_the_same_id_does_not_take_its_place():
    task = a_task()
    manager = launched(task)
    manager.launch_tasks([a_task()], later(hours=1))
    assert manager.get_all_tasks() == [task]


@pytest.mark.parametrize("status", list(TaskStatus))
def test_a_task_is_here_until_it_has_ended_or_is_lost(status):
    task = a_task()
    manager = launched(task)
    manager.handle_task_update(an_update(task, status))
    assert (manager.get_task(task.id) is None) == (status in {*ENDED, TaskStatus.LOST})


def test_an_update_of_a_stranger_is_ignored():
    manager = launched(a_task())
    manager.handle_task_update(an_update("stranger", TaskStatus.FINISHED))
    assert len(manager.get_all_tasks()) == 1


def test_a_kill_is_asked_for_again_until_the_end():
    one, two = a_task(1), a_task(2)
    manager = launched(one, two)
    two.force_kill()
    assert manager.get_tasks_to_kill() == manager.get_tasks_to_kill() == [two]
    manager.handle_task_update(an_update(two, TaskStatus.KILLED))
    assert manager.get_tasks_to_kill() == []


def test_silent_tasks_are_asked_after():
    one, two = a_task(1), a_task(2)
    manager = launched(one, two)
    manager.handle_task_update(an_update(two, TaskStatus.STAGING, later(seconds=20)))
    assert manager.get_tasks_to_reconcile(later(seconds=30)) == []
    assert manager.get_tasks_to_reconcile(later(seconds=31)) == [one]


def test_a_late_task_is_named_once_but_killed_until_its_end():
    task = a_task()
    manager = launched(task)
    assert manager.get_timeout_tasks(later(minutes=2)) == []
    assert manager.get_timeout_tasks(later(minutes=3)) == [task]
    assert manager.get_timeout_tasks(later(minutes=4)) == []
    assert manager.get_tasks_to_kill() == [task]


def test_a_task_that_runs_again_after_a_loss_can_be_late_again():
    task = a_task()
    manager = launched(task)
    assert manager.get_timeout_tasks(later(minutes=3)) == [task]
    manager.handle_task_update(an_update(task, TaskStatus.LOST))
    manager.launch_tasks([task], later(minutes=5))
    assert manager.get_timeout_tasks(later(minutes=7)) == []
    assert manager.get_timeout_tasks(later(minutes=8)) == [task]


def test_the_status_counts_node_tasks_by_kind_and_leaves_out_those_of_jobs():
    exe = a_running_exe()
    manager = launched(a_task(1), a_task(2), a_task(3, task_type="health"), a_task(4, "agent-2"), exe.start_next_task())
    nodes = [{"agent_id": "agent-1"}, {"agent_id": "agent-3"}, {"agent_id": ""}]
    manager.generate_status_json(nodes)
    assert nodes[0]["node_tasks"] == [
        {"type": "cleanup", "title": "Cleanup", "description": "does cleanup", "count": 2},
        {"type": "health", "title": "Health", "description": "does health", "count": 1},
    ]
    assert [node["node_tasks"] for node in nodes[1:]] == [[], []]
    assert all(node["system_tasks"] == [] for node in nodes)


class Counted(NodeTask):
    """Knows how often anybody looked at one of them."""

    looks = 0

    def due(self):
        Counted.looks += 1
        return super().due()


def test_nobody_looks_at_tasks_about_which_there_is_nothing_to_do():
    limit = timedelta(minutes=10)
    names = [f"scale_cleanup_f_{number}" for number in range(100)]
    tasks = [Counted(name, "a", task_type="t", title="T", description="d", running_timeout=limit) for name in names]
    manager = launched(*tasks)
    manager.handle_task_updates([an_update(task, TaskStatus.RUNNING) for task in tasks])
    tasks[7].force_kill()
    Counted.looks = 0
    for seconds in range(1, 29):
        assert manager.get_timeout_tasks(later(seconds=seconds)) == []
        assert manager.get_tasks_to_reconcile(later(seconds=seconds)) == []
        assert manager.get_tasks_to_kill() == [tasks[7]]
    assert Counted.looks == 2 * 28


def test_a_task_that_may_run_for_seconds_only_is_late_after_these():
    task = a_task()
    task._running_timeout_threshold = timedelta(seconds=2)
    manager = launched(task)
    manager.handle_task_update(an_update(task, TaskStatus.RUNNING, later(seconds=1)))
    assert manager.get_timeout_tasks(later(seconds=3)) == []
    assert manager.get_timeout_tasks(later(seconds=3.1)) == [task]
    assert manager.get_tasks_to_kill() == [task]


def test_a_task_that_was_asked_after_is_let_go_of_once_it_answers():
    task = a_task()
    manager = launched(task)
    task.force_reconciliation()
    assert manager.get_tasks_to_reconcile(NOW) == [task]
    manager.handle_task_update(an_update(task, TaskStatus.RUNNING))
    assert manager.get_tasks_to_reconcile(NOW) == []
    assert manager.get_tasks_to_reconcile(later(minutes=11)) == [task]
