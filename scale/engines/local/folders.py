"""The working directories of tasks: given out empty, taken back, emptied by a process of their own.

An empty one is used again under its next task's name: where directories are made and removed all the time, ext4 soon
needs ten times as long for every new file.
"""

from __future__ import annotations

import contextlib
import os

from scale.engines.local import disk, places, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_RM = ("/bin/rm", "-rf", "--")
_MOST_AT_ONCE = 1000  # arguments of one rm
_MOST_SPARE = 256


class Folders:
    """The part of the home where tasks work."""

    def __init__(self, home: str, keeper_id: str) -> None:
        self._work = f"{home}/{places.WORK}"
        self._trash = f"{home}/{places.TRASH}"
        self._spare_place = f"{home}/{places.SPARE}"
        self._env: Mapping[str, str] = {processes.KEEPER_MARK: keeper_id, processes.TASK_MARK: "remover"}
        self._remover = 0  # its pid
        self._is_full = True
        self._moved = 0
        os.makedirs(self._trash, exist_ok=True)
        os.makedirs(self._spare_place, exist_ok=True)
        self._spare = [f"{self._spare_place}/{name}" for name in os.listdir(self._spare_place)]
        self._usual = self._looks(self._spare_place)
        self.empty_trash()

    def give(self, day: str, name: str) -> str:
        """An empty directory of this name.

        :raises OSError: the disk will not have it
        """
        directory = f"{self._work}/{day}/{name}"
        if self._spare and self._renamed(self._spare.pop(), directory):
            return directory
        try:
            os.mkdir(directory)
        except FileNotFoundError:
            os.makedirs(directory)
        return directory

    def _renamed(self, spare: str, directory: str) -> bool:
        try:
            os.rename(spare, directory)
        except OSError as error:
            if disk.is_full(error):
                self._spare.append(spare)
                raise
            return False
        return True

    def take_back(self, directory: str) -> None:
        """The task is forgotten; what it left there may go."""
        self._moved += 1
        unique = f"{os.getpid()}-{self._moved}"
        try:
            if os.listdir(directory):
                os.rename(directory, f"{self._trash}/{unique}")
                self._is_full = True
                self.empty_trash()
            elif len(self._spare) < _MOST_SPARE and self._looks(directory) == self._usual:
                spare = f"{self._spare_place}/{unique}"
                os.rename(directory, spare)
                self._spare.append(spare)
            else:
                os.rmdir(directory)
        except OSError:  # the task has removed it, or made it such that nobody can
            pass

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
                self._remover = os.posix_spawn(_RM[0], [*_RM, *full[:_MOST_AT_ONCE]], self._env, setpgroup=0)
            self._is_full = len(full) > _MOST_AT_ONCE

    def remove_strays(self, kept: Collection[str | None], today: str) -> None:
        """Take back the directories of tasks that nobody knows, and remove the days that are empty then."""
        for day in places.days(self._work):
            for name in os.listdir(f"{self._work}/{day}"):
                if (directory := f"{self._work}/{day}/{name}") not in kept:
                    self.take_back(directory)
            if day != today:
                with contextlib.suppress(OSError):  # not empty
                    os.rmdir(f"{self._work}/{day}")

    def _looks(self, directory: str) -> tuple[int, int, int]:
        status = os.stat(directory)
        return status.st_mode, status.st_uid, status.st_gid
