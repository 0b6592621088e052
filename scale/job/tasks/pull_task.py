"""The first task of an execution: pulls the image onto the node."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING

from scale.job.tasks.exe_task import JobExecutionTask
from scale.job.tasks.update import TaskStatusUpdate

if TYPE_CHECKING:
    from scale.job.execution.configuration import ExecutionConfiguration
    from scale.job.models import JobExecution, JobType

PULL_TIMEOUT = timedelta(minutes=30)
_DANGLING = "docker images -q --filter dangling=true | xargs -r docker rmi || true"


class PullTask(JobExecutionTask):
    def __init__(self, agent_id: str, job_exe: JobExecution, job_type: JobType, configuration: ExecutionConfiguration) -> None:
        super().__init__(configuration.get_task_id("pull"), agent_id, job_exe, job_type)
        self.task_type = "pull"
        self.timeout_error_name = "pull-timeout"
        self.resources = configuration.get_resources("pull")
        self.command = ("/bin/sh", "-c", f"docker pull {shlex.quote(job_exe.docker_image)} && {{ {_DANGLING}; }}")
        self._running_timeout_threshold = PULL_TIMEOUT

    def determine_error(self, task_update: TaskStatusUpdate) -> str | None:
        """Whatever happened, the pull failed."""
        return "pull" if task_update.task_id == self.id else None
