"""Deletes history, one small batch in one short transaction: whoever else wants to write waits for some milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Q

from scale.database import delete_counted, delete_rows
from scale.job.models import (
    DependentsDue,
    Job,
    JobArray,
    JobDependency,
    JobExecution,
    JobExecutionEnd,
    JobExecutionOutput,
    JobInputFile,
    TaskUpdate,
)
from scale.job.states import FINAL
from scale.metrics.models import JobLoad
from scale.scheduler.models import SetAside
from scale.scheduler.retention.selectors import settled
from scale.storage.models import File

UPDATES = LOADS = 500  #: of these at once
JOBS = 25  #: of these at once, with all that belongs to them
_PARTS = 150  # executions of them, and as many updates: no more than 500 rows altogether


@transaction.atomic
def task_updates_delete(*, ids: Sequence[int]) -> int:
    """Delete these, of executions whose end is recorded; returns how many there were."""
    return delete_counted(TaskUpdate, ids)


@transaction.atomic
def loads_delete(*, ids: Sequence[int]) -> int:
    """Delete these; returns how many there were."""
    return delete_counted(JobLoad, ids)


@transaction.atomic
def jobs_delete(*, ids: Iterable[int]) -> int:
    """Delete those that are still over, with all that belongs to them; returns how many of the jobs are gone.

    The files that they made stay, and are nobody's.
    Where that is more than a batch, so many executions go, and the jobs stay for the next time.
    """
    over = settled(Job.objects.filter(pk__in=ids, status__in=FINAL))
    found = list(over.order_by("pk").select_for_update(of=("self",)).values_list("pk", "array"))
    jobs = [pk for pk, _ in found]
    executions = list(JobExecution.objects.filter(job__in=jobs).order_by("pk").values_list("pk", flat=True)[:_PARTS])
    updates = list(TaskUpdate.objects.filter(job_exe__in=executions).values_list("pk", flat=True)[:_PARTS])
    delete_rows(TaskUpdate, updates)
    if len(updates) == _PARTS:
        return 0
    File.objects.filter(job_exe__in=executions).update(job=None, job_exe=None)
    delete_rows(JobExecutionOutput, executions)
    delete_rows(JobExecutionEnd, executions)
    delete_rows(JobExecution, executions)
    if len(executions) == _PARTS:
        return 0
    if not _cut_dependencies(jobs):
        return 0
    _cut_links(jobs)
    JobInputFile.objects.filter(job__in=jobs).delete()
    SetAside.objects.filter(job_id__in=jobs).delete()
    gone = delete_counted(Job, jobs)
    _delete_arrays({array for _, array in found if array is not None})
    return gone


def _delete_arrays(ids: Iterable[int]) -> None:
    """Those of which no member is left."""
    for array_id in ids:
        if not Job.objects.filter(array=array_id).exists():
            delete_rows(JobArray, [array_id])


def _cut_dependencies(jobs: Sequence[int]) -> bool:
    """What these waited for, and who once waited for them; no more than a batch, and whether that was all."""
    DependentsDue.objects.filter(job__in=jobs).delete()
    edges = JobDependency.objects.filter(Q(job__in=jobs) | Q(on__in=jobs)).values_list("pk", flat=True)[:UPDATES]
    return delete_counted(JobDependency, list(edges)) < UPDATES


def _cut_links(jobs: Iterable[int]) -> None:
    """A job outlives the one that it supersedes. Asked first: SQLite updates without the index, since nearly all have no link."""
    if heirs := list(Job.objects.filter(superseded_job__in=jobs).values_list("pk", flat=True)):
        Job.objects.filter(pk__in=heirs).update(superseded_job=None)
