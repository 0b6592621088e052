"""Schedulers that break a promise each, so that the simulation can show that it would notice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from scale.database import delete_rows
from scale.job.execution.job_exe import RunningJobExecution
from scale.job.models import TaskUpdate
from scale.job.tasks.base_task import Task
from scale.scheduler.allocations import Allocations
from scale.scheduler.placing import Placer
from scale.scheduler.process import Scheduler
from scale.scheduler.retention.tidier import Tidier


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


class StartsBeforeTheRecord(Scheduler):
    """starts what follows from a report before the report is recorded"""

    def reports(self, when: datetime) -> None:
        super().reports(when)
        for exe in self.job_exes.get_running_job_exes():
            if exe.is_next_task_ready():
                self._next.put(exe.cluster_id)


class KeepsStrangers(Scheduler):
    """lets run what nobody knows"""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.fleet.kill_strangers = lambda *_: None  # type: ignore[method-assign]


class IgnoresCancels(Scheduler):
    """goes on with what clients have canceled"""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.job_exes.sync_with_database = lambda: []  # type: ignore[method-assign]


class _Forgetful(Tidier):
    def _delete_jobs(self, ids: Sequence[int]) -> int:
        delete_rows(TaskUpdate, list(TaskUpdate.objects.values_list("pk", flat=True)))
        return super()._delete_jobs(ids)


class TidiesTooMuch(Scheduler):
    """deletes with what is old what is still needed"""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.tidier.__class__ = _Forgetful


MUTANTS = (
    AcknowledgesFirst,
    ForgetsWhatItCouldNotRecord,
    LaunchesWhatItAdopts,
    KeepsWhatIsFree,
    StartsBeforeTheRecord,
    KeepsStrangers,
    IgnoresCancels,
    TidiesTooMuch,
)
