"""The tasks that are launched now, whoever owns them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from scale.job.tasks.base_task import Task
from scale.job.tasks.exe_task import JobExecutionTask
from scale.job.tasks.update import TaskStatus, TaskStatusUpdate
from scale.kernel.locks import OwnedLock


class TaskManager:
    """Thread-safe. A task is here from its launch until it has ended or is lost."""

    def __init__(self) -> None:
        self._lock = OwnedLock()
        self._tasks: dict[str, Task] = {}
        self._node_tasks: dict[str, Task] = {}  # those of them that are not of an execution
        self._told_late: set[str] = set()

    def launch_tasks(self, tasks: Iterable[Task], when: datetime) -> None:
        for task in tasks:
            task.launch(when)
            with self._lock:
                self._tasks.setdefault(task.id, task)
                if not isinstance(task, JobExecutionTask):
                    self._node_tasks.setdefault(task.id, task)

    def handle_task_update(self, task_update: TaskStatusUpdate) -> None:
        self.handle_task_updates([task_update])

    def handle_task_updates(self, task_updates: Iterable[TaskStatusUpdate]) -> list[Task | None]:
        """Pass each update on; returns the task of each, if it is launched."""
        with self._lock:
            return [self._tell(task_update) for task_update in task_updates]

    def _tell(self, task_update: TaskStatusUpdate) -> Task | None:
        """The caller holds the lock."""
        task = self._tasks.get(task_update.task_id)
        if task is not None:
            task.update(task_update)
            if task.has_ended or task_update.status is TaskStatus.LOST:
                del self._tasks[task_update.task_id]
                self._node_tasks.pop(task_update.task_id, None)
                self._told_late.discard(task_update.task_id)
        return task

    def get_task(self, task_id: str) -> Task | None:
        with self._lock:
            return self._tasks.get(task_id)

    def get_all_tasks(self) -> list[Task]:
        with self._lock:
            return list(self._tasks.values())

    def get_tasks_to_kill(self) -> list[Task]:
        return [task for task in self.get_all_tasks() if task.needs_killed()]

    def get_tasks_to_reconcile(self, when: datetime) -> list[Task]:
        return [task for task in self.get_all_tasks() if task.needs_reconciliation(when)]

    def get_timeout_tasks(self, when: datetime) -> list[Task]:
        """The tasks that have run over their time since this was last asked; each is named once."""
        late = [task for task in self.get_all_tasks() if task.check_timeout(when)]
        with self._lock:
            news = [task for task in late if task.id not in self._told_late and task.id in self._tasks]
            self._told_late.update(task.id for task in news)
        return news

    def generate_status_json(self, nodes_list: list[dict[str, Any]]) -> None:
        """Write ``node_tasks`` and ``system_tasks`` into the nodes, which carry ``agent_id``."""
        told = self.node_tasks()
        for node in nodes_list:
            node["node_tasks"] = told.get(node.get("agent_id", ""), [])
            node["system_tasks"] = []

    def node_tasks(self) -> dict[str, list[dict[str, Any]]]:
        """By agent, its tasks that are not of an execution, counted by kind."""
        with self._lock:
            tasks = list(self._node_tasks.values())
        counts = Counter((task.agent_id, task.task_type, task.title, task.description) for task in tasks if task.agent_id)
        told: dict[str, list[dict[str, Any]]] = {}
        for (agent_id, kind, title, description), count in sorted(counts.items()):
            row = {"type": kind, "title": title, "description": description, "count": count}
            told.setdefault(agent_id, []).append(row)
        return told
