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
_WORDS = {state: state.value for state in TaskState}  # those of the engines; found here sooner than by the enumeration
_ENDINGS = frozenset({TaskState.FINISHED, TaskState.FAILED, TaskState.KILLED})
_NOT_ALIVE = frozenset(state for state in TaskState if state.is_end)
_AT_ONCE = 100  #: reports that are gone through together, and for which the lock of a manager is held


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
        for some in batches(of_tasks, _AT_ONCE):
            self._take_tasks(engine, some, heard, outcome)
        if outcome.strangers:
            over = {report.task_id for report in of_tasks if report.state in _NOT_ALIVE}
            outcome.strangers = [task_id for task_id in outcome.strangers if task_id not in over]
        self._rates.count("task_updates", len(of_tasks))
        self._rates.count("tasks_finished", len([report for report in of_tasks if report.state in _ENDINGS]))
        self._rates.count("jobs_finished", len(outcome.finished))
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

    def _take_tasks(self, engine: str, reports: Sequence[TaskReport], heard: datetime, outcome: Outcome) -> None:
        """All that is to be done about a few reports, while the processor has at hand what they speak of.

        An execution only looks at what its task says of itself, so all tasks may be told before the first execution is.
        """
        news = [TaskStatusUpdate.of_report(report, heard) for report in reports]
        tasks = self._tasks.handle_task_updates(news)
        told = self._job_exes.handle_task_updates(news)
        outcome.finished += [exe for exe, is_over in told if exe is not None and is_over]
        outcome.strangers += [report.task_id for report, task in zip(reports, tasks, strict=True) if task is None]
        exes = [exe for exe, _ in told]
        tell_all(logger, map(_line, reports, exes))
        self._keep(engine, reports, exes, heard)

    def _keep(
        self, engine: str, reports: Sequence[TaskReport], exes: Sequence[RunningJobExecution | None], heard: datetime
    ) -> None:
        """Last of all: whoever finds an end here finds its consequences with the managers."""
        updates = [_update(report, exe.id, heard) for report, exe in zip(reports, exes, strict=True) if exe is not None]
        ends, ready = [], []
        for report, exe in zip(reports, exes, strict=True):
            if report.state in _NOT_ALIVE:
                end = (engine, report.task_id)
                if exe is not None and exe.is_next_task_ready():
                    ready.append(Ready(exe.cluster_id, end))
                else:
                    ends.append(end)
        with self._lock:
            self._updates += updates
            self._ends += ends
            self._ready += ready


def _line(report: TaskReport, exe: RunningJobExecution | None) -> str:
    event, code, signal = _EVENTS[report.state], report.exit_code, report.signal
    if exe is not None and signal is None and not report.reason and not report.message:  # as most are; nothing to be quoted
        how = "" if code is None else f" exit_code={code}"
        return f"event={event} job={exe.job_id} exe={exe.exe_num} task={report.task_id}{how}"
    job, number = execution_of(report.task_id) or (None, None)
    said = {"exit_code": code, "signal": signal, "reason": report.reason, "message": report.message}
    return line(event, job=job, exe=number, task=report.task_id, **said)


def _update(report: TaskReport, exe_id: int, heard: datetime) -> ReportedUpdate:
    reason, message = report.reason.value if report.reason else None, report.message or None
    return ReportedUpdate(exe_id, report.task_id, _WORDS[report.state], report.when, heard, None, reason, message, heard)
