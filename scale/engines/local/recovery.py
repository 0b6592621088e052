"""What a new runner learns from the journal, the guardian and /proc about tasks that were started before it."""

from __future__ import annotations

from scale.engines.local import places, processes
from scale.engines.local.journal import records
from scale.engines.local.task import Task, remembered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_GAP = 0.05  # seconds between the plan to start a process and the pid of it, at most


class Found:
    """The tasks, by how the runner has to go on with them."""

    def __init__(self, tasks: dict[str, Task]) -> None:
        self.tasks = tasks
        self.guarded: list[Task] = []  #: children of the guardian, which will tell us their end
        self.strange: list[Task] = []  #: nobody's children: only that they end can be seen, not how
        self.over: list[Task] = []  #: gone; the guardian may have seen how


def recover(keeper_id: str, guardian: int) -> Found:
    """Look at every task without an end. To be called before the guardian's file of orphans is read."""
    found = Found(remembered(records(places.JOURNAL), processes.boot_id()))
    open_tasks = [task for task in found.tasks.values() if task.end is None]
    _find_pids([task for task in open_tasks if not task.pid], keeper_id)
    for task in open_tasks:
        task.is_child = False
        stat = processes.stat_of(task.pid) if task.pid else None
        if stat is None or not task.is_process(stat):
            found.over.append(task)
        elif stat.parent == guardian:
            found.guarded.append(task)
        else:
            found.strange.append(task)
    return found


def _find_pids(tasks: list[Task], keeper_id: str) -> None:
    """Tasks whose start was not written down any more: their mark tells which process they are."""
    if not tasks:
        return
    wanted = {(keeper_id, task.id): task for task in tasks}
    for stat in processes.living():
        if stat.group == stat.pid and (task := wanted.get(processes.marks_of(stat.pid) or ("", ""))):
            task.pid, task.before, task.after = stat.pid, stat.start, stat.start


def unrecorded(tasks: Iterable[Task], ends: Iterable[dict[str, Any]]) -> None:
    """A task that was started, ended, and seen by the guardian before the old runner could write down its pid.

    There is one such task at most. Its end is the one of a process that started right after it was to be started; when
    there are two of those, a task's daemon among them, we do not know.
    """
    for task in tasks:
        if task.end is None and not task.pid:
            close = [end for end in ends if processes.is_between(end["start"], task.before, task.before + _GAP)]
            if len(close) == 1:
                task.pid = close[0]["pid"]
                task.after = task.before + _GAP
