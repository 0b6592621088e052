"""What is done to the service: a shuffled pack of faults, dealt one by one; each is undone when its time has come."""

from __future__ import annotations

import heapq
import os
import random
import select
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

import psutil

from benchmarks.violence import ledger
from benchmarks.violence.service import Service

KILL, STOP = "kill", "stop"
LEADING = ("leader", "scheduler", "up", "database")  #: what a takeover is made of
CALM = 10.0  # seconds in which nothing else of these is hit, so that a takeover of the leader can be measured
PATIENCE = 5.0  # seconds in which a killed process is surely dead
RETURN = 5.0  # seconds until a scheduler that was killed is there again
_NUMBERS = {KILL: signal.SIGKILL, STOP: signal.SIGSTOP}


class Fault(NamedTuple):
    """A signal to a target. What was stopped goes on, and a database is started again, after so many seconds."""

    target: str
    how: str
    least: float = 0.0
    most: float = 0.0


#: one round; the fewest seconds of a stopped leader are more than another takes to lead
PACK = (
    Fault("leader", KILL),
    Fault("leader", STOP, 15, 25),
    Fault("scheduler", KILL),
    Fault("scheduler", STOP, 0.5, 15),
    Fault("web", KILL),
    Fault("web_worker", KILL),
    Fault("web_worker", STOP, 0.5, 5),
    Fault("runner", KILL),
    Fault("runner", KILL),
    Fault("runner", STOP, 0.5, 8),
    Fault("guardian", KILL),
    Fault("guardian", STOP, 0.5, 8),
    Fault("keeper", KILL),
    Fault("database", KILL, 1, 10),
    Fault("database", STOP, 0.5, 10),
    Fault("up", KILL),
    Fault("task", KILL),
    Fault("task", KILL),
    Fault("task", KILL),
    Fault("task", STOP, 0.5, 5),
)


