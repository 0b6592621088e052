"""A task of a job execution: what its failures mean."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from scale.engines.protocol import Reason
from scale.job.tasks.base_task import Task
from scale.job.tasks.update import TaskStatusUpdate
from scale.kernel.ids import JOB_TASK_ID_PREFIX, TaskId, losses_in, lost_task_id
from scale.kernel.resources import Resources

if TYPE_CHECKING:
    from scale.job.models import JobExecution, JobType

__all__ = ["JOB_TASK_ID_PREFIX", "JobExecutionTask"]

#: what an engine says of a task that it could not start or had to end, or whose end nobody saw
ERROR_OF_REASON = {
    Reason.COMMAND_NOT_FOUND: "command-not-found",
    Reason.COMMAND_NOT_EXECUTABLE: "command-not-executable",
    Reason.WORKING_DIRECTORY: "working-directory",
    Reason.NODE_LOST: "node-lost",
    Reason.OUT_OF_MEMORY: "out-of-memory",
    Reason.EXIT_UNSEEN: "scheduler-lost",
}
_EXECUTOR_TERMINATED = "REASON_EXECUTOR_TERMINATED"


class JobExecutionTask(Task):
    """One step of an execution. Errors are names from `scale.error.catalog` or of the job type's own."""

    timeout_error_name = "timeout"
    resources = Resources()

    def __init__(self, task_id: str, agent_id: str, job_exe: JobExecution, job_type: JobType) -> None:
        name = f"{job_type.title} {job_type.version}"
        super().__init__(task_id, name if job_type.is_system else f"Scale {name}", agent_id)
        self.job_exe_id = job_exe.pk

    @abstractmethod
    def determine_error(self, task_update: TaskStatusUpdate) -> str | None:
        """Name the error that this failure means; None if the update is for another id or does not tell."""

    def get_resources(self) -> Resources:
        return self.resources

    def update_task_id_for_lost_task(self) -> None:
        """Become the next incarnation: under its own id, so that late words of the lost one are not mistaken for it."""
        with self.lock:
            lost = TaskId(self._task_id)
            self._task_id = lost_task_id(lost, losses_in(lost) + 1)
            self.begin()

    def is_explained(self, task_update: TaskStatusUpdate) -> bool:
        """Whether the engine knows why it failed; then its exit code or signal is only how."""
        return task_update.reason in ERROR_OF_REASON

    def has_run(self, task_update: TaskStatusUpdate) -> bool:
        """Whether its program ran. A process that has an exit code or died of a signal did, even if nobody said so before."""
        proof = task_update.exit_code is not None or task_update.signal is not None
        return self.has_started or (proof and not self.uses_docker)

    def consider_general_error(self, task_update: TaskStatusUpdate) -> str | None:
        """What any kind of task can fail of."""
        if task_update.task_id != self.id:
            return None
        if (named := ERROR_OF_REASON.get(task_update.reason)) is not None:  # type: ignore[call-overload]
            return str(named)
        if not self.has_run(task_update):
            return "docker-task-launch" if self.uses_docker else "task-launch"
        if self.uses_docker and task_update.reason == _EXECUTOR_TERMINATED:
            return "docker-terminated"
        return None
