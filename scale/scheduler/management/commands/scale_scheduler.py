"""Runs a scheduler until it is told to stop: it leads, or stands by while another one does.

SIGTERM: place nothing more, record what is known, leave the tasks running; the next scheduler finds them.
SIGINT: the same, but end the tasks first and put their jobs back on the queue; with --end-tasks, SIGTERM does so, too.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
from argparse import ArgumentParser
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.db.migrations.executor import MigrationExecutor

from scale.database import is_passing
from scale.engines.protocol import Engine, Superseded, Term
from scale.engines.registry import find_engine
from scale.environment import Environment
from scale.fact import tell, warn
from scale.kernel.clock import Clock, SystemClock
from scale.kernel.errors import ClusterTrouble
from scale.orphan import end_with_parent
from scale.scheduler.election import RENEWED_EVERY, Election, MayNotLead, election_for
from scale.scheduler.fence import Deposed, Fence
from scale.scheduler.loops import Loop, LoopRunner
from scale.scheduler.process import Limits, Scheduler
from scale.scheduler.retention.rules import Retention
from scale.scheduler.services import Candidate
from scale.signals import Signals
from scale.wake import Doorbell

logger = logging.getLogger(__name__)
_SLACK = 10.0  # seconds beyond the grace of the tasks
_LOOK = 0.2  # seconds
_AGAIN_AFTER = 1.0  # seconds, when what was met at the start may pass


class Command(BaseCommand):
    help = "Run a scheduler; it stands by while another one leads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--end-tasks", action="store_true", help="on SIGTERM, end the tasks and queue their jobs again")

    def handle(self, *args: Any, **options: Any) -> None:
        end_with_parent()
        environment: Environment = settings.ENVIRONMENT
        _give_back_zone(settings.ZONE)
        environment.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        ending = {signal.SIGINT, signal.SIGTERM} if options["end_tasks"] else {signal.SIGINT}
        with Signals({signal.SIGTERM, signal.SIGINT}) as signals:
            raise SystemExit(_Process(environment, SystemClock(), signals, ending).until_told())


class _Process:
    """From the start of the process to its end; it may lead more than once."""

    def __init__(self, environment: Environment, clock: Clock, signals: Signals, ending: set[signal.Signals]) -> None:
        self._environment = environment
        self._clock = clock
        self._signals = signals
        self._ending = ending
        hostname = socket.gethostname()
        is_bound = any(engine.capabilities.is_bound_to_host for engine in _engines(environment, clock).values())
        place = f"{hostname}:{environment.home}" if is_bound else ""
        self._election = election_for(Candidate(uuid4().hex, hostname, os.getpid(), place))

    def until_told(self) -> int:
        """The exit status: 1 if a promise of ours was broken, or something could not be recorded."""
        while (term := self._stand_by()) is not None:
            status = _Reign(self._environment, self._clock, self._signals, self._election, term).until_over(self._ending)
            self._election.leave()
            if status is not None:
                return status
            if self._signals.wait(_AGAIN_AFTER):
                break
        tell(logger, "stopped")
        return 0

    def _stand_by(self) -> Term | None:
        """Wait to lead; None: we were told to stop."""
        said, is_checked = "", False
        while True:
            try:
                close_old_connections()
                if not is_checked:
                    _check_schema()
                is_checked = True
                if (term := self._election.stand(self._clock.now())) is not None:
                    tell(logger, "leads", term=term.number)
                    return term
                event, why = "stands-by", ""
            except MayNotLead as refusal:
                raise CommandError(str(refusal)) from None
            except (DatabaseError, InterfaceError) as error:
                if not is_passing(error):
                    raise
                event, why = "database-trouble", " ".join(str(error).split())
            if said != event:
                said = event
                tell(logger, event, why=why)
            if self._signals.wait(RENEWED_EVERY.total_seconds()):
                return None


class _Reign:
    """One scheduler, from the beginning of its term until it is told to stop or another term begins."""

    def __init__(self, environment: Environment, clock: Clock, signals: Signals, election: Election, term: Term) -> None:
        self._environment = environment
        self._clock = clock
        self._signals = signals
        self._election = election
        limits = Limits(
            max_losses=environment.max_losses,
            node_lost_after=timedelta(seconds=environment.node_lost_after),
            kill_grace=timedelta(seconds=environment.kill_grace),
            retention=Retention.of(environment),
            home=environment.home,
        )
        self._doorbell = Doorbell(environment.home)
        self._scheduler = Scheduler(
            engines=_engines(environment, clock), clock=clock, fence=Fence(term), limits=limits, doorbell=self._doorbell
        )

    def until_over(self, ending: set[signal.Signals]) -> int | None:
        """Lead; the exit status, or None if somebody else may lead now.

        :param ending: the signals at which tasks are ended
        """
        with self._doorbell:
            loops = [*self._scheduler.loops, Loop("lease", self._election.keep, RENEWED_EVERY.total_seconds())]
            runner = LoopRunner(loops, self._clock, ended=self._signals.rouse, troubles=self._scheduler.troubles)
            try:
                self._scheduler.start()
            except (Deposed, Superseded, DatabaseError, InterfaceError) as error:
                if isinstance(error, (DatabaseError, InterfaceError)) and not is_passing(error):
                    raise
                self._give_way(error)
                return None
            except ClusterTrouble as trouble:
                raise CommandError(str(trouble)) from None  # whoever started us sees it, and starts us again
            connection.close()  # until it is wanted again, at the end
            gc.collect()
            gc.freeze()  # what was adopted stays for long: the collector need not go through it again and again
            runner.start()
            told = self._signals.wait(None)
            if told & ending:
                self._hand_back(runner)
            runner.stop()
            if isinstance(runner.ended_by, Deposed):
                self._give_way(runner.ended_by)
                return 0 if told else None
            is_recorded = self._finish(is_handed_back=bool(told & ending))
            return 1 if runner.ended_by or not is_recorded else 0

    def _hand_back(self, runner: LoopRunner) -> None:
        """End what runs; the loops go on until all of it is recorded, or they have ended for a reason of their own."""
        tell(logger, "handing-back")
        self._scheduler.drain()
        deadline = self._clock.monotonic() + self._environment.kill_grace + _SLACK
        while not self._scheduler.idle.wait(_LOOK) and runner.ended_by is None:
            if self._clock.monotonic() > deadline:
                warn(logger, "not-all-ended-in-time")
                return

    def _finish(self, *, is_handed_back: bool) -> bool:
        """Record what is left, then let the engines go; whether it could be. What could not, they tell the next scheduler."""
        when = self._clock.now()
        is_recorded = True
        try:
            self._scheduler.reports(when)
            self._scheduler.persist(when)
            if is_handed_back:
                tell(logger, "handed-back", jobs=self._scheduler.put_back(when))
        except (Deposed, DatabaseError, InterfaceError) as error:
            warn(logger, "not-recorded", why=" ".join(str(error).split()))
            is_recorded = False
        self._scheduler.fleet.stop(leave_tasks=not is_handed_back)
        tell(logger, "stopped")
        return is_recorded

    def _give_way(self, error: Exception) -> None:
        """Write nothing, end nothing: whoever leads next sees to it."""
        warn(logger, "gives-way", why=" ".join(str(error).split()))
        self._scheduler.fleet.stop(leave_tasks=True)
        with suppress(DatabaseError, InterfaceError):
            connection.close()


def _engines(environment: Environment, clock: Clock) -> dict[str, Engine]:
    """Those that are configured, by name; not connected."""
    return {name: find_engine(name).from_environment(environment, clock) for name in environment.engines}


def _check_schema() -> None:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise CommandError(f"the schema of the database is {len(missing)} migrations behind; run `manage.py migrate` first")


def _give_back_zone(zone: str | None) -> None:
    """Django has set the process to UTC; tasks are to live in the zone that we were started in."""
    os.environ.pop("TZ", None)
    if zone is not None:
        os.environ["TZ"] = zone
