"""The job executions that run now, and what has finished since it was last asked. Memory behind a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from scale.job.execution.job_exe import RunningJobExecution
from scale.job.execution.metrics import History, TotalJobExeMetrics
from scale.job.execution.selectors import executions_to_cancel, executions_unwanted
from scale.job.messages import CompletedJob, FailedJob, Message, RunningJobs, WithdrawnJob, ending_messages
from scale.job.models import JobExecutionEnd
from scale.job.states import ExecutionStatus
from scale.job.tasks.base_task import Task
from scale.job.tasks.exe_task import JobExecutionTask
from scale.job.tasks.update import TaskStatusUpdate
from scale.kernel.clock import Clock, SystemClock
from scale.kernel.ids import is_job_task, parse_cluster_id
from scale.kernel.locks import OwnedLock


class JobExecutionManager:
    """Thread-safe; every public method but `clear` is one step to all others. Never asks the database under its lock.

    An execution is here from its placement until all its tasks are over, even if its status is final before that.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = OwnedLock()
        self._running: dict[str, RunningJobExecution] = {}
        self._is_in_step = False  # whether what was canceled before this process began is known
        self._between: dict[str, RunningJobExecution] = {}  # those that wait for their next task, and some that have got it
        self._finished: list[RunningJobExecution] = []
        self._canceled_ends: list[JobExecutionEnd] = []
        self._running_messages: list[RunningJobs] = []
        self._metrics = TotalJobExeMetrics(self._clock.now())

    def add_canceled_job_exes(self, job_exe_ends: Iterable[JobExecutionEnd]) -> None:
        """Take the ends of executions that were canceled off the queue."""
        with self._lock:
            self._canceled_ends.extend(job_exe_ends)

    def cancel_all(self, when: datetime) -> list[RunningJobExecution]:
        """Cancel every execution; returns those that are over, having no task to be killed."""
        return self._tell_each(lambda exe: _cancel(exe, when))

    def check_for_starvation(self, when: datetime) -> list[RunningJobExecution]:
        """Fail the executions that starve, and return those."""
        with self._lock:
            self._between = {name: exe for name, exe in self._between.items() if exe.is_next_task_ready()}
            starved = [exe for exe in self._between.values() if exe.check_for_starvation(when)]
            return [exe for exe in starved if self._finish_if_over(exe)]

    def clear(self) -> None:
        """Forget what runs and what was counted; for tests only."""
        self._running.clear()
        self._replace_metrics(TotalJobExeMetrics(self._clock.now()))

    def generate_status_json(self, nodes_list: list[dict[str, Any]], when: datetime) -> None:
        """Write ``job_executions`` into every node, which carries ``id``."""
        with self._lock:
            self._metrics.generate_status_json(nodes_list, when)

    def get_messages(self) -> list[Message]:
        """Hand over what the database must learn; the caller keeps it until it is committed."""
        with self._lock:
            running, self._running_messages = self._running_messages, []
            canceled_ends, self._canceled_ends = self._canceled_ends, []
            finished, self._finished = self._finished, []
        try:
            ends = [*canceled_ends, *[exe.create_job_exe_end_model() for exe in finished]]
            return [*running, *ending_messages(ends, _completed(finished), _failed(finished), _withdrawn(finished))]
        except BaseException:  # the row of an error could not be read
            with self._lock:
                self._running_messages[:0], self._canceled_ends[:0], self._finished[:0] = running, canceled_ends, finished
            raise

    def get_running_job_exe(self, cluster_id: str) -> RunningJobExecution | None:
        with self._lock:
            return self._running.get(cluster_id)

    def get_running_job_exes(self) -> list[RunningJobExecution]:
        with self._lock:
            return list(self._running.values())

    def handle_task_timeout(self, task: Task, when: datetime) -> None:
        """Fail the execution of this task, if it is one's. It stays until the task is truly gone."""
        if not is_job_task(task.id) or not isinstance(task, JobExecutionTask):
            return
        with self._lock:
            if (exe := self._running.get(parse_cluster_id(task.id))) is not None:
                exe.execution_timed_out(task, when)

    def handle_task_update(self, task_update: TaskStatusUpdate) -> RunningJobExecution | None:
        """Pass the update on; returns the execution if it is over now. The task itself must have taken it before."""
        ((exe, is_over),) = self.handle_task_updates([task_update])
        return exe if is_over else None

    def handle_task_updates(self, task_updates: Iterable[TaskStatusUpdate]) -> list[tuple[RunningJobExecution | None, bool]]:
        """Pass each update on; returns the execution of each, if it ran until then, and whether it is over now."""
        with self._lock, RunningJobExecution.lock:
            return [self._tell_of(task_update) for task_update in task_updates]

    def init_with_database(self, history: History | None = None) -> None:
        """Count what finished before this process began."""
        metrics = TotalJobExeMetrics(self._clock.now())
        metrics.init_with_database(history)
        with self._lock:
            metrics.add_running_job_exes(self._running.values())
            self._replace_metrics(metrics)

    def lost_job_exes(self, job_exe_ids: Iterable[int], when: datetime) -> list[RunningJobExecution]:
        """Fail these executions as lost, and kill what still runs of them: their node may only be deprecated."""
        lost = set(job_exe_ids)
        return self._tell_each(lambda exe: exe.id in lost and _lose_and_kill(exe, when))

    def lost_node(self, node_id: int, when: datetime) -> list[RunningJobExecution]:
        """Fail the executions on this node as lost; returns those that are over, having no task to ask after."""
        return self._tell_each(lambda exe: exe.node_id == node_id and _lose(exe, when))

    def nodes_changed(self, when: datetime) -> set[int | None]:
        """The nodes whose counts are others than when this was last asked; what is too old by then is forgotten first.

        That is much when five minutes are over, and is done in small bites: the lock is never held for long.
        """
        while self._forget_some(when):
            pass
        with self._lock:
            return self._metrics.take_changed()

    def schedule_job_exes(self, job_exes: Sequence[RunningJobExecution], messages: Iterable[RunningJobs]) -> None:
        """Take executions that have been placed, and what the database must learn of that. One known already stays."""
        with self._lock:
            new = [exe for exe in job_exes if exe.cluster_id not in self._running]
            self._running.update((exe.cluster_id, exe) for exe in new)
            self._between.update((exe.cluster_id, exe) for exe in new if exe.is_next_task_ready())
            self._running_messages.extend(messages)
            self._metrics.add_running_job_exes(new)

    def sync_with_database(self) -> list[RunningJobExecution]:
        """Cancel the executions whose job was canceled, has moved on or is gone; returns those that are over.

        The first time all jobs are asked for, since it may have happened before this process began.
        """
        if not self._running:
            return []
        unwanted = executions_to_cancel() if self._is_in_step else self._left_behind()
        self._is_in_step = True
        when = self._clock.now()
        with self._lock:
            theirs = [
                exe for exe in map(self._running.get, unwanted) if exe is not None and exe.status == ExecutionStatus.RUNNING
            ]
            for exe in theirs:
                exe.execution_canceled(when)
            return [exe for exe in theirs if self._finish_if_over(exe)]

    def _left_behind(self) -> list[str]:
        names = {(exe.job_id, exe.exe_num): exe.cluster_id for exe in self.get_running_job_exes()}
        return [names[key] for key in executions_unwanted(sorted(names))]

    def _tell_each(self, tell: Callable[[RunningJobExecution], bool]) -> list[RunningJobExecution]:
        """Tell something to every execution; returns those that heeded it and are over."""
        with self._lock:
            heeded = [exe for exe in list(self._running.values()) if tell(exe)]
            return [exe for exe in heeded if self._finish_if_over(exe)]

    def _tell_of(self, task_update: TaskStatusUpdate) -> tuple[RunningJobExecution | None, bool]:
        """The caller holds the lock, and that of all executions."""
        exe = self._running.get(parse_cluster_id(task_update.task_id))
        if exe is None or not exe.take(task_update):
            return exe, False
        if self._finish_if_over(exe):
            return exe, True
        if exe.is_next_task_ready():
            self._between[exe.cluster_id] = exe
        return exe, False

    def _forget_some(self, when: datetime) -> bool:
        with self._lock:
            return self._metrics.forget_old(when)

    def _replace_metrics(self, metrics: TotalJobExeMetrics) -> None:
        metrics.replace(self._metrics)
        self._metrics = metrics

    def _finish_if_over(self, exe: RunningJobExecution) -> bool:
        """Move it to the finished ones; the caller holds the lock."""
        if not exe.is_finished() or self._running.pop(exe.cluster_id, None) is None:
            return False
        self._finished.append(exe)
        self._metrics.job_exe_finished(exe)
        return True


