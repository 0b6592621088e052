"""A scheduler that is killed with SIGKILL at a place of our choice; a program of its own, run by `test_windows.py`.

    python -m tests.journeys.dying PLACE NUMBER

makes turns on ``SCALE_HOME`` and its database. The process kills itself when it comes to the place for the time with this
number. Without a place it works until nothing waits or runs, and prints what became of the jobs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import django

django.setup()

from django.conf import settings  # noqa: E402 Django has to be set up first
from django.db import connection  # noqa: E402

from scale.engines.local.engine import LocalEngine  # noqa: E402
from scale.job.models import Job, JobExecution  # noqa: E402
from scale.kernel.clock import SystemClock  # noqa: E402
from scale.scheduler.fence import Fence  # noqa: E402
from scale.scheduler.process import Scheduler  # noqa: E402
from scale.scheduler.services import Candidate, term_begin  # noqa: E402

CLOCK = SystemClock()
PATIENCE = 30.0


class Doom:
    """Counts how often each place is come to."""

    def __init__(self, place: str, number: int) -> None:
        self._place = place
        self._left = number

    def at(self, place: str) -> None:
        if place == self._place:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class DyingEngine(LocalEngine):
    """Dies before or after what it does."""

    doom: Doom

    def launch(self, tasks, when):
        self.doom.at("before launch")
        super().launch(tasks, when)
        self.doom.at("after launch")

    def kill(self, tasks, when):
        self.doom.at("before kill")
        super().kill(tasks, when)
        self.doom.at("after kill")

    def acknowledge(self, tasks):
        tasks = list(tasks)
        if tasks:
            self.doom.at("before acknowledgement")
        super().acknowledge(tasks)
        if tasks:
            self.doom.at("after acknowledgement")


class Dying:
    """A scheduler in one thread."""

    def __init__(self, doom: Doom) -> None:
        self._doom = doom
        home = settings.ENVIRONMENT.home
        self.engine = DyingEngine(home, CLOCK, offers={"cpus": 4, "mem": 4096})
        self.engine.doom = doom
        fence = Fence(term_begin(by=Candidate(f"dying-{os.getpid()}", "here", os.getpid()), when=CLOCK.now()))
        self.scheduler = Scheduler(engines={"local": self.engine}, clock=CLOCK, fence=fence)
        self._bell = self.scheduler.loops[0].bell

    def work(self) -> None:
        """Until nothing waits or runs."""
        deadline = CLOCK.monotonic() + PATIENCE
        self.scheduler.start()
        self._turns()
        while self._has_work():
            assert CLOCK.monotonic() < deadline, "the jobs do not end"
            self._bell.wait(0.2)
            self._bell.clear()
            self._turns()

    def _has_work(self) -> bool:
        unended = Job.objects.filter(status__in=["PENDING", "QUEUED", "RUNNING"])
        return unended.exists() or bool(self.scheduler.job_exes.get_running_job_exes())

    def _turns(self) -> None:
        when = CLOCK.now()
        self.scheduler.reports(when)
        with commits_at(self._doom, "the claim"):
            self.scheduler.schedule(when)
        self.scheduler.reports(when)
        with commits_at(self._doom, "the record"):
            self.scheduler.persist(when)


@contextmanager
def commits_at(doom: Doom, what: str) -> Iterator[None]:
    """Die before or after the commit of a transaction that has written something of executions."""
    real = connection._commit
    wrote: list[str] = []

    def watch(execute, sql, params, many, context):
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and ("job_exe" in sql or "task_update" in sql):
            wrote.append(sql)
        return execute(sql, params, many, context)

    def commit():
        if wrote:
            doom.at(f"before the commit of {what}")
        real()
        if wrote:
            doom.at(f"after the commit of {what}")
            wrote.clear()

    connection._commit = commit
    try:
        with connection.execute_wrapper(watch):
            yield
    finally:
        del connection._commit


def told() -> dict[str, object]:
    jobs = Job.objects.order_by("id").values_list("id", "status", "num_exes")
    return {
        "jobs": [list(job) for job in jobs],
        "unended": JobExecution.objects.filter(has_ended=False).count(),
        "ends": list(JobExecution.objects.order_by("id").values_list("jobexecutionend__exit_code", flat=True)),
    }


def main(place: str = "", number: str = "1") -> None:
    dying = Dying(Doom(place, int(number)))
    dying.work()
    sys.stdout.write(json.dumps(told()) + "\n")
    dying.engine.stop(leave_tasks=False)
    assert threading.active_count() == 1


if __name__ == "__main__":
    main(*sys.argv[1:])
