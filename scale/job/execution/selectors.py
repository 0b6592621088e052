"""What the scheduler reads of executions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import F, QuerySet

from scale.database import Select
from scale.job.execution.ending import Ending
from scale.job.execution.revisions import types_of_revisions
from scale.job.messages import batches
from scale.job.models import Job, JobExecution, JobExecutionEnd, JobType, TaskUpdate
from scale.job.states import ExecutionStatus, JobStatus
from scale.kernel.ids import execution_of

_TO_CANCEL = Select([(JobExecution, "cluster_id")], "FROM job_exe WHERE NOT has_ended AND canceled IS NOT NULL ORDER BY id")
_CHUNK = 500
_ROWS = 500  #: that are read at a time


def executions_ended_since(when: datetime) -> Iterator[Ending]:
    """The counted executions that ended at or after this moment, the oldest first."""
    rows = JobExecutionEnd.objects.filter(
        ended__gte=when, status__in=[ExecutionStatus.COMPLETED, ExecutionStatus.FAILED]
    ).order_by("ended")
    columns = rows.values_list("job_type_id", "node_id", "status", "error__category", "ended")
    return (Ending(*row) for row in columns.iterator())


class Unended(NamedTuple):
    """An execution that was placed and whose end is not recorded."""

    row: JobExecution  #: with its job type
    agent_id: str  #: of its node
    updates: Sequence[TaskUpdate]  #: in order
    is_known_to_run: bool  #: whether its job's row says so


def executions_unended() -> Iterator[list[Unended]]:
    """All of them, some at a time, the oldest first."""
    types = JobType.objects.in_bulk()
    placed = JobExecution.objects.filter(has_ended=False, node__isnull=False).order_by("id")
    named = placed.annotate(agent_id=F("node__agent_id"), job_status=F("job__status"), revision_id=F("job__job_type_rev"))
    rows = named.iterator(_ROWS)
    as_made: dict[int, JobType] = {}  # by revision
    for some in batches(rows, _ROWS):
        updates: dict[int, list[TaskUpdate]] = {}
        for update in TaskUpdate.objects.filter(job_exe__in=[row.pk for row in some]).order_by("id"):
            updates.setdefault(update.job_exe_id, []).append(update)
        new = {row.revision_id for row in some if not types[row.job_type_id].is_builtin}.difference(as_made)
        as_made |= types_of_revisions(new, types)
        for row in some:
            row.job_type = as_made.get(row.revision_id, types[row.job_type_id])
        yield [Unended(row, row.agent_id, updates.get(row.pk, ()), row.job_status == JobStatus.RUNNING) for row in some]


def executions_unwanted(executions: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Of these (job id, number): those whose job was canceled, has a newer execution, or is gone."""
    wanted: set[tuple[int, int]] = set()
    for chunk in batches(executions, _CHUNK):
        jobs = Job.objects.filter(pk__in=[job_id for job_id, _ in chunk]).exclude(status=JobStatus.CANCELED)
        wanted.update(jobs.values_list("id", "num_exes"))
    return set(executions) - wanted


def executions_to_cancel() -> list[str]:
    """The cluster ids of those whose job was canceled before they had ended."""
    return [cluster_id for (cluster_id,) in _TO_CANCEL.rows()]


def executions_named(cluster_ids: Collection[str]) -> QuerySet[JobExecution]:
    """Those that have one of these cluster ids, which tell their jobs."""
    jobs = {named[0] for named in map(execution_of, cluster_ids) if named}
    return JobExecution.objects.filter(job__in=jobs, cluster_id__in=cluster_ids)


def executions_unknown(cluster_ids: Collection[str]) -> set[str]:
    """Of these cluster ids: those that no execution has."""
    return set(cluster_ids).difference(executions_named(cluster_ids).values_list("cluster_id", flat=True))


def executions_running(cluster_ids: Collection[str]) -> set[str]:
    """Of these cluster ids: those of executions whose end is not recorded."""
    return set(executions_named(cluster_ids).filter(has_ended=False).values_list("cluster_id", flat=True))
