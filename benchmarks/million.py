"""What the queries of every day cost with a million jobs, and how the database goes about them.

    python benchmarks/million.py [--jobs 1000000]
    SCALE_HOME=/somewhere/empty python benchmarks/million.py
    python -m tests.clusters.postgres -- python benchmarks/million.py

The database is the one that the settings name, if they name one, and else one of its own; it is migrated, and filled if it is
empty. Of twenty jobs one waits, of a thousand one runs, the others ended one a second; each execution has two updates. Each
query is made three times in a transaction that is undone, and the fastest counts. What the database does for each is told
beside, as `plans`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

if "SCALE_HOME" in os.environ or "SCALE_DATABASE_URL" in os.environ:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scale.settings")
    django.setup()
else:
    import fresh  # noqa: F401 a database of its own

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Q

import harness
from figures import Row
from filling import copy, mend_sequences, moment
from scale.cursors import cursor_at, rows_after
from scale.job.commands.selectors import job_ids_chosen
from scale.job.execution.selectors import executions_ended_since, executions_to_cancel, executions_unended
from scale.job.execution.services import jobs_recover
from scale.job.filters import JobChoice, JobFilter
from scale.job.models import Job, JobExecution, JobExecutionEnd, TaskUpdate
from scale.job.selectors import jobs_selected
from scale.job.services import job_submit, jobs_cancel
from scale.job.states import JobStatus
from scale.job.submission import parse_submission
from scale.kernel.clock import SystemClock
from scale.kernel.ids import TaskId
from scale.metrics.columns import JOB_TYPES
from scale.metrics.filters import PlotFilter
from scale.metrics.plots import plots_drawn
from scale.metrics.selectors import demand, load_now, system_failures, types_running
from scale.node.models import Node
from scale.paging import count_of, rows_between
from scale.queue.models import Queue
from scale.queue.ordering import QueueMode
from scale.queue.selectors import queue_lines
from scale.scheduler.placement.backlog import Backlog, Entry
from scale.scheduler.placement.plan import Placement
from scale.scheduler.placement.selectors import entries_first, newest_entry, sizes_waiting
from scale.scheduler.placement.services import plan_apply, queue_clear_canceled
from scale.scheduler.retention.selectors import jobs_page, task_updates_page, tasks_not_over
from scale.scheduler.retention.services import JOBS, UPDATES, jobs_delete, task_updates_delete
from scale.scheduler.retention.sizes import sizes
from scale.scheduler.retention.tidier import OUTPUTS
from tests.builders import NOW

PAGE = 100
ORDERS = ("priority", "-started", "ended", "-duration", "status", "job_type", "name")
SHAPES = 40
BULK = 10_000  # jobs that were submitted at the same moment


def fill(waiting: int, running: int) -> None:
    user = User.objects.create(username="alice")
    body = {"command": "true", "resources": {"cpus": 1, "mem": 256}}
    job = job_submit(submission=parse_submission(body), by=user, when=NOW)
    entry = Queue.objects.get()
    ended = COUNT - waiting - running
    execution = JobExecution(job=job, job_type=job.job_type, exe_num=1, cluster_id="c", timeout=60, queued=NOW, started=NOW)
    execution.created = NOW
    execution.save()
    end = JobExecutionEnd(job_exe=execution, job=job, job_type=job.job_type, exe_num=1, status="COMPLETED", queued=NOW)
    end.ended = end.created = NOW
    end.save()
    over = "CASE WHEN n % 100 < 94 THEN 'COMPLETED' WHEN n % 100 < 99 THEN 'FAILED' ELSE 'CANCELED' END"
    status = f"CASE WHEN n <= {ended} THEN {over} WHEN n <= {ended + running} THEN 'RUNNING' ELSE 'QUEUED' END"
    base = job.pk
    at = moment(NOW, "n")
    ends = f"CASE WHEN n <= {ended} THEN {at} END"
    copy(Job, job, COUNT, id=f"n + {base}", status=status, created=at, queued=at, last_modified=at, ended=ends)
    placed = f"n <= {ended + running}"
    own = {"job_id": f"n + {base}", "queued": at, "created": at}
    copy(
        JobExecution,
        execution,
        COUNT,
        placed,
        id=f"n + {execution.pk}",
        cluster_id=f"'scale_job_f_' || (n + {base}) || 'x1'",
        has_ended=f"n <= {ended}",
        **own,
    )
    copy(JobExecutionEnd, end, COUNT, f"n <= {ended}", job_exe_id=f"n + {execution.pk}", status=over, ended=at, **own)
    update = TaskUpdate(job_exe=execution, task_id="t", status="TASK_RUNNING", created=NOW)
    update.save()
    for number in (1, 2):
        copy(TaskUpdate, update, COUNT, placed, id=f"2 * n + {number + update.pk}", job_exe_id=f"n + {execution.pk}", created=at)
    shape = f"(n % {SHAPES}) || '/1/cpus=1.0,mem=256.0'"
    own["queued"] = moment(NOW, f"n - n % {BULK}")
    copy(Queue, entry, COUNT, f"n > {ended + running}", id=f"n + {entry.pk}", shape=shape, priority=f"n % {SHAPES}", **own)
    Queue.objects.filter(pk=entry.pk).delete()
    TaskUpdate.objects.filter(pk=update.pk).delete()
    JobExecution.objects.filter(pk=execution.pk).update(has_ended=True)
    Job.objects.filter(pk=base).update(status="COMPLETED")
    mend_sequences()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def first_of_each(mode: QueueMode) -> list[list[Entry]]:
    """25 of each shape."""
    newest = newest_entry()
    return [entries_first(shape, mode, 25, newest) for shape in sizes_waiting(newest)]


def claim() -> None:
    backlog = Backlog()
    for entries in first_of_each(QueueMode.FIFO):
        backlog.add(entries)
    asks = [ask for line in backlog.lines() for ask in line.asks]
    node, _ = Node.objects.get_or_create(hostname="node-1", defaults={"created": NOW, "last_modified": NOW})
    plan_apply(placements=[Placement(ask, node.pk) for ask in asks], gpus={}, framework_id="f", when=NOW)


def listed(**wanted: Any) -> list[Job]:
    return rows_between(jobs_selected(JobFilter(**wanted)), 0, PAGE)


def queries() -> dict[str, Callable[[], Any]]:
    ended, waiting = Job.objects.filter(status="COMPLETED").latest("id").pk, Queue.objects.latest("id")
    late = JobExecutionEnd.objects.latest("ended").ended
    alice = User.objects.get()
    over = [*Job.objects.filter(status="COMPLETED", pk__gt=ended - 2000).order_by("pk").values_list("pk", flat=True)[:JOBS]]
    TaskUpdate.objects.filter(job_exe__job__in=over).delete()  # those go long before
    updates = [*TaskUpdate.objects.filter(job_exe__job__gt=ended - 1000).order_by("pk").values_list("pk", flat=True)[:UPDATES]]
    tasks = [TaskId(f"scale_job_f_{number}x1_main") for number in range(OUTPUTS)]
    mine = Queue.objects.get(pk=(Queue.objects.earliest("id").pk + waiting.pk) // 2)
    before = Q(priority__lt=mine.priority) | Q(priority=mine.priority, queued__lt=mine.queued)
    by_start = jobs_selected(JobFilter(order=("-started",)))
    week = PlotFilter.of({"started": ["P7D"], "group": ["overview", "errors"]}, late)
    deep = min(50_000, ended // 2)
    cursor = cursor_at(by_start, rows_between(by_start, deep, deep + 1)[0])
    return {
        "sizes_waiting": lambda: sizes_waiting(waiting.pk),
        "25 of each": lambda: first_of_each(QueueMode.FIFO),
        "25 of each, LIFO": lambda: first_of_each(QueueMode.LIFO),
        "claim of 1000": claim,
        "queue_clear_canceled": lambda: queue_clear_canceled(framework_id="f", when=NOW),
        "queue_lines": queue_lines,
        "position in the queue": lambda: Queue.objects.filter(before, is_canceled=False).count(),
        "executions_to_cancel": executions_to_cancel,
        "executions_unended": lambda: list(executions_unended()),
        "executions_ended_since, 3 hours": lambda: list(executions_ended_since(late - timedelta(hours=3))),
        "jobs_recover": lambda: jobs_recover(when=NOW),
        "jobs_cancel of 1000": lambda: jobs_cancel(ids=range(ended - 1000, ended), by=alice, when=NOW),
        "jobs, the newest": lambda: listed(),
        "jobs, how many": lambda: jobs_selected(JobFilter()).count(),
        "jobs, failed": lambda: listed(status=("FAILED",)),
        "jobs, queued or running": lambda: listed(status=("QUEUED", "RUNNING")),
        "jobs, failed, how many": lambda: jobs_selected(JobFilter(status=("FAILED",))).count(),
        "jobs, changed in the last hour": lambda: listed(started=late - timedelta(hours=1)),
        "jobs, by last_modified": lambda: listed(order=("-last_modified",)),
        **{f"jobs, by {order}": lambda order=order: listed(order=(order,)) for order in ORDERS},
        "jobs, the 50,000th by cursor": lambda: rows_between(rows_after(by_start, cursor), 0, PAGE),
        "jobs, the 50,000th by page": lambda: rows_between(by_start, deep, deep + PAGE),
        "jobs, failed, about how many": lambda: count_of(jobs_selected(JobFilter(status=("FAILED",))), 10_000),
        "job types, running": types_running,
        "job types, system failures": system_failures,
        "load, measured": load_now,
        "queued resources": demand,
        "plot, counts of a week": lambda: plots_drawn(JOB_TYPES, week),
        "plot, all columns of a week": lambda: plots_drawn(JOB_TYPES, week.model_copy(update={"group": ()})),
        "jobs, all that wait, by number": lambda: job_ids_chosen(JobChoice(status=[JobStatus.QUEUED]), alice, among=JobStatus),
        "history, a page of updates": lambda: task_updates_page(updates[0], UPDATES),
        "history, a page of jobs": lambda: jobs_page(ended - 2000, JOBS),
        "history, updates deleted": lambda: task_updates_delete(ids=updates),
        "history, jobs deleted": lambda: jobs_delete(ids=over),
        "history, tasks still wanted": lambda: tasks_not_over(tasks, late),
        "sizes": sizes,
    }


def measured(query: Callable[[], Any]) -> dict[str, Any]:
    """Run it in a transaction that is undone; the fastest of three."""
    clock, times = SystemClock(), []
    for _ in range(3):
        said: list[tuple[str, Any]] = []

        def hear(execute: Any, sql: str, params: Any, many: bool, context: Any, said: Any = said) -> Any:
            said.append((sql, params[0] if many and params else params))
            return execute(sql, params, many, context)

        with transaction.atomic(), connection.execute_wrapper(hear):
            began = clock.monotonic()
            query()
            times.append(clock.monotonic() - began)
            transaction.set_rollback(True)
    return {"ms": round(min(times) * 1000, 3), "statements": len(said), "plan": plans(said)}


def plans(said: list[tuple[str, Any]]) -> list[str]:
    found: dict[str, None] = {}
    word = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN (COSTS OFF) "
    for sql, params in said:
        if sql.startswith(("SELECT", "UPDATE", "DELETE")):
            with connection.cursor() as cursor:
                cursor.execute(word + sql, params)
                for row in cursor.fetchall():
                    found[str(row[-1]).strip()[:160]] = None
    return list(found)


def main() -> None:
    call_command("migrate", verbosity=0)
    if not Job.objects.exists():
        seconds = harness.timed(lambda: fill(waiting=COUNT // 20, running=COUNT // 1000))
        harness.say(f"filled in {seconds:.0f} s")
    figures = {name: measured(query) for name, query in queries().items()}
    for name, figure in figures.items():
        harness.say(f"{figure['ms']:>10} ms  {figure['statements']:>3}  {name}")
    last = Job.objects.latest("id").pk
    one = harness.median_of(50, lambda: Job.objects.values_list("status").get(pk=last)) * 1000
    rows = [Row(name, figure["ms"], "ms", "a job's status by its id", one) for name, figure in figures.items()]
    sizes = {"jobs": Job.objects.count(), "database": connection.vendor}
    harness.finish("million", rows, sizes, plans={name: figure["plan"] for name, figure in figures.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    COUNT = parser.parse_args().jobs
    main()
