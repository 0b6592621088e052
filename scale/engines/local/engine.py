"""Runs tasks on this machine, as one node; a keeper that outlives us does the work."""

from __future__ import annotations

import logging
import shutil
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scale.engines.local import machine, places, removal, translate
from scale.engines.local.link import Away, Leaving, Link
from scale.engines.protocol import Capabilities, Condition, Keep, NodeReport, Report, Superseded, TaskSpec, TaskState, Term
from scale.environment import Environment
from scale.kernel.clock import Clock, SystemClock
from scale.kernel.errors import ClusterTrouble
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources

_log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 2.0  # seconds between attempts to reach the keeper
_DISPLACED_PAUSE = 5.0  # another engine has taken our keeper: do not fight over it
_STOP_PATIENCE = 10.0  # seconds beyond the longest grace
_STOP_TRIES = 3


class LocalEngine:
    """Tasks as processes of this machine.

    :param home: where the keeper, the logs and the working directories live
    :param offers: amounts that stand for what is measured
    :param disk: tells total, used and free bytes where a path is
    :param look_every: how often the disk is looked at
    :param memory_limits: how tasks are held to their memory: auto, cgroup, watch or off
    """

    capabilities = Capabilities(survives_us=True, is_bound_to_host=True, holds_back=True)

    def __init__(
        self,
        home: Path,
        clock: Clock | None = None,
        *,
        offers: Mapping[str, float] | None = None,
        memory_limits: str = "auto",
        disk: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage,
        look_every: timedelta = timedelta(seconds=10),
        name: str = "local",
    ) -> None:
        self.name = name
        self.home = home.absolute()
        self._clock = clock or SystemClock()
        self._offers = Resources(offers or {})
        self.memory_limits = memory_limits
        self._disk = disk
        self._look_every = look_every.total_seconds()
        self._looked = 0.0
        self._conditions: tuple[Condition, ...] = ()
        self._is_held = False  # the keeper has no room for what it writes, so launches wait
        self._term = Term()
        self._is_superseded = False
        self._lock = threading.Lock()  # guards what follows; nothing waits under it
        self._reports: list[Report] = []
        self._running_told: set[str] = set()
        self._owed: set[str] = set()  # acknowledgements that the keeper may not have heard
        self._link: Link | None = None
        self._longest_grace = 0.0
        self._node = ""
        self._offered = Resources()
        self._wake: Callable[[], None] = lambda: None
        self._stopped = threading.Event()
        self._reader: threading.Thread | None = None

    @classmethod
    def from_environment(cls, environment: Environment, clock: Clock) -> Self:
        return cls(environment.home, clock, offers=machine.overrides(environment), memory_limits=environment.local_memory_limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop(leave_tasks=False)

    @property
    def node(self) -> str:
        """The agent id of this machine; known once started."""
        return self._node

    @property
    def keeper_pids(self) -> tuple[int, int]:
        """Those of the runner and the guardian, while connected; else zeros."""
        link = self._link
        return (link.runner, link.guardian) if link else (0, 0)

    def start(self, wake: Callable[[], None], term: Term = Term()) -> None:
        """Connect to the keeper, or start it.

        :raises ClusterTrouble: it cannot be started
        :raises Superseded: it takes orders of a newer term
        """
        self._wake = wake
        self._term, self._is_superseded = term, False
        self._connect()
        self._reader = threading.Thread(target=self._read, name=f"{self.name}-engine", daemon=True)
        self._reader.start()
        wake()

    def launch(self, tasks: Sequence[TaskSpec], when: datetime) -> None:
        orders = [translate.order(task) for task in tasks]
        longest = max((order["grace"] for order in orders), default=0.0)
        self._longest_grace = max(self._longest_grace, longest)
        if orders:
            self._send({"launch": orders, "offered": dict(self._offered)})

    def kill(self, tasks: Iterable[TaskId], when: datetime) -> None:
        self._send({"kill": list(tasks)})

    def withdraw(self, tasks: Iterable[TaskId], when: datetime) -> None:
        self._send({"withdraw": list(tasks)})

    def reconcile(self, tasks: Iterable[TaskId], when: datetime) -> None:
        self._send({"reconcile": list(tasks)})

    def reports(self, when: datetime) -> list[Report]:
        with self._lock:
            reports, self._reports = self._reports, []
        return reports

    def acknowledge(self, tasks: Iterable[TaskId]) -> None:
        """While the keeper is away this is remembered, and said when it is back."""
        done = list(tasks)
        with self._lock:
            self._running_told.difference_update(done)
            self._owed.update(done)
            owed = list(self._owed)
        try:
            self._send({"ack": owed})
        except Away:
            return
        with self._lock:
            self._owed.difference_update(owed)

    def remove_output(self, before: datetime, keep: Keep, most: int) -> int:
        """Here and not in the keeper, which has tasks to start."""
        return removal.remove_output(str(self.home / places.LOGS), before, keep, most)

    def stop(self, *, leave_tasks: bool) -> None:
        """Without ``leave_tasks``, returns when all tasks have ended and the keeper has gone.

        :raises ClusterTrouble: it does not go
        """
        if self._reader is None or self._stopped.is_set():
            return
        self._stopped.set()
        if link := self._link:
            link.hang_up()
        self._reader.join()
        if not leave_tasks and not self._is_superseded:
            with suppress(Superseded):  # just now: the tasks are another's
                self._end_keeper()

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._is_superseded:
            raise Superseded
        link = self._link
        if link is None:
            raise Away
        if any(message.values()):
            link.send(message)

    # The connection

    def _connect(self) -> None:
        with self._lock:
            owed = list(self._owed)
        try:
            link = Link.open(self.home, owed, self._term, self.memory_limits)
        except Superseded:
            self._give_way()
            raise
        self._hear_of_the_disk(is_held=link.is_held)
        self._look()
        self._node = f"local-{link.keeper_id}"
        self._longest_grace = max(self._longest_grace, link.longest_grace)
        with self._lock:
            self._owed.difference_update(owed)
            self._reports.append(self._node_report(is_online=True))
        self._link = link

    def _node_report(self, *, is_online: bool) -> NodeReport:
        when = self._clock.now()
        if not is_online:
            return NodeReport(self._node, socket.gethostname(), is_online=False, when=when)
        total, offered = machine.measured(self.home)
        total, offered = Resources({**total, **self._offers}), Resources({**offered, **self._offers})
        self._offered = offered
        return NodeReport(self._node, socket.gethostname(), True, when, total, offered, self._conditions)

    def _read(self) -> None:
        """Take in what the keeper tells; when it is gone, say so and look for it, or for a new one."""
        while not self._stopped.is_set() and not self._is_superseded:
            pause = self._listen()
            if self._stopped.is_set():
                break
            with self._lock:
                self._reports.append(self._node_report(is_online=False))
            self._wake()
            self._reconnect(pause)
        if link := self._link:  # connected in the very moment of the stop
            link.close()

    def _listen(self) -> float:
        """Until the connection ends; seconds to wait before another one is tried."""
        link, pause = self._link, 0.0
        while link and (messages := self._next(link)):
            for message in messages:
                if "refused" in message:
                    self._give_way()
                elif "displaced" in message and not self._is_superseded:
                    _log.warning("another scheduler has taken over the tasks of %s", self.home)
                    pause = _DISPLACED_PAUSE
                elif "held" in message:
                    self._hear_of_the_disk(is_held=message["held"])
                    self._look_and_tell()
                self._take(message.get("reports", ()))
            self._wake()
        self._link = None
        if link:
            link.close()
        return pause

    def _next(self, link: Link) -> list[dict[str, Any]]:
        """The next messages; meanwhile, now and then, a look at the machine."""
        while True:
            due = self._looked + self._look_every - self._clock.monotonic()
            if due > 0 and link.has_news(due):
                return link.receive()
            if due <= 0:
                self._look_and_tell()

    def _look_and_tell(self) -> None:
        if self._look():
            with self._lock:
                self._reports.append(self._node_report(is_online=True))
            self._wake()

    def _hear_of_the_disk(self, *, is_held: bool) -> None:
        if is_held and not self._is_held:
            _log.warning("the disk under %s is full: what is to start there waits until there is room", self.home)
        elif self._is_held and not is_held:
            _log.warning("there is room on the disk under %s again", self.home)
        self._is_held = is_held

    def _give_way(self) -> None:
        """Do nothing any more: the tasks are another's."""
        if not self._is_superseded:
            self._is_superseded = True
            _log.warning("a scheduler with a newer term than %d gives the orders in %s", self._term.number, self.home)

    def _look(self) -> bool:
        """Whether something has become wrong with this machine, or right."""
        before, self._looked = self._conditions, self._clock.monotonic()
        with suppress(OSError):  # whoever has removed the home will hear of it from the keeper
            total, _, free = self._disk(self.home)
            self._conditions = machine.conditions(free, total, is_full=self._is_held)
        return self._conditions != before

    def _take(self, told: Sequence[Mapping[str, Any]]) -> None:
        with self._lock:
            for each in told:
                self._reports += self._news(each)

    def _news(self, told: Mapping[str, Any]) -> list[Report]:
        """The report, after one of the task's start if that was never told; none for a start told before."""
        report = translate.report(told, self._node)
        if "started" in told and told["id"] not in self._running_told:
            self._running_told.add(told["id"])
            return [translate.started(told, self._node), report]
        if report.state is TaskState.RUNNING:
            self._running_told.add(told["id"])
        return [report]

    def _reconnect(self, pause: float) -> None:
        while not self._is_superseded and not self._stopped.wait(pause):
            try:
                self._connect()
            except Superseded:
                self._wake()
            except ClusterTrouble as trouble:
                pause = min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
                _log.warning("%s; trying again in %g s", trouble, pause)
            else:
                self._wake()
                return

    # The end

    def _end_keeper(self) -> None:
        """Have it kill all tasks and go. It may die in the middle of that; then its successor is told."""
        for _ in range(_STOP_TRIES):
            with (
                closing(Link.open(self.home, list(self._owed), self._term)) as link,
                Leaving((link.runner, link.guardian)) as leaving,
            ):
                link.give_up_after(max(self._longest_grace, link.longest_grace) + _STOP_PATIENCE)
                with suppress(Away):
                    link.send({"stop": True})
                while messages := link.receive():
                    for message in messages:
                        self._take(message.get("reports", ()))
                if leaving.wait(_STOP_PATIENCE):
                    return
        raise ClusterTrouble(f"the keeper in {self.home} does not end")
