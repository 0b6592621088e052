"""Removes the directories of executions that are over, those of a scheduler before us among them."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from datetime import datetime, timedelta
from pathlib import Path

from scale.fact import warn
from scale.job.execution.manager import JobExecutionManager
from scale.job.execution.selectors import executions_running
from scale.scheduler.placement.preparing import EXECUTIONS

logger = logging.getLogger(__name__)

_EVERY = timedelta(seconds=1)
_MOST = 500  #: directories that are asked after at once


class Leftovers:
    """An execution's directory goes once its end is recorded, and nobody knows of a task of it."""

    def __init__(self, home: Path, job_exes: JobExecutionManager) -> None:
        self._place = home / EXECUTIONS
        self._job_exes = job_exes
        self._looked: datetime | None = None
        self._stuck: set[str] = set()  # that cannot be removed

    def remove(self, when: datetime) -> int:
        """Remove what there is, if it is time to look again; returns how many."""
        if self._looked is not None and timedelta() <= when - self._looked < _EVERY:
            return 0
        self._looked = when
        unknown = self._unknown()[:_MOST]
        over = set(unknown) - executions_running(unknown) if unknown else set()
        return sum(map(self._remove, sorted(over)))

    def _unknown(self) -> list[str]:
        try:
            names = os.listdir(self._place)
        except OSError:
            return []
        return [name for name in names if name not in self._stuck and self._job_exes.get_running_job_exe(name) is None]

    def _remove(self, name: str) -> bool:
        path = str(self._place / name)
        try:
            shutil.rmtree(path, ignore_errors=True)
            if os.path.lexists(path):
                _open(path)
                shutil.rmtree(path)
        except OSError as error:
            self._stuck.add(name)
            warn(logger, "directory-not-removed", path=path, why=error.strerror)
            return False
        return True


def _open(path: str) -> None:
    """A program may have closed its directories to everybody, itself included."""
    os.chmod(path, stat.S_IRWXU)
    for folder, inside, _ in os.walk(path):
        for name in inside:
            if not os.path.islink(one := os.path.join(folder, name)):
                os.chmod(one, stat.S_IRWXU)
