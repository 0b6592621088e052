"""An engine between the scheduler and the instant one: refuses calls, and loses, delays, repeats and disorders reports."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from scale.engines.instant import InstantEngine
from scale.engines.protocol import (
    Capabilities,
    Keep,
    NodeReport,
    Reason,
    Report,
    Superseded,
    TaskReport,
    TaskSpec,
    TaskState,
    Term,
)
from scale.kernel.ids import TaskId
from tests.simulation.fate import Fate, Fault
from tests.simulation.story import Story, Violation

_REMEMBERED = 30  # reports that may be told once more, much later
_LONGEST = 4  # looks for which a report is late
_OFF = (timedelta(days=-3), timedelta(minutes=-2), timedelta(minutes=2), timedelta(days=3))
_ENDS = (TaskState.FINISHED, TaskState.FAILED, TaskState.KILLED, TaskState.LOST)


class Line:
    """What is between scheduler and cluster. It outlives the scheduler, as the weather does."""

    def __init__(self, rng: Random, kinds: frozenset[Fault], fate: Fate, story: Story) -> None:
        self.rng = rng
        self.kinds = kinds
        self.fate = fate
        self.story = story
        self.rate = rng.choice((0.05, 0.2, 0.5))
        self.asked: Counter[TaskId] = Counter()  #: how often each task was handed over to be started
        self.told: Counter[tuple[TaskId, str]] = Counter()  #: how often the scheduler heard each of each task
        self.term = 0  #: the newest that the cluster has heard of
        self.before_launch: Callable[[Sequence[TaskSpec]], None] = lambda _: None
        self.before_acknowledge: Callable[[Sequence[TaskId]], None] = lambda _: None
        self.after_removal: Callable[[set[TaskId]], None] = lambda _: None

    def has(self, fault: Fault) -> bool:
        return fault in self.kinds and self.rng.random() < self.rate

    def mend(self) -> None:
        self.kinds = frozenset()


class FaultyEngine:
    """What a scheduler is connected to; another scheduler gets another one."""

    name = "instant"

    def __init__(self, inner: InstantEngine, line: Line) -> None:
        self.capabilities: Capabilities = inner.capabilities
        self._inner = inner
        self._line = line
        self._late: list[list[Report | int]] = []
        self._told: deque[TaskReport] = deque(maxlen=_REMEMBERED)
        self._invented: list[TaskReport] = []
        self._term = Term()
        self._wake: Callable[[], None] = lambda: None

    # The protocol

    def start(self, wake: Callable[[], None], term: Term = Term()) -> None:
        self._wake = wake
        self._term = term
        self._line.term = max(self._line.term, term.number)
        with self._line.fate.call("start", may_refuse=False):
            self._inner.start(wake, term)

    def launch(self, tasks: Sequence[TaskSpec], when: datetime) -> None:
        self._obey()
        self._line.before_launch(tasks)
        with self._line.fate.call("launch", is_alone=True):
            self._inner.launch(tasks, when)
            self._line.asked.update(task.id for task in tasks)
            if twice := [task.id for task in tasks if self._line.asked[task.id] > 1]:
                raise Violation(f"handed over to be started a second time: {', '.join(twice)}")

    def kill(self, tasks: Iterable[TaskId], when: datetime) -> None:
        self._obey()
        with self._line.fate.call("kill"):
            self._inner.kill(tasks, when)

    def withdraw(self, tasks: Iterable[TaskId], when: datetime) -> None:
        self._obey()
        with self._line.fate.call("withdraw"):
            self._inner.withdraw(tasks, when)

    def reconcile(self, tasks: Iterable[TaskId], when: datetime) -> None:
        self._obey()
        with self._line.fate.call("reconcile", is_alone=True):
            self._inner.reconcile(tasks, when)

    def reports(self, when: datetime) -> list[Report]:
        if self._term.number < self._line.term:
            return []
        with self._line.fate.call("reports", may_refuse=False):
            fresh: list[Report] = [*self._inner.reports(when), *self._invented]
            self._invented.clear()
        told = self._due()
        for report in fresh:
            told += [report] if isinstance(report, NodeReport) else self._garbled(report)
        if len(told) > 1 and self._line.has(Fault.DISORDER):
            self._shuffle_tasks(told)
        self._told += [report for report in told if isinstance(report, TaskReport)]
        self._line.told.update((report.task_id, report.state.value) for report in told if isinstance(report, TaskReport))
        return told

    def acknowledge(self, tasks: Iterable[TaskId]) -> None:
        self._obey()
        tasks = list(tasks)
        self._line.before_acknowledge(tasks)
        with self._line.fate.call("acknowledge"):
            self._inner.acknowledge(tasks)

    def remove_output(self, before: datetime, keep: Keep, most: int) -> int:
        there = set(self._inner.cluster.output)
        with self._line.fate.call("remove_output"):
            removed = self._inner.remove_output(before, keep, most)
            self._line.after_removal(there - set(self._inner.cluster.output))
        return removed

    def stop(self, *, leave_tasks: bool) -> None:
        self._inner.stop(leave_tasks=leave_tasks)

    # By hand

    def reconnect(self) -> None:
        """The connection breaks with all that was on its way, and is made anew: the engine tells everything again."""
        self._late.clear()
        self._inner.start(self._wake, self._term)

    def invent(self, now: datetime) -> str:
        """Say something that is not news: of a task that nobody knows, or what was once true and is no more."""
        rng = self._line.rng
        if self._told and rng.random() < 0.7:
            report = self._told[rng.randrange(len(self._told))]
            task = self._inner.cluster.tasks.get(report.task_id)
            if report.state.is_end or (task is not None and task.end is None):
                report = replace(report, when=now)
        else:
            name = rng.choice(("scale_job_sim_999x1_main", "scale_job_sim_1x99_main", "scale_job_sim_1x1_post", "other-7"))
            state = rng.choice((TaskState.STAGING, TaskState.RUNNING, *_ENDS))
            report = TaskReport(TaskId(name), state, now, "n1", reason=rng.choice(list(Reason)))
        self._invented.append(report)
        return f"{report.task_id} {report.state}"

    def _obey(self) -> None:
        """Only the newest scheduler gives orders; a cluster has forgotten the connection of one before it."""
        if self._term.number < self._line.term:
            raise Superseded(f"term {self._line.term} has begun")

    # What becomes of a report

    def _garbled(self, report: TaskReport) -> list[Report]:
        line = self._line
        if line.has(Fault.LOST):
            return self._remark("lost", report, [])
        if line.has(Fault.LATE):
            self._late.append([line.rng.randint(1, _LONGEST), report])
            return self._remark("late", report, [])
        if line.has(Fault.WRONG):
            node, off = line.rng.choice((report.node, "n9", "")), line.rng.choice(_OFF)
            return self._remark("wrong", report, [replace(report, node=node, when=report.when + off)])
        return self._remark("twice", report, [report, report]) if line.has(Fault.TWICE) else [report]

    def _remark(self, what: str, report: TaskReport, told: list[Report]) -> list[Report]:
        self._line.story.remark(f"! {what}: the report {report.task_id} {report.state}")
        return told

    def _due(self) -> list[Report]:
        for entry in self._late:
            entry[0] -= 1  # type: ignore[operator]
        due = [report for left, report in self._late if left <= 0]  # type: ignore[operator]
        self._late = [entry for entry in self._late if entry[0] > 0]  # type: ignore[operator]
        return due  # type: ignore[return-value]

    def _shuffle_tasks(self, told: list[Report]) -> None:
        """What is said of nodes keeps its order: the last word counts."""
        places = [place for place, report in enumerate(told) if isinstance(report, TaskReport)]
        reports = [told[place] for place in places]
        self._line.rng.shuffle(reports)
        for place, report in zip(places, reports, strict=True):
            told[place] = report
        self._line.story.remark("! the reports come in another order")