def _lose(exe: RunningJobExecution, when: datetime) -> bool:
    exe.execution_lost(when)
    return True


def _lose_and_kill(exe: RunningJobExecution, when: datetime) -> bool:
    exe.execution_lost(when)
    if (task := exe.current_task) is not None:
        task.force_kill()
    return True


def _cancel(exe: RunningJobExecution, when: datetime) -> bool:
    exe.execution_canceled(when)
    return True


def _completed(finished: Iterable[RunningJobExecution]) -> list[CompletedJob]:
    return [
        CompletedJob(exe.job_id, exe.exe_num, exe.finished)
        for exe in finished
        if exe.status == ExecutionStatus.COMPLETED and exe.finished is not None
    ]


def _withdrawn(finished: Iterable[RunningJobExecution]) -> list[WithdrawnJob]:
    return [
        WithdrawnJob(exe.job_id, exe.exe_num, exe.finished) for exe in finished if exe.is_withdrawn and exe.finished is not None
    ]


def _failed(finished: Iterable[RunningJobExecution]) -> list[FailedJob]:
    return [
        FailedJob(exe.job_id, exe.exe_num, exe.finished, exe.error.pk)
        for exe in finished
        if exe.status == ExecutionStatus.FAILED and exe.finished is not None and exe.error is not None
    ]
