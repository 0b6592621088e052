"""Schedulers that break a promise each, so that the simulation can show that it would notice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from scale.job.execution.job_exe import RunningJobExecution
from scale.job.tasks.base_task import Task
from scale.scheduler.allocations import Allocations
from scale.scheduler.placing import Placer
from scale.scheduler.process import Scheduler


class AcknowledgesFirst(Scheduler):
    """lets the engine forget an end before it is recorded"""

    def persist(self, when: datetime) -> None:
        drained = self.inbox.drain()
        self.fleet.acknowledge(drained.ends)
        self._unsent = (drained, self.job_exes.get_messages())
        super().persist(when)


class ForgetsWhatItCouldNotRecord(Scheduler):
    """drops what a turn before could not record"""

    def persist(self, when: datetime) -> None:
        self._unsent = None
        super().persist(when)


class LaunchesWhatItAdopts(Scheduler):
    """starts what ran before without asking whether it runs"""

    _adopted: list[Task]

    def _adopt(self, when: datetime) -> list[Task]:
        self._adopted = super()._adopt(when)
        return self._adopted

    def schedule(self, when: datetime) -> None:
        self.fleet.launch(self._adopted, when)
        self._adopted = []
        super().schedule(when)


class _FreesSome(Allocations):
    def remove(self, exes: Iterable[RunningJobExecution]) -> None:
        super().remove(list(exes)[1:])


class KeepsWhatIsFree(Scheduler):
    """does not free all that was held"""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.allocations = _FreesSome()
        self.placer = Placer(self.nodes, self.allocations, self._fence)


MUTANTS = (AcknowledgesFirst, ForgetsWhatItCouldNotRecord, LaunchesWhatItAdopts, KeepsWhatIsFree)
