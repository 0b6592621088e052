"""The working directories of tasks: given out empty, taken back, emptied by a process of their own.

An empty one is used again where it is: where directories are made, moved and removed all the time, ext4 soon needs ten
times as long for every new file.
"""

from __future__ import annotations

import contextlib
import os

from scale.engines.local import places, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_RM = ("/bin/rm", "-rf", "--")
_MOST_AT_ONCE = 1000  # arguments of one rm
_MOST_SPARE = 256
_SURE = 0.1  # seconds; a change so soon after another one may have the same time on it


class Folders:
    """The part of the home where tasks work."""

    def __init__(self, home: str, keeper_id: str) -> None:
        self._work = f"{home}/{places.WORK}"
        self._place = f"{home}/{places.DIRECTORIES}"
        self._trash = f"{home}/{places.TRASH}"
        self._not_places = (self._trash, f"{home}/{places.EXECUTIONS}")
        self._env: Mapping[str, str] = {processes.KEEPER_MARK: keeper_id, processes.TASK_MARK: "remover"}
        self._remover = 0  # its pid
        self._is_full = True
        self._names = 0
        os.makedirs(self._trash, exist_ok=True)
        os.makedirs(self._place, exist_ok=True)
        self._spare: list[str] = []
        self._changed: dict[str, int] = {}  # when each one that was found empty had last been changed, by the file system
        self._usual = _looks(os.stat(self._place))
        self.empty_trash()

    def give(self) -> str:
        """An empty directory.

        :raises OSError: the disk will not have it
        """
        while self._spare:
            if os.access(spare := self._spare.pop(), os.F_OK):
                return spare
        return self._new()

    def _new(self) -> str:
        while True:
            directory = f"{self._place}/{self._unique()}"
            try:
                os.mkdir(directory)
            except FileExistsError:  # of a runner that had our pid
                continue
            except FileNotFoundError:  # somebody has removed the place
                os.makedirs(directory)
            return directory

    def _unique(self) -> str:
        self._names += 1
        return f"{os.getpid()}-{self._names}"

    def take_back(self, directory: str) -> None:
        """The task is forgotten; what it left there may go."""
        try:
            status = os.stat(directory)
            if status.st_ctime_ns == self._changed.get(directory):
                self._spare.append(directory)
            else:
                self._changed.pop(directory, None)
                self._look_into(directory, status)
        except OSError:  # the task has removed it, or made it such that nobody can
            self._changed.pop(directory, None)

    def _look_into(self, directory: str, status: os.stat_result) -> None:
        if os.listdir(directory):
            os.rename(directory, f"{self._trash}/{self._unique()}")
            self._is_full = True
            self.empty_trash()
        elif len(self._spare) < _MOST_SPARE and directory.startswith(self._place) and _looks(status) == self._usual:
            self._spare.append(directory)
            if status.st_ctime < processes.wall() - _SURE:
                self._changed[directory] = status.st_ctime_ns
        else:
            os.rmdir(directory)

    def remover_ended(self, pid: int) -> None:
        """A child has ended that is no task."""
        if pid == self._remover:
            self._remover = 0
            self.empty_trash()

    def empty_trash(self) -> None:
        if self._remover or not self._is_full:
            return
        self._is_full = False
        full = [f"{self._trash}/{name}" for name in os.listdir(self._trash)]
        if full:
            with contextlib.suppress(OSError):  # no rm: it stays until there is one
                command = [*_RM, *full[:_MOST_AT_ONCE]]
                self._remover = os.posix_spawn(_RM[0], command, self._env, setpgroup=0, setsigmask=())
            self._is_full = len(full) > _MOST_AT_ONCE

    def remove_strays(self, kept: Collection[str | None]) -> None:
        """Take back, once, the directories of tasks that nobody knows; other places are those of an earlier version."""
        for place in os.scandir(self._work):
            if place.path in self._not_places or not place.is_dir(follow_symlinks=False):
                continue
            for name in os.listdir(place.path):
                if (directory := f"{place.path}/{name}") not in kept:
                    self.take_back(directory)
            if place.path != self._place:
                with contextlib.suppress(OSError):  # not empty
                    os.rmdir(place.path)


def _looks(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mode, status.st_uid, status.st_gid
