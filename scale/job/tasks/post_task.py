"""The task after the job's program: collects its output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scale.job.tasks.step_task import StepTask

if TYPE_CHECKING:
    from scale.job.execution.configuration import ExecutionConfiguration
    from scale.job.models import JobExecution, JobType


class PostTask(StepTask):
    def __init__(self, agent_id: str, job_exe: JobExecution, job_type: JobType, configuration: ExecutionConfiguration) -> None:
        super().__init__("post", agent_id, job_exe, job_type, configuration)
