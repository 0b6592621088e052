"""The task before the job's program: brings its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scale.job.tasks.step_task import StepTask

if TYPE_CHECKING:
    from scale.job.execution.configuration import ExecutionConfiguration
    from scale.job.models import JobExecution, JobType


class PreTask(StepTask):
    def __init__(self, agent_id: str, job_exe: JobExecution, job_type: JobType, configuration: ExecutionConfiguration) -> None:
        super().__init__("pre", agent_id, job_exe, job_type, configuration)
