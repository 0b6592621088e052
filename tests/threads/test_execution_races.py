"""Threads that walk over the same executions at the same time, and meet."""

from __future__ import annotations

import threading

from scale.job.execution.manager import JobExecutionManager
from scale.job.states import ExecutionStatus
from scale.job.tasks.update import TaskStatus
from scale.kernel.clock import ManualClock
from tests.builders import NOW, a_running_exe, an_update

MANY = 1500


def walk(exes, *turns):
    """Each thread does its turn on every execution, as nearly as can be at the same time."""
    barrier = threading.Barrier(len(turns))
    done = [[] for _ in turns]

    def thread(turn, results):
        for start in range(0, len(exes), 10):
            barrier.wait()
            results.extend(turn(exe) for exe in exes[start : start + 10])

    threads = [threading.Thread(target=thread, args=each) for each in zip(turns, done, strict=True)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return done


def finish(exe):
    if (task := exe.current_task) is not None:
        exe.task_update(an_update(task.id, TaskStatus.FINISHED))


def test_of_threads_that_start_the_next_task_exactly_one_does():
    exes = [a_running_exe(["pull", "main"], number) for number in range(MANY)]
    started = walk(exes, *[lambda exe: exe.start_next_task()] * 4)
    assert [sum(task is not None for task in tasks) for tasks in zip(*started, strict=True)] == [1] * MANY
    assert {exe.next_task().task_type for exe in exes} == {"main"}


def test_when_a_finish_and_a_cancel_meet_neither_is_forgotten():
    exes = [a_running_exe(number=number) for number in range(MANY)]
    for exe in exes:
        exe.start_next_task()
    walk(exes, finish, lambda exe: exe.execution_canceled(NOW))
    assert all(exe.is_finished() for exe in exes)
    assert {exe.status for exe in exes} <= {ExecutionStatus.COMPLETED, ExecutionStatus.CANCELED}


def test_when_a_loss_a_timeout_and_a_lost_node_meet_one_of_them_is_the_ending():
    exes = [a_running_exe(number=number) for number in range(MANY)]
    tasks = {exe.id: exe.start_next_task() for exe in exes}
    names = {exe.id: tasks[exe.id].id for exe in exes}
    walk(
        exes,
        lambda exe: exe.task_update(an_update(names[exe.id], TaskStatus.LOST)),
        lambda exe: exe.execution_timed_out(tasks[exe.id], NOW),
        lambda exe: exe.execution_lost(NOW),
    )
    assert all(exe.is_finished() for exe in exes)
    assert {exe.error_name for exe in exes} <= {"launch-timeout", "node-lost"}


def test_executions_that_come_and_go_at_the_same_time_are_all_counted():
    manager = JobExecutionManager(clock=ManualClock(NOW))
    exes = [a_running_exe(number=number, clock=ManualClock(NOW)) for number in range(2 * MANY)]

    def come_and_go(exe):
        manager.schedule_job_exes([exe], [])
        return manager.handle_task_update(an_update(exe.start_next_task(), TaskStatus.FINISHED))

    over = walk(range(MANY), lambda number: come_and_go(exes[number]), lambda number: come_and_go(exes[MANY + number]))
    assert [*over[0], *over[1]] == exes
    manager.generate_status_json(nodes := [{"id": 1}], NOW)
    assert nodes[0]["job_executions"]["running"]["total"] == 0
    assert nodes[0]["job_executions"]["completed"]["total"] == 2 * MANY
