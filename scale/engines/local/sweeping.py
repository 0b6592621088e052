"""Signals all the processes of tasks: their groups, and those that left their group but carry the task's mark."""

from __future__ import annotations

import signal

from scale.engines.local import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from scale.engines.local.task import Task

_ROUNDS = 50  # a process may start another while we look


class Sweeper:
    """Knows the mark that all our tasks carry."""

    def __init__(self, keeper_id: str) -> None:
        self._keeper_id = keeper_id

    def signal(self, tasks: Iterable[Task], number: int) -> None:
        """Signal what belongs to these tasks; of a task that is not to be killed, only its group."""
        tasks = list(tasks)
        groups = {task.pid for task in tasks if task.is_child and task.runs}
        for group in groups:
            processes.signal_group(group, number)
        others = {task.pid for task in tasks if task.pid not in groups and _is_its_group(task)}
        marks = {(self._keeper_id, task.id) for task in tasks if task.killed or task.is_over}
        for stat in processes.living():
            if stat.group not in groups and (stat.group in others or (marks and processes.marks_of(stat.pid) in marks)):
                processes.signal_one(stat, number)

    def kill_everything(self) -> None:
        """End all processes that any of our tasks has started."""
        for _ in range(_ROUNDS):
            left = [stat for stat in processes.living() if (processes.marks_of(stat.pid) or ("", ""))[0] == self._keeper_id]
            if not left:
                return
            for stat in left:
                processes.signal_one(stat, signal.SIGKILL)


def _is_its_group(task: Task) -> bool:
    """Whether the group with the task's pid is the task's: not when another process has that pid now, or had it at boot."""
    if task.pid <= 0 or task.before < 0:
        return False
    stat = processes.stat_of(task.pid)
    return stat is None or task.is_process(stat)
