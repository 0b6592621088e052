"""A real scheduler on the local engine in this process, one turn at a time; each turn waits for what it needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.authtoken.models import Token

from scale.engines.local.engine import LocalEngine
from scale.kernel.clock import SystemClock
from scale.scheduler.fence import Fence
from scale.scheduler.process import Limits, Scheduler
from scale.scheduler.services import Candidate, term_begin
from tests.clusters.postgres import database_of_its_own
from tests.journeys.service import Up, processes_of

PATIENCE = 20  # seconds; a test that waits so long has failed


class Bench:
    """The scheduler's turns as verbs."""

    def __init__(self, home) -> None:
        self.clock = SystemClock()
        self.engine = LocalEngine(home, self.clock, offers={"cpus": 4, "mem": 4096})
        limits = Limits(kill_grace=timedelta(seconds=1), home=home)
        fence = Fence(term_begin(by=Candidate("bench", "here", os.getpid()), when=self.clock.now()))
        self.scheduler = Scheduler(engines={"local": self.engine}, clock=self.clock, fence=fence, limits=limits)
        self._bells = {loop.name: loop.bell for loop in self.scheduler.loops}
        self.scheduler.start()

    def turn(self, *names: str) -> None:
        for name in names:
            getattr(self.scheduler, name)(self.clock.now())

    def hear(self) -> None:
        """Wait until the engine reports something, and take it."""
        assert self._bells["reports"].wait(PATIENCE), "the engine has nothing to report"
        self._bells["reports"].clear()
        self.turn("reports")

    def run_until(self, is_true) -> None:
        """Let the scheduler work until this holds."""
        self.turn("schedule", "persist")
        while not is_true():
            self.hear()
            self.turn("persist", "schedule", "persist")  # what failed may be queued again, and is placed at once


@pytest.fixture
def bench(transactional_db, home):
    """A scheduler on a data directory of its own."""
    bench = Bench(home)
    yield bench
    bench.engine.stop(leave_tasks=False)


@pytest.fixture
def alice(transactional_db):
    token = Token.objects.create(user=User.objects.create_user("alice"))
    return Client(headers={"Authorization": f"Token {token.key}"})


@pytest.fixture
def own_home(tmp_path) -> Iterator[Path]:
    yield tmp_path / "home"
    for process in processes_of(tmp_path / "home"):
        process.kill()


@pytest.fixture
def database() -> Iterator[dict[str, str]]:
    """The variable that names a database of the test's own, where these tests run on PostgreSQL; otherwise none."""
    url = os.environ.get("SCALE_DATABASE_URL", "")
    with database_of_its_own(url) if url.startswith("postgres") else nullcontext() as own:
        yield {"SCALE_DATABASE_URL": own} if own else {}


@pytest.fixture
def up(own_home, tmp_path, database) -> Iterator[Callable[..., Up]]:
    """Start the service; again, too, in the same data directory."""
    started: list[Up] = []

    def start(*words: str) -> Up:
        started.append(Up(own_home, tmp_path, database, *words))
        started[-1].wait_until_ready()
        return started[-1]

    yield start
    for service in started:
        service.client.close()
        if service.process.poll() is None:
            service.process.kill()
        service.process.wait()
