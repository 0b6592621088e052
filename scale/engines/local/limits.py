"""Holds tasks to the memory they asked for: by the kernel's groups where it lets us, else by watching them."""

from __future__ import annotations

import contextlib
import os

from scale.engines.local import processes, watching, wire
from scale.engines.local.groups import Groups
from scale.engines.local.launching import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from scale.engines.local.task import Task

AUTO, CGROUP, WATCH, OFF = "auto", "cgroup", "watch", "off"
_SOON = 0.02  # seconds from the news that memory is short until the kernel's kill is counted


class Limits:
    """A task over its limit is killed whole. ``mode`` is what the engine wishes."""

    def __init__(self, keeper_id: str, groups: Groups | None = None) -> None:
        self.mode = AUTO
        self.look_at: float | None = None  #: when to look whether a task is over its limit
        self.shortage = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)  #: readable when memory is short in some group
        self._groups = groups or Groups(keeper_id, self.shortage)
        self._watcher = watching.Watcher()

    # Before and after

    def recover(self, tasks: Iterable[Task]) -> None:
        """Take up the limits of tasks that an earlier runner has started; other groups of its are removed."""
        tasks = list(tasks)
        self._groups.remove_old({task.group.path for task in tasks if task.group})
        for task in tasks:
            if task.group:
                self._groups.hear_of_shortage(task.group)
                self.look_at = processes.now()  # it may have been short while nobody was there
            self.began(task)

    def leave(self) -> None:
        self._groups.remove_all()

    # A task's life

    def prepare(self, task: Task) -> None:
        """Before it is started: give it a group, if there are any.

        :raises Refused: there is none, but there must be
        """
        if task.limit <= 0 or self.mode == OFF:
            task.limit = 0.0
        elif self.mode != WATCH and self._groups.can_be_made():
            try:
                task.group = self._groups.give(task.limit)
            except OSError as error:
                raise Refused(wire.LAUNCH_FAILED, f"its memory group cannot be made: {error.strerror}") from None
        elif self.mode == CGROUP:
            raise Refused(wire.LAUNCH_FAILED, "its memory cannot be limited: the kernel has no group for it")

    def enter(self, task: Task) -> None:
        """What is started from now on belongs to the task; go home after that, come what may.

        :raises Refused: its group cannot be used
        """
        if task.group:
            try:
                task.group.enter()
            except OSError as error:
                raise Refused(wire.LAUNCH_FAILED, f"its memory group cannot be used: {error.strerror}") from None

    def go_home(self, task: Task) -> None:
        if task.group:
            self._groups.go_home()

    def began(self, task: Task) -> None:
        if task.limit and task.runs and task.group is None:
            self._watcher.watch(task)
            self.look_at = self.look_at or processes.now() + watching.EVERY

    def ended(self, task: Task) -> float:
        """Take its group back, and note whether the kernel killed in it; its peak in MiB, 0 when there is none to be told."""
        self._watcher.forget(task)
        group, task.group = task.group, None
        if group is None:
            return 0.0
        kills, peak = group.finish()
        task.is_over = task.is_over or kills > 0
        self._groups.take_back(group)
        return peak

    # Over the limit

    def memory_is_short(self) -> None:
        """The kernel says so of some group."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.shortage)
        self.look_at = processes.now() + _SOON

    def over(self, running: Collection[Task]) -> list[Task]:
        """Those that have got over their limit since the last look: they are to be killed."""
        self.look_at = None
        found = [task for task in running if task.group and not task.is_over and task.group.kills() > 0]
        if self._watcher.is_needed:
            found += self._watcher.over()
            self.look_at = processes.now() + watching.EVERY
        for task in found:
            task.is_over = True
        return found
