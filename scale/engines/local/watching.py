"""Sees when a task has got over its memory, where the kernel has no groups for us: one look at /proc now and then."""

from __future__ import annotations

from scale.engines.local import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scale.engines.local.task import Task

EVERY = 0.2  # seconds between two looks; each costs some 20 microseconds a process of the machine


class Watcher:
    """Knows the tasks to be watched; while there are none, it costs nothing."""

    def __init__(self) -> None:
        self._tasks: dict[int, Task] = {}

    @property
    def is_needed(self) -> bool:
        return bool(self._tasks)

    def watch(self, task: Task) -> None:
        self._tasks[task.pid] = task

    def forget(self, task: Task) -> None:
        self._tasks.pop(task.pid, None)

    def over(self) -> list[Task]:
        """The tasks that have more memory than they may."""
        found = []
        for leader, members in families(self._tasks, processes.living()).items():
            limit = self._tasks[leader].limit
            # pages that several of them have are in the first sum several times; to tell them apart is dear
            if sum(stat.resident for stat in members) > limit and sum(map(_own_share, members)) > limit:
                found.append(self._tasks[leader])
        return found


def families(leaders: Mapping[int, object], living: Iterable[processes.Stat]) -> dict[int, list[processes.Stat]]:
    """Of each leader the processes of its group, and their descendants whose parents live. Pure."""
    stats = {stat.pid: stat for stat in living}
    found: dict[int, list[processes.Stat]] = {}
    for stat in stats.values():
        ancestor: processes.Stat | None = stat
        while ancestor and ancestor.group not in leaders:
            ancestor = stats.get(ancestor.parent)
        if ancestor:
            found.setdefault(ancestor.group, []).append(stat)
    return found


def _own_share(stat: processes.Stat) -> float:
    """MiB, with what it shares with others divided among them."""
    try:
        rollup = processes.read(f"/proc/{stat.pid}/smaps_rollup")
        return int(rollup.partition(b"\nPss:")[2].split(None, 1)[0]) / 1024
    except (OSError, ValueError, IndexError):  # gone, or closed to us
        return stat.resident if processes.stat_of(stat.pid) else 0.0
