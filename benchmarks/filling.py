"""Many jobs at once: one is made by the service's own code, and copied by SQL as often as is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection, models, transaction

from scale.job.models import Job, JobExecution, JobExecutionEnd, JobType, TaskUpdate
from scale.job.services import job_submit
from scale.job.submission import parse_submission
from scale.node.models import Node
from scale.queue.entry import shape_of
from scale.queue.models import Queue
from scale.scheduler.placement.plan import Placement
from scale.scheduler.placement.services import plan_apply
from scale.scheduler.placement.snapshot import Ask

_COMMAND = {"command": ["/bin/true"]}


@dataclass(frozen=True, slots=True)
class Kind:
    """So many jobs that placement cannot tell apart but by age."""

    count: int
    resources: dict[str, float]
    priority: int = 100


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
        wanted = {**_COMMAND, "resources": kind.resources, "priority": kind.priority}
        job = job_submit(submission=parse_submission(wanted), by=by, when=when)
        entry = Queue.objects.get(job=job)
        if kind.count > 1:
            copy(Job, job, kind.count - 1, id=f"n + {job.pk}")
            copy(Queue, entry, kind.count - 1, id=f"n + {entry.pk}", job_id=f"n + {job.pk}")
    mend_sequences()


@transaction.atomic
def finish_jobs(count: int, by: User, when: datetime) -> None:
    """Have as many jobs as have been done, each with its execution and its end; they ended one a second before then."""
    job, execution = _placed(by, when, None)
    end = JobExecutionEnd(job_exe=execution, job=job, job_type_id=job.job_type_id, exe_num=1, status="COMPLETED", queued=when)
    end.ended = end.created = when
    end.exit_code, end.cpu_seconds, end.peak_memory = 0, 0.01, 2.0
    end.save()
    Job.objects.filter(pk=job.pk).update(status="COMPLETED", ended=when, started=when)
    JobExecution.objects.filter(pk=execution.pk).update(has_ended=True)
    job.refresh_from_db()
    if count > 1:
        at = moment(when, "-n")
        own = {"job_id": f"n + {job.pk}", "created": at, "queued": at}
        over = {"ended": at, "last_modified": at, "created": at, "queued": at}
        copy(Job, job, count - 1, id=f"n + {job.pk}", **over)
        copy(
            JobExecution,
            execution,
            count - 1,
            id=f"n + {execution.pk}",
            cluster_id=f"'scale_job_f_' || (n + {job.pk}) || 'x1'",
            **own,
        )
        copy(JobExecutionEnd, end, count - 1, job_exe_id=f"n + {execution.pk}", ended=at, **own)
    mend_sequences()


@transaction.atomic
def run_jobs(count: int, by: User, when: datetime, types: Sequence[JobType], nodes: Sequence[Node]) -> None:
    """Have as many jobs run that nobody has heard of yet, spread over nodes and types; ids are contiguous."""
    job, execution = _placed(by, when, nodes[0].pk)
    first_type, first_node = types[0].pk, nodes[0].pk  # both contiguous
    name = f"scale_job_f_{job.pk}x1"
    configuration = str(JobExecution.objects.filter(pk=execution.pk).values_list("configuration", flat=True)[0])
    assert configuration.count(name), "an execution's configuration names its tasks"
    if count > 1:
        kind, node = f"n % {len(types)} + {first_type}", f"n % {len(nodes)} + {first_node}"
        is_json = "" if connection.vendor == "sqlite" else "::jsonb"
        text = "t.configuration" if connection.vendor == "sqlite" else "t.configuration::text"
        copy(Job, job, count - 1, id=f"n + {job.pk}", job_type_id=kind, node_id=node)
        copy(
            JobExecution,
            execution,
            count - 1,
            id=f"n + {execution.pk}",
            job_id=f"n + {job.pk}",
            job_type_id=kind,
            node_id=node,
            cluster_id=f"'scale_job_f_' || (n + {job.pk}) || 'x1'",
            configuration=f"replace({text}, '{name}', 'scale_job_f_' || (n + {job.pk}) || 'x1'){is_json}",
        )
    mend_sequences()


def make_types(count: int, when: datetime) -> list[JobType]:
    """As many kinds of jobs, with contiguous ids."""
    manifest = {"job": {"title": "Tiler", "description": "Cuts a large picture into many small ones"}}
    names = [f"tile-{number}" for number in range(count)]
    JobType.objects.bulk_create(
        JobType(name=name, version="1.0.0", manifest=manifest, created=when, last_modified=when) for name in names
    )
    return list(JobType.objects.filter(name__in=names).order_by("id"))


def _placed(by: User, when: datetime, node_id: int | None) -> tuple[Job, JobExecution]:
    """One job, taken off the queue as placement does it."""
    job = job_submit(submission=parse_submission({**_COMMAND, "resources": {"cpus": 0.1, "mem": 16}}), by=by, when=when)
    entry = Queue.objects.get(job=job)
    shape = shape_of(entry.job_type_id, entry.priority, entry.resources)
    ask = Ask(entry.pk, job.pk, entry.job_type_id, entry.priority, entry.queued, entry.resources, shape)
    plan_apply(placements=[Placement(ask, node_id)], gpus={}, framework_id="f", when=when)  # type: ignore[arg-type]
    job.refresh_from_db()
    return job, JobExecution.objects.get(job=job)


def mend_sequences() -> None:
    """Have the database give out ids that are free."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Job, JobExecution, TaskUpdate, Queue]):
            cursor.execute(statement)
