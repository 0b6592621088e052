"""The memory groups of one home: given to tasks, taken back, used again, removed when nothing is left in them."""

from __future__ import annotations

import contextlib
import os
import select
from collections import deque

from scale.engines.local import cgroups, disk, places, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

_MOST_SPARE = 64
_MOST_OPEN = 64
_ROUNDS, _BETWEEN = 100, 0.01  # how often we try to remove what has just been left, and how many seconds apart


class Groups:
    """A folder of groups, beside or within the group that we are in; it is looked for when the first one is needed.

    :param shortage: an eventfd to be told when memory is short in one of them, where the kernel does not kill all that is in it
    """

    def __init__(self, keeper_id: str, shortage: int) -> None:
        self._name = f"scale-{keeper_id}"
        self._shortage = shortage
        self._folder = ""
        self._version = cgroups.V1
        self._home = -1  # the members of the group that we are in ourselves
        self._is_sought = False
        self._open = 0  # groups that hold files open
        self._spare: deque[cgroups.Group] = deque()  # the longest unused first
        self._left: deque[cgroups.Group] = deque()  # their tasks are over, but some process is in them
        self._made = 0

    def can_be_made(self) -> bool:
        if not self._is_sought:
            self._is_sought = True
            if found := cgroups.find(self._name):
                own, self._folder, self._version = found
                self._home = os.open(f"{own}/{self._version.members}", os.O_WRONLY | os.O_CLOEXEC)
                _remember([*_remembered(), self._folder])
        return bool(self._folder)

    def give(self, limit: float) -> cgroups.Group:
        """One with this limit, in MiB; to be asked for only where they can be made.

        :raises OSError: the kernel will not have it
        """
        self._remove_one_left()
        if (spare := self._taken_from_spare(limit)) is not None:
            if spare.begin_anew():
                return spare
            self._give_up(spare)
        self._made += 1
        group = cgroups.Group(f"{self._folder}/{os.getpid()}-{self._made}", limit, self._version)
        group.make()
        if self._open < _MOST_OPEN and group.version.is_reusable:
            group.keep_open()
            self._open += 1
        self.hear_of_shortage(group)
        return group

    def _taken_from_spare(self, limit: float) -> cgroups.Group | None:
        """The one used last, as a rule."""
        for back, group in enumerate(reversed(self._spare)):
            if group.limit == limit:
                del self._spare[-1 - back]
                return group
        return None

    def take_back(self, group: cgroups.Group) -> None:
        if not group.is_free or os.path.dirname(group.path) != self._folder:
            self._give_up(group)
            return
        self._spare.append(group)
        if len(self._spare) > _MOST_SPARE:
            self._give_up(self._spare.popleft())

    def go_home(self) -> None:
        """Leave the group of a task. We must not stay in it."""
        os.pwrite(self._home, b"0", 0)

    def hear_of_shortage(self, group: cgroups.Group) -> None:
        """The first version kills one process at a time; we are to see to the others."""
        if group.version is cgroups.V1:
            with contextlib.suppress(OSError):
                about = os.open(f"{group.path}/{cgroups.V1.kills}", os.O_RDONLY | os.O_CLOEXEC)
                try:
                    cgroups.write(f"{group.path}/cgroup.event_control", b"%d %d" % (self._shortage, about))
                finally:
                    os.close(about)

    def remove_old(self, kept: Collection[str]) -> None:
        """Remove the groups that earlier runners have left, but these."""
        _remember([folder for folder in _remembered() if not _removed(folder, kept)])

    def remove_all(self) -> None:
        """Nobody needs them any more; those that have a process in them yet are tried again for a moment."""
        for _ in range(_ROUNDS):
            self.remove_old(())
            if not _remembered():
                return
            select.select((), (), (), _BETWEEN)

    def _give_up(self, group: cgroups.Group) -> None:
        self._open -= group.is_open
        group.close()
        if not group.remove():
            self._left.append(group)

    def _remove_one_left(self) -> None:
        if self._left:
            self._give_up(self._left.popleft())


def _removed(folder: str, kept: Collection[str]) -> bool:
    """Whether it is gone, with all its groups."""
    try:
        paths = [entry.path for entry in os.scandir(folder) if entry.is_dir()]
        for path in paths:
            if path not in kept:
                with contextlib.suppress(OSError):
                    os.rmdir(path)
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _remembered() -> list[str]:
    """The folders that this home has ever used and that may be there."""
    try:
        return processes.read(places.GROUPS).decode().split()
    except OSError:
        return []


def _remember(folders: list[str]) -> None:
    with contextlib.suppress(OSError):
        if folders or os.path.exists(places.GROUPS):
            disk.replace(places.GROUPS, "\n".join(dict.fromkeys(folders)).encode())
