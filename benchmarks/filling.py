"""Many jobs at once: one goes its way through the service's own code, and is copied by SQL as often as is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection, models, transaction

from quiet import CLOCK, QuietEngine, finished, online, running, scheduler_on
from scale.job.models import Job, JobExecution, JobExecutionEnd, JobType, TaskUpdate
from scale.job.services import job_submit
from scale.job.submission import parse_submission
from scale.kernel.resources import Resources
from scale.node.models import Node
from scale.queue.models import Queue
from scale.scheduler.process import Scheduler

_COMMAND = {"command": ["/bin/true"]}


@dataclass(frozen=True, slots=True)
class Kind:
    """So many jobs that placement cannot tell apart but by age."""

    count: int
    resources: dict[str, float]
    priority: int = 100
    constraints: Sequence[str] = ()  #: what is asked of the attributes of nodes


def moment(since: datetime, seconds: str) -> str:
    """So many seconds after a moment, in SQL."""
    if connection.vendor == "sqlite":
        return f"datetime('{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}', ({seconds}) || ' seconds')"
    return f"timestamptz '{since.isoformat()}' + ({seconds}) * interval '1 second'"


def copy(model: type[models.Model], like: models.Model, count: int, only: str = "TRUE", **different: str) -> None:
    """Copy a row ``count`` times; what is different of a copy is SQL that speaks of its number n, from 1 on.

    :param only: the condition, of n, that a copy is made
    """
    names = [field.column for field in model._meta.concrete_fields]
    columns = [connection.ops.quote_name(name) for name in names]
    values = [different.get(name, f"t.{column}") for name, column in zip(names, columns, strict=True)]
    table, key = connection.ops.quote_name(model._meta.db_table), model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
            f" INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"
            f" FROM {table} AS t, numbers WHERE t.{key} = {like.pk} AND {only}"
        )


@transaction.atomic
def queue_up(kinds: Sequence[Kind], by: User, when: datetime) -> None:
    """Put jobs on the queue."""
    for kind in kinds:
        wanted = {**_COMMAND, "resources": kind.resources, "priority": kind.priority, "constraints": [*kind.constraints]}
        job = job_submit(submission=parse_submission(wanted), by=by, when=when)
        entry = Queue.objects.get(job=job)
        if kind.count > 1:
            copy(Job, job, kind.count - 1, id=f"n + {job.pk}")
            copy(Queue, entry, kind.count - 1, id=f"n + {entry.pk}", job_id=f"n + {job.pk}")
    mend_sequences()


def finish_jobs(count: int, by: User, when: datetime) -> None:
    """Have as many jobs as have been done, each with its execution and its end; they ended one a second before then."""
    scheduler, engine, job, execution = _placed(by, when)
    task, node = engine.tasks[0].id, engine.tasks[0].node
    engine.next = [running(task, node, when), finished(task, node, when)]
    scheduler.reports(CLOCK.now())
    scheduler.persist(CLOCK.now())
    job.refresh_from_db()
    end = JobExecutionEnd.objects.get(job=job, status="COMPLETED")
    execution.refresh_from_db()
    TaskUpdate.objects.filter(job_exe=execution).delete()  # they go long before
    if count == 1:
        return
    at = moment(when, "-n")
    job_id, exe_id = f"n + {job.pk}", f"n + {execution.pk}"
    with transaction.atomic():
        copy(Job, job, count - 1, id=job_id, created=at, queued=at, ended=at, last_modified=at)
        named = _renamed(execution, job, "t.cluster_id")
        copy(JobExecution, execution, count - 1, id=exe_id, job_id=job_id, created=at, queued=at, cluster_id=named)
        copy(JobExecutionEnd, end, count - 1, job_exe_id=exe_id, job_id=job_id, created=at, queued=at, ended=at)
        mend_sequences()


def run_jobs(count: int, by: User, when: datetime, types: Sequence[JobType], nodes: Sequence[Node]) -> None:
    """Have as many jobs run that nobody has heard of yet, spread over nodes and types, whose ids are contiguous."""
    _, _, job, execution = _placed(by, when)
    Job.objects.filter(pk=job.pk).update(status="RUNNING", node=nodes[0], started=when)
    JobExecution.objects.filter(pk=execution.pk).update(node=nodes[0])
    if count == 1:
        return
    job_id, kind, node = f"n + {job.pk}", f"n % {len(types)} + {types[0].pk}", f"n % {len(nodes)} + {nodes[0].pk}"
    with transaction.atomic():
        copy(Job, job, count - 1, id=job_id, job_type_id=kind, node_id=node)
        copy(
            JobExecution,
            execution,
            count - 1,
            id=f"n + {execution.pk}",
            job_id=job_id,
            job_type_id=kind,
            node_id=node,
            cluster_id=_renamed(execution, job, "t.cluster_id"),
            configuration=_renamed(execution, job, "t.configuration"),
        )
        mend_sequences()


def _renamed(execution: JobExecution, job: Job, column: str) -> str:
    """The column of a copy, in SQL, where it names the execution's tasks."""
    name = execution.cluster_id
    before, _, after = name.rpartition(str(job.pk))
    own = f"'{before}' || (n + {job.pk}) || '{after}'"
    if connection.vendor == "sqlite" or column == "t.cluster_id":
        return f"replace({column}, '{name}', {own})"
    return f"replace({column}::text, '{name}', {own})::jsonb"


def make_nodes(count: int, when: datetime) -> list[Node]:
    """As many nodes of the quiet engine, with contiguous ids; each has its agent's name."""
    names = [f"node-{number}" for number in range(count)]
    Node.objects.bulk_create(
        Node(hostname=name, agent_id=name, engine="quiet", is_online=True, created=when, last_modified=when) for name in names
    )
    return list(Node.objects.filter(hostname__startswith="node-", engine="quiet").order_by("id"))


def make_types(count: int, when: datetime) -> list[JobType]:
    """As many kinds of jobs, with contiguous ids."""
    manifest = {"job": {"title": "Tiler", "description": "Cuts a large picture into many small ones"}}
    names = [f"tile-{number}" for number in range(count)]
    JobType.objects.bulk_create(
        JobType(name=name, version="1.0.0", manifest=manifest, created=when, last_modified=when) for name in names
    )
    return list(JobType.objects.filter(name__in=names).order_by("id"))


def _placed(by: User, when: datetime) -> tuple[Scheduler, QuietEngine, Job, JobExecution]:
    """One job that a scheduler has placed and launched, of which nobody has heard yet; and that scheduler."""
    engine = QuietEngine([online("template", Resources(cpus=1, mem=1024))])
    scheduler = scheduler_on(engine)
    wanted = {**_COMMAND, "resources": {"cpus": 0.1, "mem": 16}, "priority": 1}
    job = job_submit(submission=parse_submission(wanted), by=by, when=when)
    scheduler.schedule(CLOCK.now())
    scheduler.persist(CLOCK.now())
    scheduler.schedule(CLOCK.now())
    job.refresh_from_db()
    return scheduler, engine, job, JobExecution.objects.get(job=job)


def mend_sequences() -> None:
    """Have the database give out ids that are free."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Job, JobExecution, TaskUpdate, Queue]):
            cursor.execute(statement)
