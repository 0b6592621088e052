"""What becomes of throughput, latency and memory as jobs that are over, or that wait, grow many.

    python benchmarks/growth.py [--finished 100000,1000000] [--queued 1000000] [--running 100000] [--jobs 1000]

One `scale up` on SQLite after the other in the same data directory, with ever more in the database, each of them measured
by jobs of its own. Throughput is told in spawn floors and latency in bare chains of the same minute (see `throughput.py` and
`latency.py`), so that a busy machine does not count. Those that are over have ended one a second. Those that wait are of
forty shapes, less urgent, and too large for the machine. Memory is PSS. The scheduler that has a hundred thousand running
executions beside the queue has taken them over from another, in a process of its own, with an engine that does nothing.

Where time does not allow for a size, a smaller one is measured, and told in its place.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial

# isort: split
import fresh

# isort: split
from django.contrib.auth.models import User
from django.db import connection

import harness
import latency
import throughput
from figures import Row, percentile
from filling import Kind, finish_jobs, make_nodes, queue_up, run_jobs
from harness import Budget, Service, say
from quiet import CLOCK, QuietEngine, online, scheduler_on
from scale.job.models import Job, JobType
from scale.kernel.resources import Resources

CHUNK = 100_000
SHAPES = 40
NODES = 1000  # that the running ones are on
POSTS = 40
SETTLED, IDLE = 3.0, 10.0  # seconds after its start that an idle service is watched, and for how long
DJANGO = "a Python that has loaded Django"


@dataclass
class Stage:
    """What was measured of one service."""

    speed: float  #: in spawn floors
    delay: float  #: in bare chains
    memory: dict[str, float] = field(default_factory=dict)  #: MB of each process
    idle: float = 0.0  #: percent of one core


def measure(jobs: int, rounds: int, *, watches_idle: bool = False) -> Stage:
    with Service(fresh.HOME, local_cpus=throughput.SLOTS) as service, harness.temporary_home() as folder:
        processes = service.processes()
        pids = [pid for part in processes.values() for pid in part]
        database = service.database()
        cpus = throughput.SLOTS / throughput.AHEAD
        run = partial(throughput.run_jobs, service, database, jobs, cpus, priority=1)
        memory = {"in all, at first": harness.pss(pids)}
        idle = idle_cpu(pids) if watches_idle else 0.0
        throughput.run_jobs(service, database, 50, cpus, priority=1)
        speeds = []
        for _ in range(rounds):
            floor = harness.spawn_floor(jobs)
            speeds.append(run() / floor)
        posts, chains, _ = latency.measure(service, folder, "", POSTS, 20, priority=1)
        memory |= {part: harness.pss(pids) for part, pids in service.processes().items()}
        database.close()
    stage = Stage(statistics.median(speeds), percentile(posts, 50) / percentile(chains, 50), memory, idle)
    say(f"  {stage.speed:.3f} floors, {stage.delay:.2f} chains, {memory['scheduler']:.0f} MB of the scheduler")
    return stage


def idle_cpu(pids: list[int]) -> float:
    """Percent of one core, once all is quiet after the start."""
    time.sleep(SETTLED)
    used = harness.cpu_seconds(pids)
    time.sleep(IDLE)
    return 100 * (harness.cpu_seconds(pids) - used) / IDLE


def grow(have: int, want: int, seconds: float) -> int:
    """Have so many jobs that are over, as far as there is time; how many there are."""
    user = User.objects.get(username="admin")
    budget = Budget(seconds)
    for _ in budget.rounds((want - have + CHUNK - 1) // CHUNK):
        count = min(CHUNK, want - have)
        finish_jobs(count, user, CLOCK.now())
        have += count
    return have


def wait_in_line(want: int, seconds: float) -> int:
    """Have so many jobs wait; how many do."""
    user = User.objects.get(username="admin")
    have = 0
    budget = Budget(seconds)
    for number in budget.rounds(SHAPES):
        count = want // SHAPES + (number < want % SHAPES)
        kind = Kind(count, {"cpus": 1000.0 + number, "mem": 256.0}, priority=200 + number)
        if count:
            queue_up([kind], user, CLOCK.now())
            have += count
    return have


def held(executions: int) -> float:
    """MB of a scheduler that runs so many, in a process of its own."""
    now = CLOCK.now()
    types = list(JobType.objects.order_by("id")[:1])
    run_jobs(executions, User.objects.get(username="admin"), now, types, make_nodes(NODES, now))
    connection.close()
    variables = {**os.environ, fresh.GIVEN: str(fresh.HOME)}
    words = [sys.executable, __file__, "--hold"]
    done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=200, check=True)
    return float(json.loads(done.stdout)["mb"])


def hold() -> None:
    """Be that process: take over, make some turns, and tell how large it is."""
    has = Resources(cpus=64, mem=256 * 1024)
    engine = QuietEngine([online(f"node-{n}", has) for n in range(NODES)])
    scheduler = scheduler_on(engine)
    for _ in range(3):
        scheduler.schedule(CLOCK.now())
        scheduler.persist(CLOCK.now())
        scheduler.status(CLOCK.now())
    print(json.dumps({"mb": harness.pss([os.getpid()])}))


def django_alone() -> float:
    program = "import django; django.setup(); input()"
    words = [sys.executable, "-c", program]
    process = subprocess.Popen(words, env={**os.environ, "PYTHONUNBUFFERED": "1"}, stdin=subprocess.PIPE, cwd=fresh.HOME)
    time.sleep(3)
    memory = harness.pss([process.pid])
    process.communicate(b"\n")
    return memory


def compared(what: str, stage: Stage, first: Stage, goal: str = "") -> list[Row]:
    return [
        Row(f"throughput {what}", stage.speed, "spawn floors", "the same with none", first.speed, goal),
        Row(f"POST to start {what}, p50", stage.delay, "bare chains", "the same with none", first.delay),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--finished", type=lambda text: [int(n) for n in text.split(",")], default=[100_000, 1_000_000])
    parser.add_argument("--queued", type=int, default=1_000_000)
    parser.add_argument("--running", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hold", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.hold:
        return hold()
    budget, rows, memories, have = Budget(), [], {}, 0
    fresh.migrate()
    alone = django_alone()
    say("nothing in the database")
    first = memories["fresh"] = measure(args.jobs, args.rounds, watches_idle=True)
    for number, want in enumerate(args.finished):
        share = 0.3 * budget.left if number == len(args.finished) - 1 else 0.15 * budget.left
        have = grow(have, want, share)
        say(f"{have:,} finished")
        stage = memories[f"{have:,} finished"] = measure(args.jobs, args.rounds)
        rows += compared(f"with {have:,} finished", stage, first, "ratio >= 0.9")
    queued = wait_in_line(args.queued, 0.4 * budget.left)
    say(f"{queued:,} queued")
    stage = memories[f"{queued:,} queued"] = measure(args.jobs, args.rounds)
    rows += compared(f"with {queued:,} queued", stage, first)
    fresh_in_all = first.memory.pop("in all, at first")
    rows.append(Row("memory of a fresh service in all", fresh_in_all, "MB", DJANGO, alone, "figure < 250"))
    rows.append(Row("CPU of an idle service", first.idle, "% of one core", "one core", 100, "figure < 1"))
    for what, stage in memories.items():
        for part in ("web", "scheduler", "keeper"):
            goal = "figure < 200" if part == "scheduler" and "queued" in what else ""
            rows.append(Row(f"memory of the {part}, {what}", stage.memory[part], "MB", DJANGO, alone, goal))
    left_out = []
    if args.running and budget.left > 60:
        name = f"memory of a scheduler with {args.running:,} running and {queued:,} queued"
        try:
            rows.append(Row(name, held(args.running), "MB", DJANGO, alone, "figure < 300"))
        except subprocess.TimeoutExpired:
            left_out.append(f"{name}: it took too long")
    else:
        left_out.append(f"memory with {args.running:,} running: there was no time left")
    sizes = {"finished": have, "queued": queued, "jobs": args.jobs, "posts": POSTS, "rows_of_jobs": Job.objects.count()}
    harness.finish("growth", rows, {**sizes, "asked_for": f"{max(args.finished)} and {args.queued}"}, left_out=left_out)
    return None


if __name__ == "__main__":
    main()
