"""A whole scheduler on an instant engine and a clock that stands still, with verbs: tests tell stories with it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import transaction

from scale.engines.instant import Behaviour, InstantEngine, Outcome, succeed_at_once
from scale.job.models import Job
from scale.job.services import jobs_cancel, jobs_submit
from scale.job.submission import parse_submission
from scale.kernel.clock import ManualClock
from scale.kernel.resources import Resources
from scale.scheduler.fence import Fence
from scale.scheduler.process import Limits, Scheduler
from scale.scheduler.services import Candidate, term_begin

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
FOREVER = Outcome(duration=None)


class World:
    """One turn is all loops once, in the order in which they depend on each other."""

    def __init__(
        self,
        *,
        nodes: dict[str, Resources] | None = None,
        behave: Behaviour = succeed_at_once,
        after: World | None = None,
        limits: Limits | None = None,
        holds_back: bool = False,
    ) -> None:
        self.clock = after.clock if after else ManualClock(START)
        self.user, _ = User.objects.get_or_create(username="alice")
        self.engine = InstantEngine(nodes, behave, holds_back=holds_back, after=after.engine if after else None)
        self.fence = Fence(term_begin(by=Candidate(uuid4().hex, "here", os.getpid()), when=self.now))
        engines = {"instant": self.engine}
        self.scheduler = Scheduler(
            engines=engines, clock=self.clock, fence=self.fence, limits=limits, sources=lambda name: engines[name]
        )
        self.scheduler.start()

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def submit(self, number: int = 1, **body: Any) -> list[int]:
        submissions = [parse_submission({"command": ["true"], **body})] * number
        return jobs_submit(submissions=submissions, by=self.user, when=self.now)

    def cancel(self, *ids: int) -> None:
        jobs_cancel(ids=ids, by=self.user, when=self.now)

    def turn(self, seconds: float = 0) -> None:
        when = self.clock.move(timedelta(seconds=seconds))
        for step in (self.scheduler.reports, self.scheduler.schedule, self.scheduler.reports, self.scheduler.persist):
            step(when)

    def turns(self, number: int, seconds: float = 0) -> None:
        for _ in range(number):
            self.turn(seconds)

    def pass_time(self, duration: timedelta, step: timedelta = timedelta(seconds=30)) -> None:
        """Let time go by in steps, with a turn after each."""
        until = self.now + duration
        while self.now < until:
            self.turn(min(step, until - self.now).total_seconds())

    def crash(self, **kwargs: Any) -> World:
        """The scheduler is gone, with all that it had in memory; another one starts in the same world."""
        return World(after=self, **kwargs)

    def status(self) -> dict[str, Any]:
        return self.scheduler.generate_status_json(self.now)

    def statuses(self) -> Counter[str]:
        return Counter(Job.objects.values_list("status", flat=True))

    def job(self, job_id: int) -> Job:
        return Job.objects.select_related("error", "node").get(pk=job_id)


@contextmanager
def undone() -> Iterator[None]:
    """What happens in here leaves the database as it was: for stories of which many are told in one test."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
