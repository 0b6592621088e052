"""One job at a time on an idle service: from the POST to the first thing that its process does; against the bare chain.

    python benchmarks/latency.py [--posts 300] [--databases sqlite,postgresql]

The POST is authenticated and goes over a connection that stays. The process, a small C program, looks at the clock before
all else and writes what it saw into a pipe; where there is no compiler, a shell writes to the pipe, and its arrival counts.
Everything is paced, for cores that sleep wake up late.

The bare chain is what cannot be spared: an authenticated POST of an empty job through the same server, which refuses it; two
commits of one row, as durable, in the same kind of database; and the spawn of the same program up to the same moment. The
links are measured between the jobs, each by itself, and summed; the percentiles are of the sums.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import struct
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import harness
from figures import Row, percentile
from harness import Budget, Commits, Http, Service, rows, say
from tests.clusters.postgres import NoPostgres

PAUSE = 0.012  # seconds of rest before each measurement
GOALS = {50: "ratio <= 1.5, figure <= 5", 95: "ratio <= 1.5, figure <= 12", 99: ""}
EMPTY = ("POST", "/api/v7/jobs/", b"{}")
AGAINST = "an empty authenticated POST, two commits and a spawn"
_SOURCE = r"""
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long ns = now.tv_sec * 1000000000LL + now.tv_nsec;
    int pipe = open(argv[1], O_WRONLY);
    return write(pipe, &ns, sizeof ns) != sizeof ns;
}
"""


class Starts:
    """Tells when a process started that was given our command."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "started"
        os.mkfifo(self._path)
        self._pipe = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        self.program, self.command = _program(folder, self._path)

    def wait(self, within: float = 30) -> float:
        """The moment, in seconds of the monotonic clock."""
        if not select.select([self._pipe], [], [], within)[0]:
            raise TimeoutError("the process did not start")
        arrived = time.monotonic()
        said = os.read(self._pipe, 8)
        return arrived if self.program == "sh" else struct.unpack("q", said)[0] / 1e9

    def close(self) -> None:
        os.close(self._pipe)


def _program(folder: Path, pipe: Path) -> tuple[str, list[str]]:
    """What it is, and its command line."""
    compiler = next(filter(None, map(shutil.which, ("gcc", "cc", "clang"))), None)
    if compiler:
        source, program = folder / "started.c", folder / "tell-start"
        source.write_text(_SOURCE)
        for how in (["-static"], []):
            built = subprocess.run([compiler, "-O2", *how, "-o", program, source], capture_output=True, check=False)
            if built.returncode == 0:
                return "C", [str(program), str(pipe)]
    return "sh", ["/bin/sh", "-c", f"echo > {pipe}"]


class Idle:
    """A service that gets one job at a time, and the links of the chain beside it."""

    def __init__(self, service: Service, starts: Starts, commits: Commits, priority: int) -> None:
        self._starts = starts
        self._commits = commits
        self._service = service
        self._web: Http | None = None
        self._database: Any = service.database()
        job = {"command": starts.command, "resources": {"cpus": 1, "mem": 0}, "priority": priority}
        self._body = json.dumps(job).encode()

    def job(self) -> float:
        """Seconds from the POST to the start of the process."""
        web = self._connected()
        time.sleep(PAUSE)
        began = time.monotonic()
        status, answer = web.ask("POST", "/api/v7/jobs/", self._body)
        if status != 201:
            raise RuntimeError(f"the job was not taken: {status} {answer[:500]!r}")
        seconds = self._starts.wait() - began
        is_over = f"SELECT 1 FROM job WHERE id = {json.loads(answer)['id']} AND status = 'COMPLETED'"
        harness.wait_until(lambda: rows(self._database, is_over), pause=0.005)
        return seconds

    def chain(self) -> float:
        return self._request() + self._commit() + self._commit() + self._spawn()

    def _request(self) -> float:
        web = self._connected()
        time.sleep(PAUSE)
        began = time.monotonic()
        status, _ = web.ask(*EMPTY)
        seconds = time.monotonic() - began
        if status != 400:
            raise RuntimeError(f"an empty job was not refused, but {status}")
        return seconds

    def _commit(self) -> float:
        time.sleep(PAUSE)
        return harness.timed(self._commits.commit)

    def _spawn(self) -> float:
        time.sleep(PAUSE)
        began = time.monotonic()
        pid = os.posix_spawn(self._starts.command[0], self._starts.command, os.environ)
        started = self._starts.wait()
        os.waitpid(pid, 0)
        return started - began

    def _connected(self) -> Http:
        """The server closes a connection that was idle for two seconds; none of ours is, but where a job takes long."""
        if self._web is None or time.monotonic() - self._used > 1:
            if self._web:
                self._web.close()
            self._web = self._service.http()
            self._web.ask(*EMPTY)
        self._used = time.monotonic()
        return self._web


def measure(
    service: Service, folder: Path, url: str, posts: int, seconds: float, priority: int = 100
) -> tuple[list[float], list[float], str]:
    """Milliseconds of jobs and of chains, in turn; fewer if there is no time for all."""
    starts, commits = Starts(folder), Commits(folder, url)
    idle = Idle(service, starts, commits, priority)
    for _ in range(min(posts, 10)):
        idle.job(), idle.chain()
    jobs, chains, budget = [], [], Budget(seconds)
    while len(jobs) < posts and (budget.left > 0 or not jobs):
        jobs.append(idle.job() * 1000)
        chains.append(idle.chain() * 1000)
    starts.close()
    commits.close()
    return jobs, chains, starts.program


def table(name: str, jobs: list[float], chains: list[float]) -> list[Row]:
    return [
        Row(f"POST to start on {name}, p{part}", percentile(jobs, part), "ms", AGAINST, percentile(chains, part), goal)
        for part, goal in GOALS.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=300)
    parser.add_argument("--databases", type=lambda names: names.split(","), default=["sqlite", "postgresql"])
    args = parser.parse_args()
    found: list[Row] = []
    left_out, sizes, versions = [], {"posts": args.posts, "pause_ms": PAUSE * 1000}, {}
    for name in (name for name in ("SQLite", "PostgreSQL") if name.lower() in args.databases):
        with ExitStack() as stack:
            home, folder = (stack.enter_context(harness.temporary_home()) for _ in range(2))
            url = ""
            if name == "PostgreSQL":
                try:
                    url = stack.enter_context(harness.durable_postgres()).url
                except (NoPostgres, OSError) as trouble:
                    left_out.append(f"PostgreSQL: {trouble}")
                    continue
                versions[name] = harness.postgres_version(url)
            service = stack.enter_context(Service(home, url))
            jobs, chains, sizes["program"] = measure(service, folder, url, args.posts, harness.BUDGET / 2 - 30)
            sizes[f"posts_on_{name}"] = len(jobs)
            found += table(name, jobs, chains)
            say("\n".join(f"{row.name}: {row.figure:.1f} ms, chain {row.against_figure:.1f}" for row in found[-3:]))
    harness.finish("latency", found, sizes, versions=versions, left_out=left_out)


if __name__ == "__main__":
    main()
