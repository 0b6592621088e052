"""What pre and post tasks have in common: Scale's own programs around the job's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from scale.error.catalog import BY_EXIT_CODE
from scale.job.tasks.exe_task import JobExecutionTask
from scale.job.tasks.update import TaskStatusUpdate

if TYPE_CHECKING:
    from scale.job.execution.configuration import ExecutionConfiguration
    from scale.job.models import JobExecution, JobType

STEP_TIMEOUT = timedelta(hours=1)


class StepTask(JobExecutionTask):
    def __init__(
        self, step: str, agent_id: str, job_exe: JobExecution, job_type: JobType, configuration: ExecutionConfiguration
    ) -> None:
        super().__init__(configuration.get_task_id(step), agent_id, job_exe, job_type)
        self.task_type = step
        self.timeout_error_name = f"{step}-timeout"
        self.resources = configuration.get_resources(step)
        self.uses_docker = bool(job_exe.docker_image)
        self.docker_params = configuration.get_docker_params(step)
        self.command = configuration.get_command(step)
        self.command_arguments = configuration.get_args(step)
        self.env = configuration.get_env_vars(step)
        self._running_timeout_threshold = STEP_TIMEOUT

    def determine_error(self, task_update: TaskStatusUpdate) -> str | None:
        """A registered exit code says what went wrong; 1 and unknown ones say nothing."""
        if task_update.task_id != self.id:
            return None
        if not self.is_explained(task_update) and self.has_run(task_update) and task_update.exit_code in BY_EXIT_CODE:
            return BY_EXIT_CODE[task_update.exit_code]
        return self.consider_general_error(task_update)
