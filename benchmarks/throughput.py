"""Trivial jobs by REST bulk through the whole service, until all are recorded as COMPLETED; against spawning, and rivals.

    python benchmarks/throughput.py [--jobs 2000] [--rounds 3] [--no-peers] [--databases sqlite,postgresql]

A `scale up` on each database gets the jobs in one request. They count as done when the database says so of all; then it
is checked that each has its exit code, CPU seconds, peak memory and log files. The database is durable: SQLite in WAL
with synchronous=FULL, PostgreSQL with fsync and synchronous_commit.

"2 slots" are jobs that take a cpu each of a service that hands out two; so many run side by side with each rival. "64 in
flight" are jobs that ask for so little that 64 are with the keeper at once, as a service has it that fills its machine
ahead. The floor has two in flight. Floors, ours and rivals take turns, and medians are compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import harness
from figures import Row
from harness import Budget, Service, rows, say
from tests.clusters.postgres import NoPostgres

PEERS = Path(__file__).parent / "peers"
SLOTS = 2
AHEAD = 64
#: by rival: its packages, its program, which of our services it is held against, and the goal
RIVALS = {
    "HyperQueue": (("hyperqueue",), "on_hyperqueue.py", "SQLite", "ratio >= 4"),
    "huey on SQLite": (("huey",), "on_huey.py", "SQLite", ""),
    "Procrastinate": (("procrastinate", "psycopg[binary]"), "on_procrastinate.py", "PostgreSQL", "ratio >= 6"),
    "Dask": (("distributed",), "on_dask.py", "SQLite", "ratio >= 4"),
}
GOALS = {"SQLite": "ratio >= 0.60", "PostgreSQL": "ratio >= 0.50"}
Contest = list[tuple[str, Callable[[], float]]]
FLOOR = "posix_spawn of /bin/true, two in flight"


class NotRight(Exception):
    """A job is not recorded as it should be."""


def bulk(jobs: int, cpus: float, mem: float, priority: int = 100) -> bytes:
    job = {"command": [harness.TRUE], "resources": {"cpus": cpus, "mem": mem}, "priority": priority}
    return json.dumps({"jobs": [job] * jobs}).encode()


def submit(service: Service, body: bytes) -> list[int]:
    web = service.http()  # the server closes a connection that was idle for two seconds
    status, answer = web.ask("POST", "/api/v7/jobs/bulk/", body)
    web.close()
    if status != 201:
        raise NotRight(f"the jobs were not taken: {status} {answer[:500]!r}")
    ids: list[int] = json.loads(answer)["ids"]
    return ids


def run_jobs(service: Service, database: Any, jobs: int, cpus: float, mem: float = 0, priority: int = 100) -> float:
    """Jobs a second, from the request to the last one that is recorded."""
    body = bulk(jobs, cpus, mem, priority)
    began = time.perf_counter()
    ids = submit(service, body)
    open_ones = f"SELECT 1 FROM job WHERE status IN ('QUEUED', 'RUNNING') AND id >= {min(ids)} LIMIT 1"
    harness.wait_until(lambda: not rows(database, open_ones), within=180)
    seconds = time.perf_counter() - began
    verify(service, database, ids)
    return jobs / seconds


def verify(service: Service, database: Any, ids: list[int]) -> None:
    """Each has completed, has its figures, and its log files."""
    between = f"BETWEEN {min(ids)} AND {max(ids)}"
    ends = rows(
        database,
        "SELECT e.job_id, x.cluster_id FROM job_exe_end e JOIN job j ON j.id = e.job_id JOIN job_exe x ON x.id = e.job_exe_id"
        f" WHERE e.job_id {between} AND j.status = 'COMPLETED' AND e.status = 'COMPLETED' AND e.exit_code = 0"
        " AND e.cpu_seconds IS NOT NULL AND e.peak_memory > 0 AND e.ended IS NOT NULL",
    )
    if {job for job, _ in ends} != set(ids):
        raise NotRight(f"{len(ids) - len(ends)} of {len(ids)} jobs have not completed with all that is to be recorded")
    written = {path.name for day in (service.home / "logs" / "tasks").iterdir() for path in day.iterdir()}
    missing = [name for _, name in ends if not {f"{name}_main.out", f"{name}_main.err"} <= written]
    if missing:
        raise NotRight(f"{len(missing)} jobs have no log files, such as {missing[0]}")


def run_rival(packages: tuple[str, ...], program: str, jobs: int, url: str, versions: dict[str, str]) -> float:
    """Jobs a second; its version is added to the others."""
    python = harness.peers_python(*packages)
    words = [python, "-P", PEERS / program, "--jobs", jobs, "--slots", SLOTS, "--database", url]
    with harness.temporary_home() as home:
        done = subprocess.run([str(word) for word in words], cwd=home, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise NotRight(f"{program} failed: {done.stderr.strip()[-500:]}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    versions.update(told["versions"])
    return float(jobs / told["seconds"])


class Measured:
    """What came of each contender, round by round; one that fails is left out of what follows."""

    def __init__(self) -> None:
        self.figures: dict[str, list[float]] = {}
        self.left_out: list[str] = []
        self._gone: set[str] = set()

    def measure(self, name: str, work: Callable[[], float]) -> None:
        if name in self._gone:
            return
        try:
            figure = work()
        except (NotRight, TimeoutError, subprocess.SubprocessError, OSError) as trouble:
            self._gone.add(name)
            self.left_out.append(f"{name}: {trouble}")
            say(f"  {name}: left out, {trouble}")
            return
        self.figures.setdefault(name, []).append(figure)
        say(f"  {name}: {figure:.0f}/s")

    def median(self, name: str) -> float | None:
        return statistics.median(self.figures[name]) if name in self.figures else None


def services_on(stack: ExitStack, databases: list[str], url: str) -> dict[str, tuple[Service, Any]]:
    """A service on each database, with a connection to look into that, by the database's name."""
    services = {}
    for name, address in {"SQLite": "", "PostgreSQL": url}.items():
        if name.lower() in databases and (name == "SQLite" or url):
            home = stack.enter_context(harness.temporary_home())
            service = stack.enter_context(Service(home, address, local_cpus=SLOTS))
            services[name] = (service, service.database())
    return services


