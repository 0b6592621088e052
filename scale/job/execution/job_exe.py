"""A running job execution: the machine behind a lock, and the tasks that it speaks of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from scale.database import instance
from scale.engines.protocol import Reason
from scale.error.catalog import BY_NAME
from scale.job.execution import machine
from scale.job.execution.configuration import SHELL
from scale.job.execution.machine import KillTask, ReconcileTask
from scale.job.execution.results import TaskResults
from scale.job.models import JobExecutionEnd
from scale.job.states import ExecutionStatus
from scale.job.tasks.exe_task import JobExecutionTask
from scale.job.tasks.main_task import MainTask
from scale.job.tasks.post_task import PostTask
from scale.job.tasks.pre_task import PreTask
from scale.job.tasks.pull_task import PullTask
from scale.job.tasks.update import ENDED, FINISHED, LOST, TaskStatus, TaskStatusUpdate
from scale.kernel.clock import Clock, SystemClock
from scale.kernel.errors import Broken
from scale.kernel.ids import TaskId, losses_in, lost_task_id
from scale.kernel.locks import OwnedLock
from scale.kernel.resources import shared_resources
from scale.kernel.sharing import shared

if TYPE_CHECKING:
    from scale.error.models import Error
    from scale.job.execution.configuration import ExecutionConfiguration
    from scale.job.models import JobExecution, JobType

#: what a shell means by the exit codes that it has for itself
_SHELL_SAYS = {126: "the shell could not run the program", 127: "the shell found no such program"}
_EVENTFUL = ENDED | {LOST}
RESOURCE_STARVATION_THRESHOLD = machine.PATIENCE

_TASKS: dict[str, Callable[..., JobExecutionTask]] = {
    "pull": PullTask,
    "pre": PreTask,
    "main": MainTask,
    "post": PostTask,
}


class RunningJobExecution:
    """An execution that has been placed on a node and is not over. Thread-safe.

    Time comes with the calls; an update that carries no time of its own is taken to be of the clock's present.
    """

    __slots__ = (
        "_clock", "_docker_volumes", "_own_categories", "_state", "_tasks", "agent_id", "cluster_id", "exe_num", "gpus", "id",
        "job_id", "job_type_id", "job_type_name", "node_id", "priority", "queued", "resources", "started", "submitted", "user",
    )  # fmt: skip
    lock = OwnedLock()  #: there are many executions; what happens under it takes some microseconds

    def __init__(
        self,
        agent_id: str,
        job_exe: JobExecution,
        job_type: JobType,
        configuration: ExecutionConfiguration,
        priority: int,
        *,
        clock: Clock | None = None,
        losses_allowed: int = machine.LOSSES_ALLOWED,
    ) -> None:
        self.id = job_exe.pk
        self.agent_id = shared(agent_id)
        self.cluster_id = job_exe.get_cluster_id()
        self.job_id = job_exe.job_id
        self.exe_num = job_exe.exe_num
        self.job_type_id = job_type.pk
        self.job_type_name = shared(job_type.name)
        self._own_categories = job_type.error_categories
        self.node_id = job_exe.node_id
        self.priority = priority
        self.submitted = shared(job_exe.submitted)
        self.queued = shared(job_exe.queued)
        self.gpus = configuration.get_gpus()  #: indices on its node
        self.started = shared(job_exe.started)
        self.user = shared(job_exe.user)
        self.resources = shared_resources(job_exe.resources)
        self._docker_volumes = shared(tuple(configuration.get_named_docker_volumes()))
        self._clock = clock or SystemClock()
        self._tasks = tuple(_TASKS[kind](agent_id, job_exe, job_type, configuration) for kind in configuration.get_task_types())
        for task in self._tasks[1:]:
            task.waits_for_room = False
        for task in self._tasks[:-1]:
            task.keeps_room = True
        self._state = machine.Execution(tuple(TaskId(task.id) for task in self._tasks), losses_allowed=losses_allowed)

    @property
    def current_task(self) -> JobExecutionTask | None:
        return self._task(self._state.current)

    @property
    def docker_volumes(self) -> list[str]:
        return list(self._docker_volumes)

    @property
    def error_name(self) -> str | None:
        return self._state.error

    @property
    def error(self) -> Error | None:
        """Its error's row; looks it up in the database once a process."""
        name = self._state.error
        if name is None:
            return None
        from scale.error.lookup import error_named  # the only reason for this module to reach the database

        return error_named(name, self.job_type_name)

    @property
    def error_category(self) -> str | None:
        name = self._state.error
        if name is None:
            return None
        return self._own_categories.get(name) or BY_NAME[name].category

    @property
    def finished(self) -> datetime | None:
        return self._state.finished

    @property
    def status(self) -> ExecutionStatus:
        return self._state.status

    def check_for_starvation(self, when: datetime) -> bool:
        """Fail it if it has waited strictly longer than ten minutes for its next task; whether it (ever) did."""
        self._tell(machine.TimePassed(when))
        return self._state.is_starved

    def create_job_exe_end_model(self) -> JobExecutionEnd:
        """Build, but not save, the record of its end; it must be over."""
        state = self._state
        if state.finished is None:
            raise Broken(f"{self.cluster_id} has not finished")
        main = self._task_of_type("main")
        ended = [task for task in self._tasks if task.ended is not None]
        last = ended[-1] if ended else None
        cpu_seconds, peak_memory = _used(ended)
        cpus, mem, gpus = self.resources["cpus"], self.resources["mem"], self.resources["gpus"]
        end = instance(
            JobExecutionEnd,
            job_exe_id=self.id,
            job_id=self.job_id,
            job_type_id=self.job_type_id,
            exe_num=self.exe_num,
            task_results=TaskResults.create_task_results(self._tasks).get_dict(),
            status=state.status,
            message=_message(last, state.error)[:500],
            node_id=self.node_id,
            submitted=self.submitted,
            eligible=self.queued,
            queued=self.queued,
            started=self.started,
            seed_started=main.started if main else None,
            seed_ended=main.ended if main and main.has_started else None,
            ended=state.finished,
            created=self._clock.now(),
            requested_cpus=cpus,
            requested_mem=mem,
            requested_gpus=gpus,
            allocated_cpus=cpus,
            allocated_mem=mem,
            allocated_gpus=gpus,
            allocated_nodes=1,
            cpu_seconds=cpu_seconds,
            peak_memory=peak_memory,
            exit_code=main.exit_code if main else None,
            signal=main.signal if main else None,
            user=self.user,
            native_state=last.native_state if last else "",
        )
        if (error := self.error) is not None:
            end.error = error
        return end

    def execution_canceled(self, when: datetime) -> None:
        self._tell(machine.Canceled(self._since_start(when)))

    def execution_lost(self, when: datetime) -> None:
        """Fail it because its node is lost; the engine is asked what became of the current task."""
        self._tell(machine.NodeLost(self._since_start(when)))

    def execution_timed_out(self, task: JobExecutionTask, when: datetime) -> None:
        """Fail it because this task ran over its time, or did not start in time; the task is still to be killed."""
        error = task.timeout_error_name if task.has_started else "launch-timeout"
        self._tell(machine.TimedOut(TaskId(task.id), error, self._since_start(when)))

    def get_container_names(self) -> list[str]:
        return [task.container_name for task in self._tasks if task.container_name is not None]

    @property
    def lasted(self) -> timedelta | None:
        """How long its program ran; None as long as that is not known, or if there is more to it than its program."""
        main = self._task_of_type("main") if len(self._tasks) == 1 else None
        return main.ended - main.started if main and main.started and main.ended else None

    @property
    def is_withdrawn(self) -> bool:
        """Whether it is over because its node handed it back before it ran."""
        return self._state.is_withdrawn

    def is_finished(self) -> bool:
        """Whether all its tasks are; an execution whose status is final may still have a task to be killed."""
        return self._state.is_over

    def is_next_task_ready(self) -> bool:
        return self._state.is_next_task_ready

    def next_task(self) -> JobExecutionTask | None:
        return self._task(next(iter(self._state.remaining), None))

    def start_next_task(self) -> JobExecutionTask | None:
        """Make the next task the current one; None if one is current already or none remains."""
        with self.lock:
            if not self._state.is_next_task_ready:
                return None
            self._state, _ = machine.step(self._state, machine.TaskStarted())
            return self._task(self._state.current)

    def task_update(self, task_update: TaskStatusUpdate) -> bool:
        """Take an update of one of its tasks, which the task itself must have taken before; whether it tells of an end."""
        with self.lock:
            return self.take(task_update)

    def take(self, news: TaskStatusUpdate) -> bool:
        """The same for a caller that holds the lock, as one does who has many updates."""
        if news.status not in _EVENTFUL:
            return False
        if news.task_id == self._state.current:
            self._state, _ = machine.step(self._state, self._event(news, self._moment(news)))
            if news.status is LOST:
                self._rename_lost_task(TaskId(news.task_id))
        return True

    def _event(self, news: TaskStatusUpdate, when: datetime) -> machine.Event:
        task_id = TaskId(news.task_id)
        if news.status is FINISHED:
            return machine.TaskFinished(task_id, when, news.heard or when)
        if news.status is LOST:
            return machine.TaskLost(task_id, when, news.heard or when)
        if news.status is TaskStatus.KILLED and news.reason == Reason.WITHDRAWN:
            return machine.TaskWithdrawn(task_id, when)
        task = self._task(task_id)
        return machine.TaskFailed(task_id, (task and task.determine_error(news)) or "unknown", when)

    def _moment(self, news: TaskStatusUpdate) -> datetime:
        """The update's own time."""
        return self._since_start(news.when or self._clock.now())

    def _since_start(self, when: datetime) -> datetime:
        """Nothing ends before it was started, whatever the clock of its node says, or ours that was set back."""
        return max(when, self.started) if self.started else when

    def _tell(self, event: machine.Event) -> None:
        with self.lock:
            self._state, effects = machine.step(self._state, event)
        for effect in effects:
            self._carry_out(effect)

    def _rename_lost_task(self, lost: TaskId) -> None:
        if self._state.remaining[:1] == (lost_task_id(lost, losses_in(lost) + 1),) and (task := self._task(lost)):
            task.update_task_id_for_lost_task()

    def _carry_out(self, effect: machine.Effect) -> None:
        task = self._task(effect.task)
        match effect:
            case KillTask() if task is not None:
                task.force_kill()
            case ReconcileTask() if task is not None:
                task.force_reconciliation()

    def _task(self, task_id: str | None) -> JobExecutionTask | None:
        for task in self._tasks:
            if task.id == task_id:
                return task
        return None

    def _task_of_type(self, kind: str) -> JobExecutionTask | None:
        for task in self._tasks:
            if task.task_type == kind:
                return task
        return None


def _used(tasks: Iterable[JobExecutionTask]) -> tuple[float | None, float | None]:
    """The seconds of all together, and the most memory that one took; None if nobody measured any."""
    used = [task.usage for task in tasks if task.usage is not None]
    if not used:
        return None, None
    return sum([usage.cpu_seconds for usage in used]), max([usage.peak_memory for usage in used])


def _message(task: JobExecutionTask | None, error: str | None) -> str:
    """What the engine said of the end; if that was nothing, what the error means."""
    said = task.message if task else ""
    if error == "algorithm-unknown" and task and tuple(task.command[:2]) == SHELL and task.exit_code in _SHELL_SAYS:
        return f"{said}: {_SHELL_SAYS[task.exit_code]}"
    return said or (BY_NAME[error].description if error in BY_NAME else "")
