"""Plain values with defaults: say only what a test is about. Nothing here touches a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from scale.engines.protocol import NodeReport
from scale.error.catalog import BUILTIN_ERRORS
from scale.error.models import Error
from scale.job.execution.configuration import ExecutionConfiguration
from scale.job.execution.job_exe import RunningJobExecution
from scale.job.execution.machine import Execution
from scale.job.models import JobExecution, JobType, TaskUpdate
from scale.job.tasks.base_task import Task
from scale.job.tasks.exe_task import JobExecutionTask
from scale.job.tasks.update import TaskStatus, TaskStatusUpdate
from scale.kernel.attributes import Value, given
from scale.kernel.clock import Clock, ManualClock
from scale.kernel.ids import TaskId, cluster_id, task_id
from scale.kernel.resources import Resources
from scale.node.conditions import KnownNode
from scale.queue.entry import shape_of
from scale.scheduler.placement.snapshot import Ask, Occupant
from tests.reference.placement import Slot

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
STEPS = ("pull", "pre", "main", "post")
ERROR_IDS = {error.name: number for number, error in enumerate(BUILTIN_ERRORS, 1)}

_NATIVE = {status: f"TASK_{status.value}" for status in TaskStatus}


def later(*, seconds: float = 0, minutes: float = 0, hours: float = 0) -> datetime:
    """A moment after `NOW`."""
    return NOW + timedelta(seconds=seconds, minutes=minutes, hours=hours)


# --- jobs and executions


def a_job_type(pk: int = 10, name: str = "tile", **columns: Any) -> JobType:
    defaults = {"version": "1.2.0", "manifest": {"job": {"title": "Tiler"}}, "created": NOW, "last_modified": NOW}
    return JobType(pk=pk, name=name, **{**defaults, **columns})


def a_job_exe(number: int = 1, **columns: Any) -> JobExecution:
    """The first execution of the job of this number, placed on node 1."""
    defaults = {
        "pk": number,
        "job_id": number,
        "job_type_id": 10,
        "exe_num": 1,
        "node_id": 1,
        "timeout": 3600,
        "resources": {"cpus": 1.0, "mem": 256.0},
        "user": "alice",
        "submitted": NOW,
        "queued": NOW,
        "started": NOW,
        "created": NOW,
    }
    job_exe = JobExecution(**{**defaults, **columns})
    if not job_exe.cluster_id:
        job_exe.set_cluster_id("f", job_exe.job_id, job_exe.exe_num)
    return job_exe


def a_configuration(tasks: Sequence[str] = STEPS, number: int = 1, exe_num: int = 1, **of_each: Any) -> ExecutionConfiguration:
    """``of_each`` are keys that every task gets."""
    name = cluster_id("f", number, exe_num)
    every = [{"type": kind, "args": f"run {kind}", "task_id": task_id(name, kind), **of_each} for kind in tasks]
    return ExecutionConfiguration({"version": "2.0", "tasks": every})


class RememberingExecution(RunningJobExecution):
    """Knows the rows of errors by heart, so that its end can be told without a database."""

    @property
    def error(self) -> Error | None:
        name = self.error_name
        return None if name is None else Error(pk=ERROR_IDS.get(name, 1000), name=name, category=self.error_category)


def a_running_exe(
    tasks: Sequence[str] = ("main",),
    number: int = 1,
    *,
    kind: type[RunningJobExecution] = RememberingExecution,
    job_type: JobType | None = None,
    agent_id: str = "agent-1",
    priority: int = 100,
    clock: Clock | None = None,
    losses_allowed: int = 5,
    **columns: Any,
) -> RunningJobExecution:
    job_type = job_type or a_job_type()
    job_exe = a_job_exe(number, **{"job_type_id": job_type.pk, **columns})
    configuration = a_configuration(tasks, job_exe.job_id, job_exe.exe_num)
    clock = clock or ManualClock(NOW)
    return kind(agent_id, job_exe, job_type, configuration, priority, clock=clock, losses_allowed=losses_allowed)


def an_execution(tasks: Sequence[str] = ("main",), **state: Any) -> Execution:
    """The state of an execution whose tasks are called as they are named here."""
    return Execution(tuple(TaskId(task) for task in tasks), **state)


# --- what engines say


def an_update(
    task: Task | str,
    status: TaskStatus | str = TaskStatus.RUNNING,
    when: datetime | None = NOW,
    *,
    heard: datetime | None = None,
    exit_code: int | None = None,
    reason: str | None = None,
    message: str | None = None,
    agent_id: str = "agent-1",
    **data: Any,
) -> TaskStatusUpdate:
    """``status`` is ours, or an engine's own word."""
    native = _NATIVE.get(status, status) if isinstance(status, TaskStatus) else status
    name = task if isinstance(task, str) else task.id
    row = TaskUpdate(task_id=name, status=native, timestamp=when, reason=reason, message=message)
    return TaskStatusUpdate(row, agent_id, {"exit_code": exit_code, **data}, heard=heard)


