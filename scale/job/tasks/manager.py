"""The tasks that are launched now, whoever owns them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from queue import SimpleQueue
from typing import Any

from scale.job.tasks.base_task import Task
from scale.job.tasks.exe_task import JobExecutionTask
from scale.job.tasks.update import LOST, RUNNING, TaskStatusUpdate
from scale.kernel.deadlines import Deadlines
from scale.kernel.locks import OwnedLock
from scale.kernel.sharing import shared


class TaskManager:
    """Thread-safe. A task is here from its launch until it has ended or is lost."""

    def __init__(self) -> None:
        self._lock = OwnedLock()
        self._tasks: dict[str, Task] = {}
        self._node_tasks: dict[str, Task] = {}  # those of them that are not of an execution
        self._told_late: set[str] = set()
        self._deadlines: Deadlines[str] = Deadlines()  # of every task, or of what it was before
        self._alarms: SimpleQueue[str] = SimpleQueue()  # tasks of which somebody wants something
        self._alarm = self._alarms.put
        self._in_hand: dict[str, Task] = {}  # tasks that may be late, silent or unwanted

    def launch_tasks(self, tasks: Iterable[Task], when: datetime) -> None:
        for task in tasks:
            task.launch(when)
            with self._lock:
                self._tasks.setdefault(task.id, task)
                task.watch(self._alarm)
                self._watch(task)
                if not isinstance(task, JobExecutionTask):
                    self._node_tasks.setdefault(task.id, task)

    def handle_task_update(self, task_update: TaskStatusUpdate) -> None:
        self.handle_task_updates([task_update])

    def handle_task_updates(self, task_updates: Iterable[TaskStatusUpdate]) -> list[Task | None]:
        """Pass each update on; returns the task of each, if it is launched."""
        with self._lock, Task.lock:
            return [self._tell(task_update) for task_update in task_updates]

    def _tell(self, task_update: TaskStatusUpdate) -> Task | None:
        """The caller holds the lock, and that of all tasks."""
        task_id = task_update.task_id
        if (task := self._tasks.get(task_id)) is None:
            return None
        task.take(task_update)
        if task.ended is not None or task_update.status is LOST:
            del self._tasks[task_id]
            self._node_tasks.pop(task_id, None)
            self._told_late.discard(task_id)
            self._in_hand.pop(task_id, None)
        elif task_update.status is RUNNING and task.due() < task.watched_until:
            self._watch(task)
        return task

    def get_task(self, task_id: str) -> Task | None:
        with self._lock:
            return self._tasks.get(task_id)

    def get_all_tasks(self) -> list[Task]:
        with self._lock:
            return list(self._tasks.values())

    def get_tasks_to_kill(self) -> list[Task]:
        with self._lock:
            self._hear_alarms()
            return [task for task in self._in_hand.values() if task.needs_killed()]

    def get_tasks_to_reconcile(self, when: datetime) -> list[Task]:
        with self._lock:
            self._look(when)
            return [task for task in self._in_hand.values() if task.needs_reconciliation(when)]

    def get_timeout_tasks(self, when: datetime) -> list[Task]:
        """The tasks that have run over their time since this was last asked; each is named once."""
        with self._lock:
            self._look(when)
            late = [task for task in self._in_hand.values() if task.check_timeout(when)]
            news = [task for task in late if task.id not in self._told_late]
            self._told_late.update(task.id for task in news)
            return news

    def _watch(self, task: Task) -> None:
        """The caller of this and of the next two holds the lock."""
        task.watched_until = shared(task.due())
        self._deadlines.add(task.watched_until, task.id)

    def _hear_alarms(self) -> None:
        while not self._alarms.empty():
            if (task := self._tasks.get(self._alarms.get())) is not None:
                self._in_hand[task.id] = task

    def _look(self, when: datetime) -> None:
        """Take in hand the tasks about which there may be something to do, and let go of the others."""
        self._hear_alarms()
        due = [self._tasks[task_id] for task_id in self._deadlines.take_due(when) if task_id in self._tasks]
        self._in_hand.update((task.id, task) for task in due)
        for task in [task for task in self._in_hand.values() if task.due() > when]:
            del self._in_hand[task.id]
            self._watch(task)

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
