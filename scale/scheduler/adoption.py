"""Gives a new scheduler the executions of the one before it, as far as they had come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from scale.job.execution.configuration import ExecutionConfiguration
from scale.job.execution.job_exe import RunningJobExecution
from scale.job.messages import RunningJob
from scale.job.models import JobExecution, TaskUpdate
from scale.job.tasks.base_task import Task
from scale.job.tasks.exe_task import JobExecutionTask
from scale.job.tasks.manager import TaskManager
from scale.job.tasks.update import TaskStatusUpdate
from scale.kernel.clock import Clock


def running_execution(row: JobExecution, agent_id: str, *, clock: Clock, losses_allowed: int) -> RunningJobExecution:
    """Make the execution that a placed row stands for; none of its tasks has started."""
    return RunningJobExecution(
        agent_id,
        row,
        row.job_type,
        ExecutionConfiguration(row.configuration),
        row.priority,
        clock=clock,
        losses_allowed=losses_allowed,
    )


def replay(exe: RunningJobExecution, updates: Iterable[TaskUpdate], tasks: TaskManager, when: datetime) -> Task | None:
    """Lead a new execution through its recorded updates; returns the task that may be running now.

    Whether the last task was launched is known to its engine alone, so it is taken to be, and is to be asked after.
    """
    task = _start(exe, tasks, when)
    for row in updates:
        news = TaskStatusUpdate(row, exe.agent_id, None, heard=row.heard)
        tasks.handle_task_update(news)
        exe.task_update(news)
        task = _start(exe, tasks, when) or task
    return task


def as_running(exe: RunningJobExecution) -> RunningJob:
    return RunningJob(exe.job_id, exe.exe_num, exe.node_id, exe.started or exe.queued)


def _start(exe: RunningJobExecution, tasks: TaskManager, when: datetime) -> JobExecutionTask | None:
    task = exe.start_next_task()
    if task is not None:
        tasks.launch_tasks([task], when)
    return task
