"""One report in, every manager told, in order. What is to be done about it is handed back, to be done outside every lock."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scale.engines.protocol import NodeReport, Report, TaskReport
from scale.fact import tell
from scale.job.execution.job_exe import RunningJobExecution
from scale.job.execution.manager import JobExecutionManager
from scale.job.models import TaskUpdate
from scale.job.tasks.manager import TaskManager
from scale.job.tasks.update import ENDED, TaskStatusUpdate
from scale.kernel.ids import execution_of, parse_cluster_id
from scale.kernel.locks import OwnedLock
from scale.node.manager import NodeManager
from scale.scheduler.rates import Rates

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What a turn's reports lead to."""

    finished: list[RunningJobExecution] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)  #: tasks that run for nobody, to be killed
    returned: list[str] = field(default_factory=list)  #: agent ids of nodes that came back
    nodes_changed: bool = False

    @property
    def concerns_placement(self) -> bool:
        return bool(self.finished or self.nodes_changed)


@dataclass(frozen=True, slots=True)
class Recordable:
    """What the database must learn of reports, and what may be done once it has: not before, or a crash would not know of it."""

    updates: tuple[TaskUpdate, ...]
    ends: tuple[tuple[str, str], ...]  #: engine, task id: the engine may forget these ends
    ready: tuple[str, ...]  #: cluster ids of executions whose next task may start


class Inbox:
    """Thread-safe."""

    def __init__(self, tasks: TaskManager, job_exes: JobExecutionManager, nodes: NodeManager, rates: Rates) -> None:
        self._tasks = tasks
        self._job_exes = job_exes
        self._nodes = nodes
        self._rates = rates
        self._lock = OwnedLock()
        self._updates: list[TaskUpdate] = []
        self._ends: list[tuple[str, str]] = []
        self._ready: list[str] = []

    def take(self, engine: str, reports: Sequence[Report], heard: datetime) -> Outcome:
        """Tell every manager of each report: the task first, then its execution, so that both agree."""
        outcome = Outcome()
        for report in reports:
            if isinstance(report, NodeReport):
                self._take_node(engine, report, outcome)
            else:
                self._take_task(engine, report, heard, outcome)
        if outcome.strangers:
            over = {report.task_id for report in reports if isinstance(report, TaskReport) and report.state.is_end}
            outcome.strangers = [task_id for task_id in outcome.strangers if task_id not in over]
        return outcome

    def drain(self) -> Recordable:
        """Hand over what was taken; what the managers have to say of it, they can say by now."""
        with self._lock:
            updates, self._updates = self._updates, []
            ends, self._ends = self._ends, []
            ready, self._ready = self._ready, []
        return Recordable(tuple(updates), tuple(ends), tuple(ready))

    def _take_node(self, engine: str, report: NodeReport, outcome: Outcome) -> None:
        before = self._nodes.handle_report(engine, report)
        outcome.nodes_changed = True
        if report.is_online and before is not None and not before.is_online:
            outcome.returned.append(report.node)

    def _take_task(self, engine: str, report: TaskReport, heard: datetime, outcome: Outcome) -> None:
        exe = self._job_exes.get_running_job_exe(parse_cluster_id(report.task_id))
        update = _update(report, heard)
        news = TaskStatusUpdate(update, report.node, _data(report), heard=heard)
        task = self._tasks.get_task(report.task_id)
        self._tasks.handle_task_update(news)
        finished = self._job_exes.handle_task_update(news)
        if finished is not None:
            outcome.finished.append(finished)
        if task is None and not report.state.is_end:
            outcome.strangers.append(report.task_id)
        _tell(report)
        self._rates.count("task_updates")
        self._rates.count("tasks_finished", news.status in ENDED)
        self._rates.count("jobs_finished", finished is not None)
        self._keep(engine, report, update, exe)

    def _keep(self, engine: str, report: TaskReport, update: TaskUpdate, exe: RunningJobExecution | None) -> None:
        """Last of all: whoever finds an end here finds its consequences with the managers."""
        with self._lock:
            if exe is not None:
                update.job_exe_id = exe.id
                self._updates.append(update)
                if exe.is_next_task_ready():
                    self._ready.append(exe.cluster_id)
            if report.state.is_end:
                self._ends.append((engine, report.task_id))


def _tell(report: TaskReport) -> None:
    job, exe = execution_of(report.task_id) or (None, None)
    said = {"exit_code": report.exit_code, "signal": report.signal, "reason": report.reason.value, "message": report.message}
    tell(logger, report.state.lower().replace("_", "-"), job=job, exe=exe, task=report.task_id, **said)


def _update(report: TaskReport, heard: datetime) -> TaskUpdate:
    return TaskUpdate(
        task_id=report.task_id,
        status=report.state.value,
        timestamp=report.when,
        heard=heard,
        source=None,
        reason=report.reason.value or None,
        message=report.message or None,
        created=heard,
    )


def _data(report: TaskReport) -> dict[str, object]:
    return {
        "exit_code": report.exit_code,
        "signal": report.signal,
        "usage": report.usage,
        "container": report.container,
    }
