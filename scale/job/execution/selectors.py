"""What the scheduler reads of executions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from django.db.models import Prefetch

from scale.job.execution.ending import Ending
from scale.job.messages import batches
from scale.job.models import Job, JobExecution, JobExecutionEnd, TaskUpdate
from scale.job.states import ExecutionStatus, JobStatus

_CHUNK = 500


def executions_ended_since(when: datetime) -> Iterator[Ending]:
    """The counted executions that ended at or after this moment, the oldest first."""
    rows = JobExecutionEnd.objects.filter(
        ended__gte=when, status__in=[ExecutionStatus.COMPLETED, ExecutionStatus.FAILED]
    ).order_by("ended")
    columns = rows.values_list("job_type_id", "node_id", "status", "error__category", "ended")
    return (Ending(*row) for row in columns.iterator())


def executions_unended() -> Iterable[JobExecution]:
    """The executions that were placed and whose end is not recorded, each with its job type and updates in order."""
    updates = Prefetch("taskupdate_set", queryset=TaskUpdate.objects.order_by("id"))
    placed = JobExecution.objects.filter(has_ended=False, node__isnull=False)
    return placed.select_related("job_type", "node").prefetch_related(updates).order_by("id")


def executions_unwanted(executions: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Of these (job id, number): those whose job was canceled, has a newer execution, or is gone."""
    wanted: set[tuple[int, int]] = set()
    for chunk in batches(executions, _CHUNK):
        jobs = Job.objects.filter(pk__in=[job_id for job_id, _ in chunk]).exclude(status=JobStatus.CANCELED)
        wanted.update(jobs.values_list("id", "num_exes"))
    return set(executions) - wanted


def executions_unknown(cluster_ids: Collection[str]) -> set[str]:
    """Of these cluster ids: those that no execution has."""
    known = JobExecution.objects.filter(cluster_id__in=cluster_ids).values_list("cluster_id", flat=True)
    return set(cluster_ids) - set(known)