def start(exe: RunningJobExecution, when: datetime = NOW) -> JobExecutionTask:
    """Launch the next task."""
    task = exe.start_next_task()
    assert task is not None
    task.launch(when)
    return task


def tell(exe: RunningJobExecution, status: TaskStatus, when: datetime = NOW, **more: Any) -> TaskStatusUpdate:
    """Bring an update of the current task, to the task first and then to its execution; returns it."""
    task = exe.current_task
    assert task is not None
    update = an_update(task, status, when, **more)
    task.update(update)
    exe.task_update(update)
    return update


def run_to_end(exe: RunningJobExecution, when: datetime = NOW) -> RunningJobExecution:
    """Finish every task."""
    while exe.is_next_task_ready():
        start(exe, when)
        tell(exe, TaskStatus.RUNNING, when)
        tell(exe, TaskStatus.FINISHED, when)
    return exe


# --- nodes and what waits for them


def an_amount(cpus: float = 4, mem: float = 4096, **others: float) -> Resources:
    return Resources(cpus=cpus, mem=mem, **others)


def a_node(pk: int = 1, cpus: float = 4, **fields: Any) -> KnownNode:
    defaults = {
        "hostname": f"node-{pk}",
        "agent_id": f"agent-{pk}",
        "engine": "local",
        "is_online": True,
        "total": an_amount(cpus),
        "offered": an_amount(cpus),
    }
    return KnownNode(pk, **{**defaults, **fields})


def a_node_report(number: int = 1, cpus: float = 4, *, is_online: bool = True, when: datetime = NOW, **fields: Any) -> NodeReport:
    amounts = {"total": an_amount(cpus), "offered": an_amount(cpus)} if is_online else {}
    named = {"node": f"agent-{number}", "hostname": f"node-{number}", **amounts, **fields}
    return NodeReport(is_online=is_online, when=when, **named)


def an_ask(
    number: int = 1,
    cpus: float = 1,
    priority: int = 100,
    *,
    job_type_id: int = 10,
    queued: datetime | None = None,
    asks: Mapping[str, Any] | None = None,
    **needs: float,
) -> Ask:
    """The later its number, the later it was queued. ``asks`` is the document of what it asks of nodes."""
    amounts = Resources(cpus=cpus, **needs)
    shape = shape_of(job_type_id, priority, amounts, asks)
    return Ask(number, number, job_type_id, priority, queued or later(seconds=number), amounts, shape)


def an_occupant(number: int = 1, cpus: float = 1, priority: int = 100, **holds: float) -> Occupant:
    return Occupant(priority, later(seconds=number), number, Resources(cpus=cpus, **holds))


def a_slot(
    number: int = 1,
    cpus: float = 4,
    occupants: Sequence[Occupant] = (),
    *,
    is_ready: bool = True,
    not_ready: str = "",
    attributes: Mapping[str, Value] | None = None,
    **has: float,
) -> Slot:
    known = {**(attributes or {}), **given(f"node-{number}", "local")}
    return Slot(number, f"node-{number}", Resources(cpus=cpus, **has), is_ready, not_ready, occupants, known)