def contenders(args: argparse.Namespace, services: dict[str, tuple[Service, Any]], url: str, versions: dict[str, str]) -> Contest:
    """Who takes part in a round, in turn; floors stand between."""
    floor = (FLOOR, partial(harness.spawn_floor, args.jobs, SLOTS))
    contest: Contest = [floor]
    for name, parts in services.items():
        contest.append((f"{name}, {SLOTS} slots", partial(run_jobs, *parts, args.jobs, 1, args.mem)))
        contest.append((f"{name}, {AHEAD} in flight", partial(run_jobs, *parts, args.jobs, SLOTS / AHEAD, args.mem)))
    rivals = {} if args.no_peers else RIVALS
    contest += [floor] if rivals else []
    for name, (packages, program, _, _) in rivals.items():
        if name != "Procrastinate" or url:
            contest.append((name, partial(run_rival, packages, program, args.jobs, url, versions)))
    return contest


def measure(args: argparse.Namespace) -> tuple[Measured, dict[str, str], int]:
    """What came of it, the versions, and how many rounds there were."""
    measured, versions, budget, url = Measured(), {}, Budget(), ""
    with ExitStack() as stack:
        if "postgresql" in args.databases or not args.no_peers:
            try:
                url = stack.enter_context(harness.durable_postgres()).url
                versions["PostgreSQL"] = harness.postgres_version(url)
            except (NoPostgres, subprocess.SubprocessError, OSError) as trouble:
                measured.left_out.append(f"PostgreSQL: {trouble}")
        services = services_on(stack, args.databases, url)
        for parts in services.values():  # nobody's first jobs count
            run_jobs(*parts, 50, SLOTS / AHEAD)
        contest = contenders(args, services, url, versions)
        for number in budget.rounds(args.rounds):
            say(f"round {number + 1}")
            for name, work in contest:
                measured.measure(name, work)
    return measured, versions, number + 1


def table(measured: Measured) -> list[Row]:
    floor = measured.median(FLOOR)
    found = []
    for name, goal in GOALS.items():
        for how in (f"{AHEAD} in flight", f"{SLOTS} slots"):
            if floor and (ours := measured.median(f"{name}, {how}")):
                found.append(Row(f"throughput on {name}, {how}", ours, "jobs/s", FLOOR, floor, goal))
    for rival, (_, _, name, goal) in RIVALS.items():
        for how in (f"{SLOTS} slots", f"{AHEAD} in flight"):
            if (theirs := measured.median(rival)) and (ours := measured.median(f"{name}, {how}")):
                found.append(Row(f"throughput on {name}, {how}, against {rival}", ours, "jobs/s", rival, theirs, goal))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mem", type=float, default=0, help="MiB that a job may take; 0: no limit is held")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--databases", type=lambda names: names.split(","), default=["sqlite", "postgresql"])
    args = parser.parse_args()
    measured, versions, done = measure(args)
    sizes = {"jobs": args.jobs, "rounds": done, "slots": SLOTS, "in_flight": AHEAD, "memory_limit_mib": args.mem}
    harness.finish("throughput", table(measured), sizes, versions=versions, left_out=measured.left_out)


if __name__ == "__main__":
    main()
