"""Reads of history, page by page in the order of its ids, so that a page costs the same however much there is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import chain

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from scale.job.execution.selectors import executions_named
from scale.job.models import Job, JobDependency, JobExecution, JobExecutionEnd, SubmissionKey, TaskUpdate
from scale.job.states import FINAL
from scale.kernel.ids import TaskId, parse_cluster_id
from scale.metrics.models import JobLoad
from scale.queue.models import Queue
from scale.scheduler.retention.rules import Row


def task_updates_page(after: int, size: int) -> list[Row]:
    """The next updates; each ended when its execution did, once that is recorded."""
    rows = TaskUpdate.objects.filter(pk__gt=after).order_by("pk")
    return [Row(*row) for row in rows.values_list("pk", "created", "job_exe__jobexecutionend__ended")[:size]]


def jobs_page(after: int, size: int) -> list[Row]:
    """The next jobs; each ended when it and the last of its executions had, once all of that is recorded."""
    rows = list(Job.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "created", "status", "ended")[:size])
    over = settled(Job.objects.filter(pk__in=[pk for pk, _, status, ended in rows if status in FINAL and ended is not None]))
    ids = set(over.values_list("pk", flat=True))
    ends = JobExecutionEnd.objects.filter(job__in=ids).values("job").annotate(last=Max("ended")).values_list("job", "last")
    last: dict[int, datetime] = dict(ends)
    return [
        Row(pk, created, max(ended, last.get(pk, ended)) if ended is not None and pk in ids else None)
        for pk, created, _, ended in rows
    ]


def loads_page(after: int, size: int) -> list[Row]:
    """The next hours that were measured, each with one type; each ended when it was."""
    rows = JobLoad.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "measured", "measured")
    return [Row(*row) for row in rows[:size]]


def settled(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Those that neither wait nor have an execution whose end is not recorded, and for which nobody may wait."""
    executions = JobExecution.objects.filter(job=OuterRef("pk"))
    unended = executions.filter(Q(has_ended=False) | Q(jobexecutionend__isnull=True))
    waits = JobDependency.objects.filter(on=OuterRef("pk"), job__num_exes=0)
    return jobs.filter(~Exists(unended), ~Exists(Queue.objects.filter(job=OuterRef("pk"))), ~Exists(waits))


def keys_page(after: int, size: int) -> list[Row]:
    """The next keys of submissions; each ended when it was made."""
    rows = SubmissionKey.objects.filter(pk__gt=after).order_by("pk")
    return [Row(*row) for row in rows.values_list("pk", "created", "created")[:size]]


def tasks_not_over(tasks: Iterable[TaskId], before: datetime) -> set[TaskId]:
    """Of these tasks, those of executions that have not ended before."""
    by_execution: dict[str, list[TaskId]] = {}
    for task in tasks:
        by_execution.setdefault(parse_cluster_id(task), []).append(task)
    known = executions_named(by_execution)
    young = known.filter(Q(has_ended=False) | Q(jobexecutionend__isnull=True) | Q(jobexecutionend__ended__gte=before))
    return set(chain.from_iterable(by_execution[name] for name in young.values_list("cluster_id", flat=True)))
