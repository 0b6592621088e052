"""Runs the scheduler until it is told to stop.

SIGTERM: place nothing more, record what is known, leave the tasks running; the next scheduler finds them.
SIGINT: the same, but end the tasks first and put their jobs back on the queue.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from scale.engines.registry import find_engine
from scale.environment import Environment
from scale.kernel.clock import Clock, SystemClock
from scale.orphan import end_with_parent
from scale.scheduler.loops import Loop, LoopRunner
from scale.scheduler.process import Limits, Scheduler
from scale.wake import Doorbell, ring

logger = logging.getLogger(__name__)
_SLACK = timedelta(seconds=10)


class Command(BaseCommand):
    help = "Run the scheduler."
    requires_migrations_checks = True

    def handle(self, *args: Any, **options: Any) -> None:
        end_with_parent()
        environment: Environment = settings.ENVIRONMENT
        clock = SystemClock()
        with _sole_scheduler(environment.home), Doorbell(environment.home) as doorbell:
            raise SystemExit(_Run(environment, clock, doorbell).until_told())


class _Run:
    """One scheduler from its start to its end."""

    def __init__(self, environment: Environment, clock: Clock, doorbell: Doorbell) -> None:
        self._environment = environment
        self._clock = clock
        engines = {name: find_engine(name).from_environment(environment, clock) for name in environment.engines}
        self._scheduler = Scheduler(
            engines=engines,
            clock=clock,
            limits=Limits(
                max_losses=environment.max_losses,
                node_lost_after=timedelta(seconds=environment.node_lost_after),
                kill_grace=timedelta(seconds=environment.kill_grace),
            ),
        )
        self._doorbell = doorbell
        self._signal: int | None = None
        self._told = threading.Event()
        self._runner = LoopRunner([*self._scheduler.loops, Loop("doorbell", self._listen, period=0)], clock, self._told)

    def until_told(self) -> int:
        """Run; returns the exit status: 1 if a promise of ours was broken."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)
        self._scheduler.start()
        self._runner.start()
        self._told.wait()
        if self._signal == signal.SIGINT:
            self._hand_back()
        self._runner.stop(lambda: ring(self._environment.home))
        self._finish()
        return 1 if self._runner.broken else 0

    def _hear(self, number: int, frame: object) -> None:
        self._signal = number
        self._told.set()

    def _listen(self, when: datetime) -> None:
        if self._doorbell.wait(1.0):
            self._scheduler.wake()

    def _hand_back(self) -> None:
        """End what runs; the loops go on until all of it is recorded."""
        logger.info("ending what runs and putting it back on the queue")
        self._scheduler.drain()
        until = self._clock.now() + timedelta(seconds=self._environment.kill_grace) + _SLACK
        idle = threading.Event()
        while not self._scheduler.is_idle and self._clock.now() < until:
            idle.wait(0.05)

    def _finish(self) -> None:
        """Record what is left; then the engines may go."""
        when = self._clock.now()
        self._scheduler.reports(when)
        self._scheduler.persist(when)
        handed_back = self._signal == signal.SIGINT
        if handed_back:
            logger.info("%d jobs put back on the queue", self._scheduler.put_back(when))
        self._scheduler.fleet.stop(leave_tasks=not handed_back)
        logger.info("scheduler stopped")


@contextmanager
def _sole_scheduler(home: Path) -> Iterator[None]:
    """Hold the data directory for one scheduler alone; the kernel lets go of it when the process ends, however it does."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(home / "scheduler.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(f"another scheduler runs on {home}") from None
    try:
        yield
    finally:
        os.close(descriptor)