class Faults:
    """Deals faults to a service from now on; ``act`` is to be called often, and does what is due."""

    def __init__(self, service: Service, rng: random.Random, *, every: float, outage: tuple[float, float]) -> None:
        """
        :param every: seconds from one fault to the next
        :param outage: when the database goes away for long, and for how long, in seconds
        """
        self.dealt: Counter[tuple[str, str]] = Counter()
        self.falls: list[float] = []  #: of the leading scheduler, in seconds since 1970
        self.outages: list[tuple[float, float]] = []  #: of the database
        self.disturbances: list[tuple[float, float]] = []  #: when a scheduler was away, whichever
        self._service = service
        self._rng = rng
        self._every = every
        self._pack: list[Fault] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._database_until = 0.0
        self._calm_until = 0.0
        self._ledger = service.root / "ledger"
        self._story = service.root / "faults.log"
        self._in(every, self._deal)
        self._in(outage[0], lambda: self._break(Fault("database", KILL, outage[1], outage[1])))
        self._is_over = False

    @property
    def kills(self) -> int:
        return sum(number for (_, how), number in self.dealt.items() if how == KILL)

    @property
    def is_over(self) -> bool:
        """Whether everything that was done is undone, and nothing more is to come."""
        return self._is_over and not self._due

    def act(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()

    def cease(self) -> None:
        """Deal no more."""
        self._is_over = True

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), act))

    def _deal(self) -> None:
        if self._is_over:
            return
        if fault := self._next():
            self._break(fault)
        self._in(self._rng.uniform(0.5, 1.5) * self._every, self._deal)

    def _next(self) -> Fault | None:
        """The next of the pack that may be dealt now."""
        if not self._pack:
            self._pack = self._rng.sample(PACK, len(PACK))
        is_calm = time.monotonic() < self._calm_until
        fitting = (fault for fault in self._pack if not (is_calm and fault.target in LEADING))
        if fault := next(fitting, None):
            self._pack.remove(fault)
            self._calm_until = time.monotonic() + CALM if fault.target == "leader" else self._calm_until
        return fault

    def _break(self, fault: Fault) -> None:
        seconds = self._rng.uniform(fault.least, fault.most)
        if fault.target == "database":
            self._break_database(fault, seconds)
        elif fault.target == "task":
            self._break_task(fault, seconds)
        else:
            self._break_process(fault, seconds)

    def _break_process(self, fault: Fault, seconds: float) -> None:
        victims = self._victims(fault.target)
        leads = any(process in self._service.leader() for process in victims)
        now = time.time()
        self._signal(fault, victims, seconds)
        if fault.target in ("leader", "scheduler", "up"):
            self.disturbances.append((now, now + (seconds or RETURN)))
        if leads and (fault.how == KILL or len(self._service.schedulers()) > 1):
            self.falls.append(now)

    def _victims(self, target: str) -> Sequence[psutil.Process]:
        if target == "keeper":
            return self._service.keeper()
        found = {
            "leader": self._service.leader,
            "scheduler": self._service.schedulers,
            "web": self._service.web,
            "web_worker": self._service.web_workers,
            "runner": self._service.runner,
            "guardian": self._service.guardian,
            "up": self._service.up,
        }[target]()
        moving = [process for process in found if not _is_stopped(process)]
        return [self._rng.choice(moving)] if moving else ()

    def _break_task(self, fault: Fault, seconds: float) -> None:
        lines = ledger.read(self._ledger.read_text()) if self._ledger.exists() else []
        living = [(line, process) for line in ledger.alive(lines).values() if (process := _process_of(line))]
        if not living:
            return
        line, process = self._rng.choice(living)
        with suppress(ProcessLookupError), open(os.pidfd_open(process.pid)) as exit_of_it:
            self._signal(fault, [process], seconds)
            # it is written only when it is so; whoever has to reap it may be stopped
            if fault.how == KILL and select.select([exit_of_it], [], [], PATIENCE)[0]:
                now = time.clock_gettime(time.CLOCK_BOOTTIME)
                self._write(f"killed {line.job} {line.exe} {line.task} {line.pid} {now:.2f}\n")

    def _break_database(self, fault: Fault, seconds: float) -> None:
        now = time.monotonic()
        if now < self._database_until:  # it is away already
            self._in(self._database_until - now + 1, lambda: self._break(fault))
            return
        self._database_until = now + seconds
        self.outages.append((time.time(), time.time() + seconds))
        if self._service.postgres is None:
            self._lock_database(seconds)
        elif fault.how == STOP:
            self._signal(fault, self._service.database(), seconds)
        else:
            self.dealt["database", KILL] += 1
            self._tell(f"kill database, back in {seconds:.1f} s")
            self._service.postgres.kill()
            self._in(seconds, self._restart_database)

    def _lock_database(self, seconds: float) -> None:
        try:
            unlock = self._service.lock_database()
        except sqlite3.Error:  # somebody who is stopped holds it
            return
        self.dealt["database", STOP] += 1
        self._tell(f"lock database for {seconds:.1f} s")
        self._in(seconds, unlock)

    def _restart_database(self) -> None:
        if self._service.postgres:
            self._service.postgres.restart()
            self.outages[-1] = (self.outages[-1][0], time.time())
            self._tell("database is back")

    def _signal(self, fault: Fault, victims: Sequence[psutil.Process], seconds: float) -> None:
        hit = [process for process in victims if _send(process, _NUMBERS[fault.how])]
        if not hit:
            return
        self.dealt[fault.target, fault.how] += 1
        how_long = f" for {seconds:.1f} s" if fault.how == STOP else ""
        self._tell(f"{fault.how} {fault.target} {' '.join(str(process.pid) for process in hit)}{how_long}")
        if fault.how == STOP:
            self._in(seconds, lambda: [_send(process, signal.SIGCONT) for process in hit] and None)

    def _tell(self, words: str) -> None:
        with self._story.open("a") as story:
            story.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z {words}\n")

    def _write(self, line: str) -> None:
        descriptor = os.open(self._ledger, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, line.encode())
        os.close(descriptor)


def _process_of(line: ledger.Line) -> psutil.Process | None:
    """The task that wrote this line, if it is still there."""
    try:
        process = psutil.Process(line.pid)
        return process if process.environ().get("SCALE_TASK_ID") == line.task else None
    except psutil.Error:
        return None


def _is_stopped(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def _send(process: psutil.Process, number: int) -> bool:
    try:
        process.send_signal(number)
    except psutil.Error:  # it has just gone
        return False
    return True
