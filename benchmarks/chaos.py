"""Whether anything is lost or run twice while everything is killed: thousands of real jobs, real processes, real signals.

    python benchmarks/chaos.py [--jobs 2000] [--sqlite] [--schedulers 2] [--kills N] [--seed N] [--keep]

It starts a PostgreSQL of its own (or, by `--sqlite`, uses the default database), `scale up`, and further schedulers that
stand by. Clients submit the jobs over REST, a few at a time: most are to complete, some fail, some are canceled. Each job
writes its ids and its pid to a ledger as it starts and as it ends. Meanwhile SIGKILL and SIGSTOP (and SIGCONT after a
while) hit schedulers, web server, keeper, database, tasks and `scale up` itself, drawn from a shuffled pack; once in the
middle the database is away for long. What died is started again a second later, as a service manager would do it.

At the end the answers that clients got, the rows of the database and the ledger are held against each other. The last line
is one JSON object:

    acknowledged      jobs that a client was told were taken
    ended             those of them that have ended
    lost              jobs and executions that have not ended, or not as they must: as the ledger and the answers say
    run_twice         task ids that were started twice, and executions of which two tasks were alive at once
    retries           executions beyond the first of their job
    kills, stops      signals sent; `faults` has them by target
    longest_stall_s   the longest time in which no end of a job was recorded while some waited or ran
    takeover_s        the longest time from the death (or, if others stand by, the freeze) of the leading scheduler to the next
                      term or placement; not where database or another scheduler were away
    needlessly_ended  tasks that got SIGTERM though nobody wanted their job canceled
    overlapping_tries executions that were started while an earlier one of the same job was surely alive
    set_aside         what the scheduler had to record and the database would never take

The exit status is 1 if something was lost, run twice, started unrecorded or left over, or did not end in time. Then, and with
`--keep`, the working directory stays: `faults.log` tells what was done when, and a grep for `job=N` the story of a job.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg2

from benchmarks.violence import ledger, verdict
from benchmarks.violence.clients import Clients, work
from benchmarks.violence.faults import STOP, Faults
from benchmarks.violence.service import Service
from tests.clusters.postgres import Postgres

SECONDS_A_JOB = 0.12
SHORTEST, LONGEST = 30.0, 1200.0  # seconds in which the jobs are submitted
A_KILL_EVERY = 6.0  # seconds, if it is not said
LEAST_A_KILL = 3.0  # seconds; so many kills want jobs all the time
KILLS_OF_FAULTS = 0.5  # the others are stops, and what finds nobody to hit
PATIENCE = 180.0  # seconds after the last fault until everything has to have ended
LOOK_EVERY = 0.05
ASK_EVERY = 0.5
TELL_EVERY = 5.0
WORST = 50  # lines of what went wrong


class Run:
    """One run, from the first job to the last."""

    def __init__(self, options: argparse.Namespace, service: Service) -> None:
        self._options = options
        self._service = service
        seconds = min(max(options.jobs * SECONDS_A_JOB, SHORTEST), LONGEST)
        self._kills = options.kills or round(seconds / A_KILL_EVERY)
        self._seconds = max(seconds, self._kills * LEAST_A_KILL)
        rng = random.Random(options.seed)
        self._clients = Clients(work(options.jobs, self._seconds, service.root, rng), service.variables, rng)
        every = self._seconds / self._kills * KILLS_OF_FAULTS
        outage = 60.0 if options.jobs >= 20_000 else 20.0 if options.jobs >= 1_000 else 8.0
        self._faults = Faults(service, rng, every=every, outage=(self._seconds * 0.6, outage))
        self._began = self._told = self._looked = time.monotonic()

    def until_everything_ended(self) -> bool:
        """Whether it did, in time."""
        self._clients.start()
        try:
            self._until(self._enough)
            self._faults.cease()
            self._until(lambda: self._faults.is_over)
            return self._until(self._all_ended, PATIENCE)
        finally:
            self._clients.stop()

    def result(self, *, in_time: bool) -> tuple[dict[str, Any], list[str]]:
        """The object to be printed, and what went wrong in words."""
        lines = ledger.read((self._service.root / "ledger").read_text())
        jobs, executions = self._service.jobs(), self._service.executions()
        acknowledged = set(self._clients.acknowledged)
        found = verdict.judge(acknowledged, self._clients.canceled, jobs, executions, lines)
        faults = self._faults
        led = [*self._service.terms(), *(exe.placed for exe in executions if exe.placed is not None)]
        takeovers = verdict.takeovers(faults.falls, led, [*faults.outages, *faults.disturbances])
        told = {
            "acknowledged": len(acknowledged),
            "ended": found.ended,
            "lost": len(found.lost),
            "run_twice": len(found.run_twice),
            "retries": sum(exe.exe > 1 for exe in executions),
            "kills": faults.kills,
            "longest_stall_s": round(verdict.longest_stall(jobs), 1),
            "takeover_s": round(max(takeovers), 1) if takeovers else None,
            "unrecorded": len(found.unrecorded),
            "in_time": in_time,
            "unacknowledged": len(jobs) - len(acknowledged),
            "client_errors": self._clients.errors,
            "tasks": sum(line.what == "start" for line in lines),
            "set_aside": self._service.set_aside(),
            "needlessly_ended": verdict.needlessly_ended(jobs, lines),
            "overlapping_tries": ledger.overlapping(lines),
            "jobs_by_status": Counter(job.status for job in jobs),
            "errors": Counter(exe.error for exe in executions if exe.error),
            "stops": sum(number for (_, how), number in faults.dealt.items() if how == STOP),
            "faults": {f"{target} {how}": number for (target, how), number in sorted(faults.dealt.items())},
            "takeovers": len(takeovers),
            "longest_outage_s": round(max((ended - began for began, ended in faults.outages), default=0.0), 1),
            "seed": self._options.seed,
            "jobs": self._options.jobs,
            "schedulers": self._options.schedulers,
            "seconds": round(time.monotonic() - self._began, 1),
            "database": "postgresql" if self._service.postgres else "sqlite",
        }
        return told, [*found.lost, *found.run_twice, *found.unrecorded]

    def _enough(self) -> bool:
        return self._elapsed() >= self._seconds and self._faults.kills >= self._kills and self._clients.are_done()

    def _all_ended(self) -> bool:
        if time.monotonic() < self._looked + ASK_EVERY:
            return False
        self._looked = time.monotonic()
        try:
            return self._service.unended() == 0
        except (sqlite3.Error, psycopg2.Error):
            return False

    def _until(self, happens: Any, patience: float = float("inf")) -> bool:
        """Do to the service what is due, and for it, until this happens; whether it did before patience was over."""
        deadline = time.monotonic() + patience
        while not happens():
            if time.monotonic() > deadline:
                return False
            self._faults.act()
            self._service.look_after()
            self._tell_progress()
            threading.Event().wait(LOOK_EVERY)
        return True

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _tell_progress(self) -> None:
        if time.monotonic() < self._told + TELL_EVERY:
            return
        self._told = time.monotonic()
        words = f"{self._elapsed():5.0f} s: {len(self._clients.acknowledged)} jobs acknowledged, {self._faults.kills} kills"
        print(words, file=sys.stderr)


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--sqlite", action="store_true", help="the default database, instead of a PostgreSQL")
    parser.add_argument("--schedulers", type=int, help="how many, all but one standing by; with SQLite there is one")
    parser.add_argument("--kills", type=int, help="at least so many")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--keep", action="store_true", help="leave the working directory")
    options = parser.parse_args(words)
    if options.schedulers is None:
        options.schedulers = 1 if options.sqlite else 2
    if options.sqlite and options.schedulers > 1:
        parser.error("with SQLite there is one scheduler")
    return options


def _interrupted(number: int, _: object) -> None:
    """So that nothing is left then either."""
    print(f"interrupted by {signal.Signals(number).name}", file=sys.stderr)
    sys.exit(128 + number)


def main(words: list[str]) -> int:
    options = arguments(words)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    root = Path(tempfile.mkdtemp(prefix="scale-chaos-"))
    is_kept = options.keep
    try:
        with ExitStack() as stack:
            # what is killed must keep what it has committed
            postgres = None if options.sqlite else stack.enter_context(Postgres(synchronous_commit="on"))
            service = Service(root, options.schedulers, postgres)
            stack.callback(service.end)
            service.start()
            run = Run(options, service)
            in_time = run.until_everything_ended()
            told, wrong = run.result(in_time=in_time)
            left = service.stop()
            told["left_over"] = len(left)
            wrong += left
        is_well = in_time and not wrong
        is_kept = is_kept or not is_well
    finally:
        if is_kept:
            print(f"everything is left in {root}", file=sys.stderr)
        else:
            shutil.rmtree(root, ignore_errors=True)
    for line in wrong[:WORST]:
        print(line, file=sys.stderr)
    print(json.dumps(told))
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
