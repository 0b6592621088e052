"""The life of an execution, as values: a state and an event give the next state and what is to be done. Pure.

The rules:

* The first ending wins. Whatever comes later changes neither status nor error nor time.
* An ending drops the tasks that remain; the current one is held until the engine says that it is gone.
* An update or a timeout of a task that we do not hold is an echo, and changes nothing.
* A task that its node hands back unstarted ends the execution as canceled, for no fault of its own.
* A lost task runs again, under a new id; one that is lost `losses_allowed` times fails the execution.
* An execution that waits strictly longer than `PATIENCE` for its next task starves. It does not before its first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, assert_never

from scale.job.states import ExecutionStatus
from scale.kernel.ids import TaskId, losses_in, lost_task_id

PATIENCE: Final = timedelta(minutes=10)
LOSSES_ALLOWED: Final = 5
_RUNNING, _COMPLETED = ExecutionStatus.RUNNING, ExecutionStatus.COMPLETED  # an enumeration takes long to find its members


class Execution(NamedTuple):
    remaining: tuple[TaskId, ...]  #: in the order in which they run
    current: TaskId | None = None
    status: ExecutionStatus = ExecutionStatus.RUNNING
    error: str | None = None  #: a name from the catalogue, or of an error that the job type owns
    finished: datetime | None = None  #: when the status became final; the current task may still have to die
    idle_since: datetime | None = None  #: when we learned that the last task had ended or was lost
    is_starved: bool = False
    is_withdrawn: bool = False  #: it never ran, and its job is to be queued again
    losses_allowed: int = LOSSES_ALLOWED

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs or will run."""
        return self.current is None and not self.remaining

    @property
    def is_next_task_ready(self) -> bool:
        return self.current is None and bool(self.remaining)


# --- events: what happened, and when


class TaskStarted(NamedTuple):
    """The next task, if there is one and none is current, becomes current."""


class TaskFinished(NamedTuple):
    task: TaskId
    when: datetime
    heard: datetime  #: when we learned of it; only then can the next task start


class TaskFailed(NamedTuple):
    task: TaskId
    error: str
    when: datetime


class TaskLost(NamedTuple):
    task: TaskId
    when: datetime
    heard: datetime


class TaskWithdrawn(NamedTuple):
    """It had not started, and never will."""

    task: TaskId
    when: datetime


class NodeLost(NamedTuple):
    when: datetime


class TimedOut(NamedTuple):
    task: TaskId
    error: str
    when: datetime


class Canceled(NamedTuple):
    when: datetime


class TimePassed(NamedTuple):
    """It is now ``when``."""

    when: datetime


Event = TaskStarted | TaskFinished | TaskFailed | TaskLost | TaskWithdrawn | NodeLost | TimedOut | Canceled | TimePassed


# --- effects: what the shell does about it


@dataclass(frozen=True, slots=True)
class KillTask:
    task: TaskId


@dataclass(frozen=True, slots=True)
class ReconcileTask:
    task: TaskId


Effect = KillTask | ReconcileTask
Step = tuple[Execution, tuple[Effect, ...]]


def step(exe: Execution, event: Event) -> Step:  # noqa: C901, PLR0911 one case and one return an event
    match event:
        case TaskStarted():
            return _start(exe), ()
        case TaskFinished(task, when, heard) if task == exe.current:
            return _finish(exe, when, heard), ()
        case TaskFailed(task, error, when) if task == exe.current:
            return _end(exe, ExecutionStatus.FAILED, when, error, current=None, idle_since=when), ()
        case TaskLost(task, when, heard) if task == exe.current:
            return _lose(exe._replace(current=None, idle_since=heard), task, when), ()
        case TaskWithdrawn(task, when) if task == exe.current:
            return _withdraw(exe._replace(current=None, idle_since=when), when), ()
        case TimedOut(task, error, when) if task == exe.current:
            return _end(exe, ExecutionStatus.FAILED, when, error), (KillTask(task),)
        case TaskFinished() | TaskFailed() | TaskLost() | TaskWithdrawn() | TimedOut():
            return exe, ()  # an echo of a task we no longer hold
        case NodeLost(when):
            return _end(exe, ExecutionStatus.FAILED, when, "node-lost"), _about_current(exe, ReconcileTask)
        case Canceled(when):
            return _end(exe, ExecutionStatus.CANCELED, when), _about_current(exe, KillTask)
        case TimePassed(when):
            return _starve(exe, when), ()
        case _:
            assert_never(event)


def _finish(exe: Execution, when: datetime, heard: datetime) -> Execution:
    if exe.remaining or exe.status is not _RUNNING:
        return exe._replace(current=None, idle_since=heard)
    return Execution((), None, _COMPLETED, None, when, heard, losses_allowed=exe.losses_allowed)


def _end(exe: Execution, status: ExecutionStatus, when: datetime, error: str | None = None, **beside: Any) -> Execution:
    """:param beside: what changes even if it has ended before"""
    if exe.status is not ExecutionStatus.RUNNING:
        return exe._replace(**beside)
    return exe._replace(remaining=(), status=status, finished=when, error=error, **beside)


def _start(exe: Execution) -> Execution:
    if not exe.is_next_task_ready:
        return exe
    return exe._replace(current=exe.remaining[0], remaining=exe.remaining[1:])


def _lose(idle: Execution, task: TaskId, when: datetime) -> Execution:
    if idle.status is not ExecutionStatus.RUNNING:
        return idle
    losses = losses_in(task) + 1
    if losses >= idle.losses_allowed:
        return _end(idle, ExecutionStatus.FAILED, when, "node-lost")
    return idle._replace(remaining=(lost_task_id(task, losses), *idle.remaining))


def _withdraw(idle: Execution, when: datetime) -> Execution:
    if idle.status is not ExecutionStatus.RUNNING:
        return idle
    return _end(idle, ExecutionStatus.CANCELED, when)._replace(is_withdrawn=True)


def _starve(exe: Execution, when: datetime) -> Execution:
    if not exe.is_next_task_ready or exe.idle_since is None or when - exe.idle_since <= PATIENCE:
        return exe
    return _end(exe, ExecutionStatus.FAILED, when, "resource-starvation")._replace(is_starved=True)


def _about_current(exe: Execution, effect: type[KillTask] | type[ReconcileTask]) -> tuple[Effect, ...]:
    return (effect(exe.current),) if exe.current is not None else ()
