"""The engine for tests and simulation: no threads, no processes; tasks last as long as they are told to.

Time moves only by the ``when`` of each call. What happens between two calls is reported by the later one, in order.
"""

from __future__ import annotations

import heapq
import signal as signals
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Self

from scale.engines.protocol import (
    Capabilities,
    Condition,
    Keep,
    NodeReport,
    Reason,
    Report,
    Stream,
    Superseded,
    TaskReport,
    TaskSpec,
    TaskState,
    Term,
    Usage,
    Volume,
)
from scale.kernel.errors import ClusterTrouble
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources

if TYPE_CHECKING:
    from scale.environment import Environment
    from scale.kernel.clock import Clock

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task is to do."""

    duration: timedelta | None = timedelta()  #: None: it runs until it is killed, or ended by hand
    exit_code: int = 0
    signal: int | None = None  #: ends it instead of an exit
    refused: Reason = Reason.NONE  #: why it cannot even start
    reason: Reason = Reason.NONE  #: why it ended so
    message: str = ""
    usage: Usage = field(default_factory=Usage)
    ignores_term: bool = False  #: only SIGKILL ends it
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def state(self) -> TaskState:
        return TaskState.FINISHED if self.signal is None and self.exit_code == 0 else TaskState.FAILED


Behaviour = Callable[[TaskSpec], Outcome]


def succeed_at_once(_: TaskSpec) -> Outcome:
    return Outcome()


@dataclass(slots=True)
class _Task:
    spec: TaskSpec
    outcome: Outcome
    has_begun: bool = False
    is_killed: bool = False
    end: TaskReport | None = None

    @property
    def holds_room(self) -> bool:
        return self.has_begun and (self.end is None or self.spec.keeps_room)


class InstantCluster:
    """What outlives an engine: nodes, tasks, and what is still to happen. An engine is a connection to it."""

    def __init__(self, nodes: Mapping[str, Resources], behave: Behaviour, *, holds_back: bool) -> None:
        self.nodes = dict(nodes)
        self.holds_back = holds_back
        self.behave = behave
        self.term = Term()  #: the newest
        self.waiting: list[_Task] = []  #: for room on their nodes
        self.away: set[str] = set()
        self.conditions: dict[str, tuple[Condition, ...]] = {}
        self.tasks: dict[TaskId, _Task] = {}
        self.launched: dict[TaskId, datetime] = {}
        self.output: dict[TaskId, tuple[bytes, bytes]] = {}
        self.now = _LONG_AGO
        self._numbers = count()  # what is due at the same moment happens in the order in which it was arranged
        self._due: list[tuple[datetime, int, _Task, TaskReport]] = []

    @property
    def next_due(self) -> datetime | None:
        """When the next task ends by itself, or by SIGKILL; None: nothing will happen."""
        while self._due and self._due[0][2].end is not None:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def begin(self, task: _Task, when: datetime) -> list[TaskReport]:
        """Start it now."""
        spec, outcome, task.has_begun = task.spec, task.outcome, True
        if outcome.refused:
            task.end = TaskReport(spec.id, TaskState.FAILED, when, spec.node, reason=outcome.refused, message=outcome.message)
            return [task.end]
        self.output[spec.id] = (outcome.stdout, outcome.stderr)
        if outcome.duration is not None:
            self.arrange(task, _ended(spec, outcome, when + outcome.duration))
        return [TaskReport(spec.id, TaskState.RUNNING, when, spec.node)]

    def admit(self, when: datetime) -> list[TaskReport]:
        """Start what has waited for room and has it now: on each node in turn."""
        told, crowded = [], set()
        for task in list(self.waiting):
            if task.end is not None or (task.spec.node not in crowded and self._has_room(task.spec)):
                self.waiting.remove(task)
                told += [] if task.end else self.begin(task, when)
            else:
                crowded.add(task.spec.node)
        return told

    def _has_room(self, spec: TaskSpec) -> bool:
        there = [task.spec for task in self.tasks.values() if task.holds_room and task.spec.node == spec.node]
        taken = sum((other.resources for other in there), Resources())
        return not there or (taken + spec.resources).fits_in(self.nodes[spec.node])

    def arrange(self, task: _Task, end: TaskReport) -> None:
        heapq.heappush(self._due, (end.when, next(self._numbers), task, end))

    def move_to(self, when: datetime) -> list[TaskReport]:
        """Let happen what is due until then."""
        happened = []
        while (due := self.next_due) is not None and due <= when:
            _, _, task, end = heapq.heappop(self._due)
            task.end = end
            happened += [end, *self.admit(end.when)]
        self.now = max(self.now, when)
        return happened


class InstantEngine:
    """Some nodes, whose tasks do what ``behave`` says.

    :param nodes: what each has, by agent id; None: one node named ``node-1`` with 4 cpus
    :param holds_back: whether it starts tasks that wait for room only once there is; else at once
    :param after: an engine that was stopped, or dropped as a killed scheduler would: this one finds what it left
    """

    def __init__(
        self,
        nodes: Mapping[str, Resources] | None = None,
        behave: Behaviour = succeed_at_once,
        *,
        holds_back: bool = False,
        after: InstantEngine | None = None,
        name: str = "instant",
    ) -> None:
        some = {"node-1": Resources(cpus=4, mem=16_384, disk=102_400, gpus=0)} if nodes is None else nodes
        self.name = name
        self.cluster: InstantCluster = after.cluster if after else InstantCluster(some, behave, holds_back=holds_back)
        self.capabilities = Capabilities(survives_us=True, holds_back=self.cluster.holds_back)
        self._reports: list[Report] = []
        self._wake: Callable[[], None] = lambda: None
        self._is_connected = False
        self._term = Term()

    @classmethod
    def from_environment(cls, environment: Environment, clock: Clock) -> Self:
        return cls()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop(leave_tasks=False)

    @property
    def next_due(self) -> datetime | None:
        """The moment to which a simulation may jump when nothing else happens before."""
        return self.cluster.next_due

    # The protocol

    def start(self, wake: Callable[[], None], term: Term = Term()) -> None:
        self._term = term
        self._need_lead()
        self.cluster.term = term
        self._wake = wake
        self._is_connected = True
        for node in self.cluster.nodes:
            self._report_node(node)
        for task in self.cluster.tasks.values():
            self._tell(self._standing(task))

    def launch(self, tasks: Sequence[TaskSpec], when: datetime) -> None:
        self._need_lead()
        self._move_to(when)
        self._need_nodes(task.node for task in tasks)
        for spec in tasks:
            if spec.id not in self.cluster.launched:
                self.cluster.launched[spec.id] = when
                self._begin(spec, when)

    def kill(self, tasks: Iterable[TaskId], when: datetime) -> None:
        self._need_lead()
        self._move_to(when)
        tasks = list(tasks)
        self._need_nodes_of(tasks)
        for waiting in [task for task in self.cluster.waiting if task.spec.id in tasks]:  # first: or it gets the room of others
            self._terminate(waiting, when)
        for task_id in tasks:
            task = self.cluster.tasks.get(task_id)
            if task is None:
                self._tell(_stranger(task_id, when))
            elif task.end is None and not task.is_killed:
                self._terminate(task, when)

    def withdraw(self, tasks: Iterable[TaskId], when: datetime) -> None:
        self._need_lead()
        self._move_to(when)
        tasks = list(tasks)
        self._need_nodes_of(tasks)
        for task in [task for task in self.cluster.waiting if task.spec.id in tasks]:
            self._end(task, _never_began(task, when, Reason.WITHDRAWN))

    def reconcile(self, tasks: Iterable[TaskId], when: datetime) -> None:
        self._need_lead()
        self._move_to(when)
        tasks = list(tasks)
        self._need_nodes_of(tasks)
        for task_id in tasks:
            task = self.cluster.tasks.get(task_id)
            self._tell(self._standing(task) if task else _stranger(task_id, when))

    def reports(self, when: datetime) -> list[Report]:
        if self._is_superseded:
            return []
        self._move_to(when)
        reports, self._reports = self._reports, []
        return reports

    def acknowledge(self, tasks: Iterable[TaskId]) -> None:
        self._need_lead()
        for task_id in tasks:
            task = self.cluster.tasks.get(task_id)
            if task and task.end is not None:
                del self.cluster.tasks[task_id]
        self._tell_all(self.cluster.admit(self.cluster.now))

    def remove_output(self, before: datetime, keep: Keep, most: int) -> int:
        old = [task_id for task_id in self.cluster.output if self.cluster.launched[task_id] < before]
        kept = keep(old)
        gone = [task_id for task_id in old if task_id not in kept][:most]
        for task_id in gone:
            del self.cluster.output[task_id]
        return len(gone)

    def stop(self, *, leave_tasks: bool) -> None:
        self._is_connected = False
        if not leave_tasks and not self._is_superseded:
            for task in self.cluster.tasks.values():
                if task.end is None:
                    task.end = _killed(task, self.cluster.now, signals.SIGKILL)

    # By hand

    def finish(self, task_id: TaskId, when: datetime, exit_code: int = 0) -> None:
        """End a running task with this exit code, now."""
        task = self.cluster.tasks[task_id]
        self._end(task, _ended(task.spec, replace(task.outcome, exit_code=exit_code, signal=None), when))

    def fail(self, task_id: TaskId, when: datetime, exit_code: int = 1) -> None:
        self.finish(task_id, when, exit_code)

    def lose(self, task_id: TaskId, when: datetime) -> None:
        """Make the engine lose a task: it is neither running nor ended, nor will ever be."""
        task = self.cluster.tasks[task_id]
        self._end(task, TaskReport(task_id, TaskState.LOST, when, task.spec.node, message="lost"))

    def lose_node(self, node: str, when: datetime) -> None:
        """Nothing is heard of the node and its tasks, and nothing can be launched there, until it is back."""
        self._move_to(when)
        self.cluster.away.add(node)
        self._report_node(node)

    def bring_back(self, node: str, when: datetime) -> None:
        """Its tasks went on meanwhile; ends that were not acknowledged are told, perhaps again."""
        self._move_to(when)
        self.cluster.away.discard(node)
        self._report_node(node)
        for task in self.cluster.tasks.values():
            if task.spec.node == node:
                self._tell(self._standing(task))

    def put_into(self, node: str, when: datetime, *conditions: Condition) -> None:
        """Have the node be in these conditions from now on, and in no others."""
        self._move_to(when)
        self.cluster.conditions[node] = conditions
        self._report_node(node)

    # Logs

    def size(self, task_id: TaskId, stream: Stream) -> int | None:
        written = self.read(task_id, stream)
        return None if written is None else len(written)

    def read(self, task_id: TaskId, stream: Stream, start: int = 0, stop: int | None = None) -> bytes | None:
        """The engine is its own `LogSource`."""
        if task_id not in self.cluster.output:
            return None
        out, err = self.cluster.output[task_id]
        return {Stream.STDOUT: out, Stream.STDERR: err}.get(stream, out + err)[start:stop]

    def volume(self, most: int) -> Volume:
        written = list(self.cluster.output.items())[:most]
        days = {self.cluster.launched[task_id].date() for task_id, _ in written}
        size = sum(len(stream) for _, streams in written for stream in streams)
        return Volume(len(written), size, len(days), min(days, default=None), len(written) == len(self.cluster.output))

    # What happens to a task

    def _move_to(self, when: datetime) -> None:
        self._tell_all(self.cluster.move_to(when))

    @property
    def _is_superseded(self) -> bool:
        return self._term.is_older_than(self.cluster.term)

    def _need_lead(self) -> None:
        if self._is_superseded:
            raise Superseded

    def _need_nodes(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            if node in self.cluster.away:
                raise ClusterTrouble(f"node {node} is away")

    def _need_nodes_of(self, tasks: Iterable[TaskId]) -> None:
        self._need_nodes(task.spec.node for task_id in tasks if (task := self.cluster.tasks.get(task_id)))

    def _begin(self, spec: TaskSpec, when: datetime) -> None:
        task = self.cluster.tasks[spec.id] = _Task(spec, self.cluster.behave(spec))
        if spec.waits and self.capabilities.holds_back:
            self.cluster.waiting.append(task)
            self._tell_all(self.cluster.admit(when))
        else:
            self._tell_all(self.cluster.begin(task, when))

    def _terminate(self, task: _Task, when: datetime) -> None:
        task.is_killed = True
        if not task.has_begun:
            self._end(task, _never_began(task, when))
        elif task.outcome.ignores_term:
            self.cluster.arrange(task, _killed(task, when + task.spec.grace, signals.SIGKILL))
        else:
            self._end(task, _killed(task, when, signals.SIGTERM))

    def _end(self, task: _Task, end: TaskReport) -> None:
        if task.end is None:
            task.end = end
            self._tell_all([end, *self.cluster.admit(end.when)])

    def _standing(self, task: _Task) -> TaskReport:
        state = TaskState.RUNNING if task.has_begun else TaskState.STAGING
        return task.end or TaskReport(task.spec.id, state, self.cluster.now, task.spec.node)

    def _tell_all(self, reports: Iterable[TaskReport]) -> None:
        for report in reports:
            self._tell(report)

    def _tell(self, report: TaskReport) -> None:
        if self._is_connected and report.node not in self.cluster.away:
            self._reports.append(report)
            self._wake()

    def _report_node(self, node: str) -> None:
        has = self.cluster.nodes[node]
        is_online = node not in self.cluster.away
        conditions = self.cluster.conditions.get(node, ())
        self._reports.append(NodeReport(node, node, is_online, self.cluster.now, has, has, conditions))
        self._wake()


def _stranger(task_id: TaskId, when: datetime) -> TaskReport:
    return TaskReport(task_id, TaskState.LOST, when, reason=Reason.UNKNOWN_TASK, message="there is no such task")


def _ended(spec: TaskSpec, outcome: Outcome, when: datetime) -> TaskReport:
    return TaskReport(
        spec.id,
        outcome.state,
        when,
        spec.node,
        exit_code=outcome.exit_code if outcome.signal is None else None,
        signal=outcome.signal,
        reason=outcome.reason,
        message=outcome.message or _how(outcome),
        usage=outcome.usage,
    )


def _how(outcome: Outcome) -> str:
    if outcome.signal is not None:
        return f"terminated by signal {signals.Signals(outcome.signal).name}"
    return f"exited with status {outcome.exit_code}" if outcome.exit_code else ""


def _never_began(task: _Task, when: datetime, reason: Reason = Reason.NONE) -> TaskReport:
    words = "taken back before there was room for it" if reason else "killed before it started"
    return TaskReport(task.spec.id, TaskState.KILLED, when, task.spec.node, reason=reason, message=words)


def _killed(task: _Task, when: datetime, number: int) -> TaskReport:
    message = f"killed: terminated by signal {signals.Signals(number).name}"
    usage = task.outcome.usage
    return TaskReport(task.spec.id, TaskState.KILLED, when, task.spec.node, signal=number, message=message, usage=usage)
