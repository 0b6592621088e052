"""A whole scheduler in this process, and an engine that runs nothing: it reports what the benchmark tells it to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

from scale.engines.protocol import Capabilities, Keep, NodeReport, Report, TaskReport, TaskSpec, TaskState, Term, Usage
from scale.kernel.clock import SystemClock
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources
from scale.scheduler.fence import Fence
from scale.scheduler.process import Scheduler
from scale.scheduler.services import Candidate, term_begin

CLOCK = SystemClock()
USAGE = Usage(cpu_seconds=0.01, peak_memory=2.0)


class QuietEngine:
    """Takes every order and carries out none."""

    name = "quiet"
    capabilities = Capabilities(survives_us=True)

    def __init__(self, reports: Sequence[Report] = ()) -> None:
        self.next: list[Report] = [*reports]  #: what it reports when it is asked
        self.tasks: list[TaskSpec] = []  #: what it was told to launch
        self.first_launch: float | None = None  #: by the performance counter

    def start(self, wake: Callable[[], None], term: Term = Term()) -> None: ...

    def launch(self, tasks: Sequence[TaskSpec], when: datetime) -> None:
        if tasks and self.first_launch is None:
            self.first_launch = time.perf_counter()
        self.tasks += tasks

    def kill(self, tasks: Iterable[TaskId], when: datetime) -> None: ...

    def reconcile(self, tasks: Iterable[TaskId], when: datetime) -> None: ...

    def reports(self, when: datetime) -> list[Report]:
        told, self.next = self.next, []
        return told

    def acknowledge(self, tasks: Iterable[TaskId]) -> None: ...

    def remove_output(self, before: datetime, keep: Keep, most: int) -> int:
        return 0

    def stop(self, *, leave_tasks: bool) -> None: ...


class TimedFence(Fence):
    """Knows how long was written through it."""

    seconds = 0.0

    @contextmanager
    def writing(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            with super().writing():
                yield
        finally:
            self.seconds += time.perf_counter() - began


def new_fence() -> TimedFence:
    return TimedFence(term_begin(by=Candidate(uuid4().hex, "here", os.getpid()), when=CLOCK.now()))


def scheduler_on(engine: QuietEngine, kind: type[Scheduler] = Scheduler, fence: Fence | None = None) -> Scheduler:
    """One that has started, and so knows what is in the database."""
    scheduler = kind(engines={engine.name: engine}, clock=CLOCK, fence=fence or new_fence())
    scheduler.start()
    return scheduler


def online(name: str, has: Resources) -> NodeReport:
    return NodeReport(name, name, True, CLOCK.now(), has, has)


def running(task: str, node: str, when: datetime) -> TaskReport:
    return TaskReport(TaskId(task), TaskState.RUNNING, when, node)


def finished(task: str, node: str, when: datetime) -> TaskReport:
    return TaskReport(TaskId(task), TaskState.FINISHED, when, node, exit_code=0, usage=USAGE)
