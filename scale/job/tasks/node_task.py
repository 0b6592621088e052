"""A task of Scale's own on a node, outside any job."""

from __future__ import annotations

from datetime import timedelta

from scale.job.tasks.base_task import Task
from scale.kernel.resources import Resources


class NodeTask(Task):
    """Looks after one node."""

    def __init__(
        self, task_id: str, agent_id: str, *, task_type: str, title: str, description: str, running_timeout: timedelta
    ) -> None:
        super().__init__(task_id, f"Scale {title}", agent_id)
        self.task_type = task_type
        self.title = title
        self.description = description
        self._running_timeout_threshold = running_timeout

    def get_resources(self) -> Resources:
        return Resources(cpus=0.1, mem=32)
