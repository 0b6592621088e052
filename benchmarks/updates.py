"""Task updates through the whole inbox: task manager, execution manager, node manager, metrics; then with persistence, too.

    python benchmarks/updates.py [--updates 1000000] [--persisted 100000] [--nodes 1000]

A scheduler that has found running executions in its database, as one does that takes over from another, hears that they
run and that they have finished, five hundred reports a turn, among them one of a node. Only its turn `reports` is timed.
In memory, what would be recorded is handed over to nobody. Persisted, its turn `persist` is timed as well; the database is
SQLite with synchronous=FULL.

The floors are a loop that keeps the latest state of each task in a dict, and rows inserted in commits of five hundred.
"""

from __future__ import annotations

import argparse
import gc
import itertools
from collections.abc import Iterator

# isort: split
import fresh

# isort: split
from django.contrib.auth.models import User
from django.db import connection

import harness
from figures import Row
from filling import make_nodes, make_types, run_jobs
from harness import Budget, Commits, say, timed
from quiet import CLOCK, QuietEngine, finished, online, running, scheduler_on
from scale.engines.protocol import Report, TaskReport
from scale.job.models import JobExecution, JobExecutionEnd
from scale.kernel.resources import Resources
from scale.scheduler.process import Scheduler

BATCH = 500  # reports a turn
HAS = Resources(cpus=64, mem=256 * 1024)
TYPES = 20
MOST_AT_ONCE = 50_000  # executions that run at the same time


def reports_of(tasks: list[tuple[str, str]]) -> Iterator[list[Report]]:
    """What is heard turn by turn: some tasks run, and those of the turn before have finished; and a node says it is well."""
    before: list[tuple[str, str]] = []
    half = BATCH // 2
    for some in [*(tasks[start : start + half] for start in range(0, len(tasks), half)), []]:
        when = CLOCK.now()
        node = (some or before)[0][1]
        yield [
            online(node, HAS),
            *(running(task, node, when) for task, node in some),
            *(finished(task, node, when) for task, node in before),
        ]
        before = some


def fill(executions: int, nodes: int) -> None:
    fresh.migrate()
    now = CLOCK.now()
    user = User.objects.create_user("bench")
    run_jobs(executions, user, now, make_types(TYPES, now), make_nodes(nodes, now))


def tasks_running() -> list[tuple[str, str]]:
    """Their ids, and their nodes."""
    rows = JobExecution.objects.filter(has_ended=False).order_by("id").values_list("cluster_id", "node__agent_id")
    return [(f"{name}_main", node) for name, node in rows]


def adopted(nodes: int) -> tuple[QuietEngine, Scheduler]:
    engine = QuietEngine([online(f"node-{n}", HAS) for n in range(nodes)])
    return engine, scheduler_on(engine)


def in_memory(updates: int, nodes: int, budget: Budget) -> tuple[float, int]:
    """Updates a second, and how many there were."""
    tasks, seconds, heard = tasks_running(), 0.0, 0
    while heard < updates and budget.left > 0:
        engine, scheduler = adopted(nodes)
        with harness.no_collection():
            for reports in reports_of(tasks):
                engine.next = reports
                seconds += timed(scheduler.reports, CLOCK.now())
                heard += len(reports) - 1
                scheduler.inbox.drain()
                scheduler.job_exes.get_messages()
                if heard >= updates or budget.left <= 0:
                    break
        say(f"{heard} updates in memory, {heard / seconds:.0f}/s")
    return heard / seconds, heard


def persisted(updates: int, nodes: int, budget: Budget) -> tuple[float, int]:
    engine, scheduler = adopted(nodes)
    seconds, heard = 0.0, 0
    scheduler.persist(CLOCK.now())
    gc.collect()
    gc.freeze()  # as `scale_scheduler` does once it has taken over
    for reports in reports_of(tasks_running()):
        engine.next = reports
        seconds += timed(scheduler.reports, CLOCK.now())
        seconds += timed(scheduler.persist, CLOCK.now())
        heard += len(reports) - 1
        if heard >= updates or budget.left <= 0:
            break
    over = JobExecutionEnd.objects.filter(status="COMPLETED", exit_code=0).count()
    assert over >= heard // 2 - BATCH, f"{over} ends of {heard} updates were recorded"
    say(f"{heard} updates persisted, {heard / seconds:.0f}/s")
    return heard / seconds, heard


def dict_floor(tasks: list[tuple[str, str]]) -> float:
    """Updates a second that go into a dict and nowhere else."""
    batches = list(reports_of(tasks))
    states: dict[str, str] = {}

    def keep() -> None:
        for report in itertools.chain.from_iterable(batches):
            if isinstance(report, TaskReport):
                states[report.task_id] = report.state

    return 2 * len(tasks) / harness.median_of(5, keep)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=1_000_000)
    parser.add_argument("--persisted", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=1000)
    args = parser.parse_args()
    executions = min(MOST_AT_ONCE, max(args.updates, args.persisted) // 2)
    fill(executions, args.nodes)
    commits = Commits(fresh.HOME, "")
    in_dict = dict_floor(tasks_running())
    in_commits = BATCH / harness.median_of(20, lambda: commits.commit(BATCH))
    memory, heard = in_memory(args.updates, args.nodes, Budget(180))
    recorded, kept = persisted(args.persisted, args.nodes, Budget(100))
    rows = [
        Row("updates in memory", memory, "updates/s", "the latest state kept in a dict", in_dict, "figure >= 100000"),
        Row("updates persisted", recorded, "updates/s", f"rows in commits of {BATCH}", in_commits, "figure >= 20000"),
    ]
    sizes = {"updates": heard, "updates_persisted": kept, "executions_at_once": executions, "nodes": args.nodes, "batch": BATCH}
    harness.finish("updates", rows, {**sizes, "database": connection.vendor})


if __name__ == "__main__":
    main()
