"""Runs the scheduler until it is told to stop.

SIGTERM: place nothing more, record what is known, leave the tasks running; the next scheduler finds them.
SIGINT: the same, but end the tasks first and put their jobs back on the queue.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from scale.engines.registry import find_engine
from scale.environment import Environment
from scale.fact import tell, warn
from scale.kernel.clock import Clock, SystemClock
from scale.orphan import end_with_parent
from scale.scheduler.loops import Loop, LoopRunner
from scale.scheduler.process import Limits, Scheduler
from scale.scheduler.retention.rules import Retention
from scale.signals import Signals
from scale.wake import Doorbell, ring

logger = logging.getLogger(__name__)
_SLACK = 10.0  # seconds beyond the grace of the tasks


class Command(BaseCommand):
    help = "Run the scheduler."
    requires_migrations_checks = True

    def handle(self, *args: Any, **options: Any) -> None:
        end_with_parent()
        environment: Environment = settings.ENVIRONMENT
        _give_back_zone(settings.ZONE)
        clock = SystemClock()
        signals = Signals({signal.SIGTERM, signal.SIGINT})
        with signals, _sole_scheduler(environment.home), Doorbell(environment.home) as doorbell:
            raise SystemExit(_Run(environment, clock, doorbell, signals).until_told())


class _Run:
    """One scheduler from its start to its end."""

    def __init__(self, environment: Environment, clock: Clock, doorbell: Doorbell, signals: Signals) -> None:
        self._environment = environment
        self._clock = clock
        self._doorbell = doorbell
        self._signals = signals
        engines = {name: find_engine(name).from_environment(environment, clock) for name in environment.engines}
        limits = Limits(
            max_losses=environment.max_losses,
            node_lost_after=timedelta(seconds=environment.node_lost_after),
            kill_grace=timedelta(seconds=environment.kill_grace),
            retention=Retention.of(environment),
        )
        self._scheduler = Scheduler(engines=engines, clock=clock, limits=limits)
        loops = [*self._scheduler.loops, Loop("doorbell", self._listen, period=0)]
        self._runner = LoopRunner(loops, clock, ended=signals.rouse)

    def until_told(self) -> int:
        """Run; returns the exit status: 1 if a promise of ours was broken."""
        self._scheduler.start()
        self._runner.start()
        told = self._signals.wait(None)
        if signal.SIGINT in told:
            self._hand_back()
        self._runner.stop(lambda: ring(self._environment.home))
        self._finish(is_handed_back=signal.SIGINT in told)
        return 1 if self._runner.broken else 0

    def _listen(self, when: datetime) -> None:
        if self._doorbell.wait(1.0):
            self._scheduler.wake()

    def _hand_back(self) -> None:
        """End what runs; the loops go on until all of it is recorded."""
        tell(logger, "handing-back")
        self._scheduler.drain()
        if not self._scheduler.idle.wait(self._environment.kill_grace + _SLACK):
            warn(logger, "not-all-ended-in-time")

    def _finish(self, *, is_handed_back: bool) -> None:
        """Record what is left; then the engines may go."""
        when = self._clock.now()
        self._scheduler.reports(when)
        self._scheduler.persist(when)
        if is_handed_back:
            tell(logger, "handed-back", jobs=self._scheduler.put_back(when))
        self._scheduler.fleet.stop(leave_tasks=not is_handed_back)
        tell(logger, "stopped")


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


def _give_back_zone(zone: str | None) -> None:
    """Django has set the process to UTC; tasks are to live in the zone that we were started in."""
    os.environ.pop("TZ", None)
    if zone is not None:
        os.environ["TZ"] = zone
