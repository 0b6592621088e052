"""Removes what is older than it is to be kept: a bite of each kind a turn, and a minute's rest for each that is done with."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from scale.fact import tell
from scale.job.once.key import KEPT
from scale.job.once.services import submission_keys_delete
from scale.job.tasks.manager import TaskManager
from scale.kernel.ids import TaskId
from scale.scheduler.fence import Fence
from scale.scheduler.fleet import Fleet
from scale.scheduler.retention import services
from scale.scheduler.retention.leftovers import Leftovers
from scale.scheduler.retention.rules import Bite, Retention, Row, bite
from scale.scheduler.retention.selectors import jobs_page, keys_page, loads_page, task_updates_page, tasks_not_over

logger = logging.getLogger(__name__)

OUTPUTS = 500  #: of these at once
_REST = timedelta(minutes=1)


class Tidier:
    """Where it has come to, in memory: a new one begins at the oldest again, where there is little left to see."""

    def __init__(self, retention: Retention, tasks: TaskManager, fleet: Fleet, fence: Fence, leftovers: Leftovers) -> None:
        self._leftovers = leftovers
        self._retention = retention
        self._tasks = tasks
        self._fleet = fleet
        self._fence = fence
        self._updates_seen = 0
        self._jobs_seen = 0
        self._loads_seen = 0
        self._rested: dict[str, datetime] = {}  # when each kind of work was last done for the time being
        self._done: Counter[str] = Counter()

    def tidy(self, when: datetime) -> None:
        """Take the next bite of each kind that does not rest."""
        self._leftovers.remove(when)
        due = self._retention.due(when)
        self._take("task_updates", self._bite_updates, due.task_updates, when)
        self._take("jobs", self._bite_jobs, due.jobs, when)
        self._take("submission_keys", self._bite_keys, when - KEPT, when)
        self._take("loads", self._bite_loads, due.jobs, when)
        self._take("outputs", self._bite_outputs, due.logs, when)

    def _take(self, kind: str, bite_of: Callable[[datetime, datetime], bool], before: datetime | None, when: datetime) -> None:
        rested = self._rested.get(kind)
        if before is None or (rested is not None and timedelta() <= when - rested < _REST):
            return
        self._rested.pop(kind, None)
        if bite_of(before, when):
            return
        self._rested[kind] = when
        if done := self._done.pop(kind, 0):
            tell(logger, "tidied", **{kind: done})

    def _bite_updates(self, before: datetime, when: datetime) -> bool:
        found = _next(task_updates_page, self._updates_seen, services.UPDATES, before, when)
        if found.ids:
            with self._fence.writing():
                self._done["task_updates"] += services.task_updates_delete(ids=found.ids)
        self._updates_seen = found.then or 0
        return found.then is not None

    def _bite_keys(self, before: datetime, when: datetime) -> bool:
        found = _next(keys_page, 0, services.UPDATES, before, when)
        if found.ids:
            with self._fence.writing():
                self._done["submission_keys"] += submission_keys_delete(ids=found.ids)
        return bool(found.ids) and found.then is not None

    def _bite_jobs(self, before: datetime, when: datetime) -> bool:
        found = _next(jobs_page, self._jobs_seen, services.JOBS, before, when)
        gone = self._delete_jobs(found.ids) if found.ids else 0
        self._done["jobs"] += gone
        if gone < len(found.ids):
            return True  # the same page again: one had more than a batch takes, or somebody tries it anew
        self._jobs_seen = found.then or 0
        return found.then is not None

    def _delete_jobs(self, ids: Sequence[int]) -> int:
        with self._fence.writing():
            return services.jobs_delete(ids=ids)

    def _bite_loads(self, before: datetime, when: datetime) -> bool:
        found = _next(loads_page, self._loads_seen, services.LOADS, before, when)
        if found.ids:
            with self._fence.writing():
                self._done["loads"] += services.loads_delete(ids=found.ids)
        self._loads_seen = found.then or 0
        return found.then is not None

    def _bite_outputs(self, before: datetime, when: datetime) -> bool:
        gone = self._fleet.remove_output(before, lambda tasks: self._still_wanted(tasks, before), OUTPUTS)
        self._done["outputs"] += gone
        return gone >= OUTPUTS

    def _still_wanted(self, tasks: Sequence[TaskId], before: datetime) -> set[TaskId]:
        """What ran long and in silence looks old on the disk; how old it is, the database knows."""
        return {task for task in tasks if self._tasks.get_task(task)} | tasks_not_over(tasks, before)


def _next(page: Callable[[int, int], list[Row]], seen: int, size: int, before: datetime, when: datetime) -> Bite:
    return bite(page(seen, size), before, when, size)
