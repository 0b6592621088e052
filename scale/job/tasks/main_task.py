"""The task that runs the job's own program."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from scale.error.catalog import BY_EXIT_CODE
from scale.job.tasks.exe_task import JobExecutionTask
from scale.job.tasks.update import TaskStatus, TaskStatusUpdate
from scale.kernel.sharing import shared

if TYPE_CHECKING:
    from scale.job.execution.configuration import ExecutionConfiguration
    from scale.job.models import JobExecution, JobType

#: system job types whose timeouts have a name of their own
TIMEOUT_ERRORS = {"scale-ingest": "ingest-timeout"}


class MainTask(JobExecutionTask):
    task_type = "main"

    def __init__(self, agent_id: str, job_exe: JobExecution, job_type: JobType, configuration: ExecutionConfiguration) -> None:
        super().__init__(configuration.get_task_id("main"), agent_id, job_exe, job_type)
        self.is_system = job_type.is_system
        self.error_mapping = job_type.error_mapping
        own = TIMEOUT_ERRORS.get(job_type.name, "timeout")
        self.timeout_error_name = "system-timeout" if self.is_system and own == "timeout" else own
        self.resources = configuration.get_resources("main")
        if job_exe.docker_image:
            self.docker_image = shared(job_exe.docker_image)
            self.uses_docker = True
            self.docker_params = configuration.get_docker_params("main")
        self.command = configuration.get_command("main")
        self.command_arguments = configuration.get_args("main")
        self.env = configuration.get_env_vars("main")
        if secrets := configuration.get_secrets("main"):
            self.secrets = secrets
        self.working_dir = configuration.get_working_dir("main")
        is_endless = job_type.is_long_running or not job_exe.timeout
        self._running_timeout_threshold = None if is_endless else shared(timedelta(seconds=job_exe.timeout))

    def determine_error(self, task_update: TaskStatusUpdate) -> str | None:
        """An exit code means what the job type says it means; so does a signal that was none of ours."""
        if task_update.task_id != self.id:
            return None
        if self.is_explained(task_update):
            return self.consider_general_error(task_update)
        if self.is_system:
            if task_update.exit_code in BY_EXIT_CODE:
                return BY_EXIT_CODE[task_update.exit_code]
        elif self.has_run(task_update) and task_update.exit_code:
            return self.error_mapping.get(task_update.exit_code, "algorithm-unknown")
        elif self.has_run(task_update) and task_update.signal is not None and task_update.status is TaskStatus.FAILED:
            return "algorithm-unknown"
        return self.consider_general_error(task_update)
