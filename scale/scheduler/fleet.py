"""The engines at work, as one: each task goes to the engine of its node, and trouble with one is no trouble of the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from queue import SimpleQueue

from scale.engines.protocol import Engine, Keep, Reason, Report, TaskReport, TaskSpec, TaskState, Term
from scale.fact import warn
from scale.job.tasks.base_task import Task
from scale.job.tasks.manager import TaskManager
from scale.kernel.errors import ClusterTrouble
from scale.kernel.ids import TaskId
from scale.node.manager import NodeManager
from scale.sealing import CannotUnseal

logger = logging.getLogger(__name__)


class Fleet:
    """Calls that an engine cannot take now are dropped with a line in the log: whoever made them looks again."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        tasks: TaskManager,
        nodes: NodeManager,
        kill_grace: timedelta,
        unseal: Callable[[str], str] = str,
    ) -> None:
        """:param unseal: opens a secret; raises `CannotUnseal`"""
        self._unseal = unseal
        self._refused: SimpleQueue[tuple[str, TaskReport]] = SimpleQueue()  # that we could not hand over
        self._wake: Callable[[], None] = lambda: None
        self._engines = engines
        self._tasks = tasks
        self._nodes = nodes
        self._kill_grace = kill_grace
        #: the engines that hold tasks back until there is room for them
        self.holding = frozenset(name for name, engine in engines.items() if engine.capabilities.holds_back)
        #: the engines that start tasks from images
        self.containing = frozenset(name for name, engine in engines.items() if engine.capabilities.runs_containers)
        self._order = threading.Lock()  # a task is known as launched only once its engine can have heard of it

    def start(self, wake: Callable[[], None], term: Term) -> None:
        self._wake = wake
        for engine in self._engines.values():
            engine.start(wake, term)

    def stop(self, *, leave_tasks: bool) -> None:
        for engine in self._engines.values():
            engine.stop(leave_tasks=leave_tasks)

    def reports(self, when: datetime) -> Iterator[tuple[str, list[Report]]]:
        """What each engine has to say, by its name."""
        while not self._refused.empty():
            name, report = self._refused.get()
            yield name, [report]
        for name, engine in self._engines.items():
            if reports := engine.reports(when):
                yield name, reports

    def launch(self, tasks: Sequence[Task], when: datetime) -> None:
        """Start tasks. One that could not be handed over is found missing when it is asked after.

        Nobody asks before it is handed over: the engine would call it lost and start it all the same, and another in its place.
        """
        with self._order:
            self._tasks.launch_tasks(tasks, when)
            for engine, theirs in self._by_engine(tasks):
                with _trouble_is_dropped():
                    engine.launch([spec for task in theirs if (spec := self._opened(task, when))], when)

    @property
    def is_bound_to_host(self) -> bool:
        """Whether all that runs is on this machine."""
        return all(engine.capabilities.is_bound_to_host for engine in self._engines.values())

    def withdraw(self, tasks: Sequence[Task], when: datetime) -> None:
        for engine, theirs in self._by_engine(tasks):
            with _trouble_is_dropped():
                engine.withdraw(_ids(theirs), when)

    def kill(self, tasks: Sequence[Task], when: datetime) -> None:
        for engine, theirs in self._by_engine(tasks):
            with _trouble_is_dropped():
                engine.kill(_ids(theirs), when)

    def kill_strangers(self, engine: str, task_ids: Iterable[str], when: datetime) -> None:
        with _trouble_is_dropped():
            self._engines[engine].kill([TaskId(task_id) for task_id in task_ids], when)

    def reconcile(self, tasks: Iterable[Task], when: datetime) -> None:
        with self._order:
            for engine, theirs in self._by_engine(tasks):
                with _trouble_is_dropped():
                    engine.reconcile(_ids(theirs), when)

    def acknowledge(self, ends: Iterable[tuple[str, str]]) -> None:
        """``ends`` are engines' names and task ids."""
        by_engine: dict[str, list[TaskId]] = {}
        for name, task_id in ends:
            by_engine.setdefault(name, []).append(TaskId(task_id))
        for name, ids in by_engine.items():
            with _trouble_is_dropped():
                self._engines[name].acknowledge(ids)

    def remove_output(self, before: datetime, keep: Keep, most: int) -> int:
        gone = 0
        for engine in self._engines.values():
            with _trouble_is_dropped():
                gone += engine.remove_output(before, keep, most - gone)
        return gone

    def _by_engine(self, tasks: Iterable[Task]) -> Iterator[tuple[Engine, list[Task]]]:
        groups: dict[str, list[Task]] = {}
        for task in tasks:
            groups.setdefault(self._nodes.engine_of(task.agent_id), []).append(task)
        for name, theirs in groups.items():
            if name in self._engines:
                yield self._engines[name], theirs

    def _opened(self, task: Task, when: datetime) -> TaskSpec | None:
        """With its secrets; a task whose secrets cannot be read ends without having been launched."""
        try:
            return self._spec(task)
        except CannotUnseal as error:
            told = TaskReport(
                TaskId(task.id), TaskState.FAILED, when, task.agent_id, reason=Reason.LAUNCH_FAILED, message=str(error)
            )
            self._refused.put((self._nodes.engine_of(task.agent_id), told))
            self._wake()
            return None

    def _spec(self, task: Task) -> TaskSpec:
        return TaskSpec(
            id=TaskId(task.id),
            node=task.agent_id,
            command=tuple(task.command),
            resources=task.get_resources(),
            env={**task.env, **{name: self._unseal(sealed) for name, sealed in task.secrets.items()}}
            if task.secrets
            else task.env,
            working_dir=task.working_dir,
            grace=self._kill_grace,
            image=task.docker_image,
            waits=task.waits_for_room,
            keeps_room=task.keeps_room,
        )


def _ids(tasks: Iterable[Task]) -> list[TaskId]:
    return [TaskId(task.id) for task in tasks]


@contextmanager
def _trouble_is_dropped() -> Iterator[None]:
    try:
        yield
    except ClusterTrouble as trouble:
        warn(logger, "engine-not-told", why=trouble)
