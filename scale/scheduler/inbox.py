"""One report in, every manager told, in order. What is to be done about it is handed back, to be done outside every lock."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from scale.engines.protocol import NodeReport, Report, TaskReport, TaskState
from scale.fact import line, tell_all
from scale.job.execution.job_exe import RunningJobExecution
from scale.job.execution.manager import JobExecutionManager
from scale.job.messages import batches
from scale.job.tasks.manager import TaskManager
from scale.job.tasks.update import ReportedUpdate, TaskStatusUpdate
from scale.kernel.ids import execution_of
from scale.kernel.locks import OwnedLock
from scale.node.manager import NodeManager
from scale.scheduler.rates import Rates

logger = logging.getLogger(__name__)

_EVENTS = {state: state.lower().replace("_", "-") for state in TaskState}  # the words of the log
_ENDINGS = frozenset({TaskState.FINISHED, TaskState.FAILED, TaskState.KILLED})
_NOT_ALIVE = frozenset(state for state in TaskState if state.is_end)
_AT_ONCE = 100  #: reports for which the lock of a manager is held


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

    updates: tuple[ReportedUpdate, ...]
    ends: tuple[tuple[str, str], ...]  #: engine, task id: the engine may forget these ends
    ready: tuple[Ready, ...]


class Ready(NamedTuple):
    """An execution whose next task may start."""

    cluster_id: str
    end: tuple[str, str] | None = None  #: engine, task id: to be forgotten once that task is launched, which goes on in its room


class _Taken(NamedTuple):
    """A report, and what the managers made of it."""

    report: TaskReport
    exe: RunningJobExecution | None
    is_over: bool  #: its execution is, because of this
    is_stranger: bool  #: it runs for nobody that we know


class Inbox:
    """Thread-safe."""

    def __init__(self, tasks: TaskManager, job_exes: JobExecutionManager, nodes: NodeManager, rates: Rates) -> None:
        self._tasks = tasks
        self._job_exes = job_exes
        self._nodes = nodes
        self._rates = rates
        self._lock = OwnedLock()
        self._updates: list[ReportedUpdate] = []
        self._ends: list[tuple[str, str]] = []
        self._ready: list[Ready] = []

    def take(self, engine: str, reports: Sequence[Report], heard: datetime) -> Outcome:
        """Tell every manager of each report: the task first, then its execution, so that both agree."""
        outcome = Outcome()
        of_tasks: list[TaskReport] = []
        for report in reports:
            if isinstance(report, NodeReport):
                self._take_node(engine, report, outcome)
            else:
                of_tasks.append(report)
        taken = [one for some in batches(of_tasks, _AT_ONCE) for one in self._take_tasks(some, heard)]
        outcome.finished = [one.exe for one in taken if one.exe is not None and one.is_over]
        strangers = [one.report.task_id for one in taken if one.is_stranger]
        over = {one.report.task_id for one in taken if one.report.state in _NOT_ALIVE} if strangers else ()
        outcome.strangers = [task_id for task_id in strangers if task_id not in over]
        tell_all(logger, map(_line, taken))
        self._count(taken)
        self._keep(engine, taken, heard)
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

    def _take_tasks(self, reports: Sequence[TaskReport], heard: datetime) -> list[_Taken]:
        """An execution only looks at what its task says of itself, so all tasks may be told before the first execution is."""
        news = [TaskStatusUpdate.of_report(report, heard) for report in reports]
        tasks = self._tasks.handle_task_updates(news)
        told = self._job_exes.handle_task_updates(news)
        return [
            _Taken(report, exe, is_over, task is None) for report, task, (exe, is_over) in zip(reports, tasks, told, strict=True)
        ]

    def _count(self, taken: Sequence[_Taken]) -> None:
        self._rates.count("task_updates", len(taken))
        self._rates.count("tasks_finished", len([one for one in taken if one.report.state in _ENDINGS]))
        self._rates.count("jobs_finished", len([one for one in taken if one.is_over]))

    def _keep(self, engine: str, taken: Sequence[_Taken], heard: datetime) -> None:
        """Last of all: whoever finds an end here finds its consequences with the managers."""
        updates = [_update(one.report, one.exe.id, heard) for one in taken if one.exe is not None]
        ends, ready = [], []
        for one in taken:
            if one.report.state in _NOT_ALIVE:
                end = (engine, one.report.task_id)
                if one.exe is not None and one.exe.is_next_task_ready():
                    ready.append(Ready(one.exe.cluster_id, end))
                else:
                    ends.append(end)
        with self._lock:
            self._updates += updates
            self._ends += ends
            self._ready += ready


def _line(one: _Taken) -> str:
    report, exe = one.report, one.exe
    event, code, signal = _EVENTS[report.state], report.exit_code, report.signal
    if exe is not None and signal is None and not report.reason and not report.message:  # as most are; nothing to be quoted
        how = "" if code is None else f" exit_code={code}"
        return f"event={event} job={exe.job_id} exe={exe.exe_num} task={report.task_id}{how}"
    job, number = execution_of(report.task_id) or (None, None)
    said = {"exit_code": code, "signal": signal, "reason": report.reason, "message": report.message}
    return line(event, job=job, exe=number, task=report.task_id, **said)


def _update(report: TaskReport, exe_id: int, heard: datetime) -> ReportedUpdate:
    reason, message = report.reason.value if report.reason else None, report.message or None
    return ReportedUpdate(exe_id, report.task_id, report.state.value, report.when, heard, None, reason, message, heard)
