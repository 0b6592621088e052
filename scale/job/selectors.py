"""Reads of jobs and their executions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Prefetch, Q, QuerySet

from scale.error.catalog import Category
from scale.job.arrays.selectors import submitted_array, with_arrays
from scale.job.filters import ExecutionFilter, InputFileFilter, JobFilter, JobTypeStatusFilter
from scale.job.matching import Lines, jobs_fitting
from scale.job.models import Job, JobExecution, JobExecutionEnd, JobInputFile, JobType, TaskUpdate
from scale.job.states import ExecutionStatus, JobStatus
from scale.job.waiting.selectors import dependencies_of, why_job_waits
from scale.kernel.errors import Conflict, NotFound
from scale.kernel.ids import ClusterId, TaskId, task_id
from scale.parameters import given
from scale.storage.filters import FileFilter
from scale.storage.models import File
from scale.storage.selectors import files_selected

_COLUMNS = {
    "job_type": ("job_type__name", "job_type__version"),
    "duration": ("duration",),
    "owner": ("owner__username",),
    "node": ("node__hostname",),
    "error": ("error__name",),
}


def jobs_selected(wanted: JobFilter) -> QuerySet[Job]:
    """Those that fit, the newest first unless another order is wanted; each with what its list shows.

    Equals follow each other in the direction of the last order, so that an index that ends with the id gives them as they are.
    """
    jobs = _listed(Lines.of(wanted) if wanted.is_by_line else jobs_fitting(wanted))
    if any(name.endswith("duration") for name in wanted.order):
        jobs = jobs.annotate(duration=F("ended") - F("started"))
    return jobs.order_by(*_order(wanted.order), "id" if wanted.order and not wanted.order[-1].startswith("-") else "-id")


def job_found(job_id: int, when: datetime) -> Job:
    """One job with all that its page shows: its latest execution as the only one in `latest`,
    what it waits or waited for in `depends_on`, and why it waits in `waiting`.

    :raises NotFound: there is none
    """
    executions = _executions().defer("jobexecutionend__task_results").order_by("-exe_num")[:1]
    latest = Prefetch("jobexecution_set", queryset=executions, to_attr="latest")
    jobs = with_arrays(_with_what_it_names(Job.objects.all())).select_related("superseded_by_job").prefetch_related(latest)
    job = jobs.filter(pk=job_id).first()
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    vars(job)["depends_on"] = dependencies_of(job_id)
    vars(job)["waiting"] = why_job_waits(job, vars(job)["depends_on"], when)
    return job


def job_submitted(ids: Sequence[int]) -> Job:
    """What one submission made, as its answer shows it.

    :raises Conflict: it was removed meanwhile
    """
    try:
        job = submitted_array(ids)
    except Job.DoesNotExist:
        raise Conflict(
            f"Job {ids[0]} was submitted under this Idempotency-Key, and has been removed since; take another key."
        ) from None
    if job.array is None:
        del vars(job)["job_ids"]
    return job


def executions_selected(job_id: int, wanted: ExecutionFilter) -> QuerySet[JobExecution]:
    """Those of one job that fit, the latest first.

    :raises NotFound: there is no such job
    """
    if not Job.objects.filter(pk=job_id).exists():
        raise NotFound(f"There is no job {job_id}.")
    conditions = given(
        node_id__in=wanted.node_id,
        jobexecutionend__error_id__in=wanted.error_id,
        jobexecutionend__error__category__in=wanted.error_category,
    )
    fitting = _executions().filter(_has_status(wanted.status), job_id=job_id, **conditions)
    return fitting.defer("configuration", "resources", "jobexecutionend__task_results").order_by("-exe_num")


def execution_found(job_id: int, exe_num: int) -> JobExecution:
    """:raises NotFound: there is none"""
    execution = _executions().select_related("jobexecutionoutput").filter(job_id=job_id, exe_num=exe_num).first()
    if execution is None:
        raise NotFound(f"Job {job_id} has no execution {exe_num}.")
    return execution


def input_files_selected(job_id: int, wanted: InputFileFilter) -> QuerySet[File]:
    """Those that fit, the newest first; a file that is several inputs counts once.

    :raises NotFound: there is no such job
    """
    if not Job.objects.filter(pk=job_id).exists():
        raise NotFound(f"There is no job {job_id}.")
    of_job = JobInputFile.objects.filter(job_id=job_id, **given(job_input__in=wanted.job_input))
    same = ("time_field", "started", "ended", "file_name")
    files = files_selected(FileFilter.model_construct(**{name: getattr(wanted, name) for name in same}))
    return files.filter(pk__in=of_job.values("input_file"))


@dataclass(frozen=True, slots=True)
class JobCount:
    """So many jobs of one status, and of one category of error if they failed."""

    status: JobStatus
    count: int
    most_recent: datetime | None  #: when the last of them came to this status
    category: Category | None


@dataclass(frozen=True, slots=True)
class JobTypeStatus:
    """A job type and how many of its jobs are of which status."""

    job_type: JobType
    job_counts: list[JobCount]


def job_types_status(wanted: JobTypeStatusFilter) -> list[JobTypeStatus]:
    """Every job type that fits, with the jobs whose status changed in this time; what runs counts whenever it began."""
    types = JobType.objects.filter(**given(is_active=wanted.is_active)).order_by("name", "version", "id")
    # a status never changes without `last_modified`, which an index knows
    changed = Q(last_modified__gte=wanted.started, **given(last_status_change__gte=wanted.started))
    changed &= Q(**given(last_status_change__lte=wanted.ended))
    jobs = Job.objects.filter(changed | Q(status=JobStatus.RUNNING)).order_by("status", "error__category")
    rows = jobs.values_list("job_type_id", "status", "error__category").annotate(Count("id"), Max("last_status_change"))
    counts: defaultdict[int, list[JobCount]] = defaultdict(list)
    for job_type_id, status, category, count, most_recent in rows:
        counts[job_type_id].append(JobCount(JobStatus(status), count, most_recent, category and Category(category)))
    return [JobTypeStatus(job_type, counts[job_type.pk]) for job_type in types]


def job_types_by_id(ids: Iterable[int]) -> dict[int, JobType]:
    return JobType.objects.in_bulk(list(ids))


def task_of_execution(job_exe_id: int, task_type: str) -> tuple[JobExecution, TaskId]:
    """An execution and its task of this type, in the latest incarnation: its end tells which that was, until then the updates.

    :raises NotFound: there is no such execution, or it has no such task
    """
    execution = JobExecution.objects.select_related("node", "jobexecutionend").filter(pk=job_exe_id).first()
    if execution is None:
        raise NotFound(f"There is no execution {job_exe_id}.")
    planned = _planned_task(execution, task_type)
    if known := _task_at_the_end(execution, task_type):
        return execution, known
    heard = TaskUpdate.objects.filter(Q(task_id=planned) | Q(task_id__startswith=f"{planned}_lost-"), job_exe=execution)
    latest = heard.order_by("-pk").values_list("task_id", flat=True).first()
    return execution, TaskId(latest) if latest else planned


def _task_at_the_end(execution: JobExecution, task_type: str) -> TaskId | None:
    end: JobExecutionEnd | None = getattr(execution, "jobexecutionend", None)
    tasks = end.task_results.get("tasks", ()) if end else ()
    return next((TaskId(told["task_id"]) for told in tasks if told["type"] == task_type), None)


def _planned_task(execution: JobExecution, task_type: str) -> TaskId:
    tasks: list[dict[str, Any]] = execution.configuration.get("tasks", [])
    for task in tasks:
        if task.get("type") == task_type:
            return TaskId(task.get("task_id") or task_id(ClusterId(execution.get_cluster_id()), task_type))
    if tasks or task_type != "main":
        raise NotFound(f"Execution {execution.pk} has no task {task_type}.")
    return task_id(ClusterId(execution.get_cluster_id()), task_type)


def _with_what_it_names(jobs: QuerySet[Job]) -> QuerySet[Job]:
    return jobs.select_related("job_type", "job_type_rev", "owner", "node", "error").defer("job_type_rev__manifest")


def _listed(jobs: QuerySet[Job]) -> QuerySet[Job]:
    unseen = ("job_type_rev__manifest", "env", "input", "output", "configuration", "secrets", "constraints")
    return with_arrays(_with_what_it_names(jobs)).defer(*unseen)


def _executions() -> QuerySet[JobExecution]:
    return JobExecution.objects.select_related("job_type", "node", "jobexecutionend__error")


def _order(wanted: Iterable[str]) -> list[str]:
    signs = [("-" if name.startswith("-") else "", name.removeprefix("-")) for name in wanted]
    return [sign + column for sign, name in signs for column in _COLUMNS.get(name, (name,))]


def _has_status(wanted: Iterable[ExecutionStatus]) -> Q:
    """An execution without an end runs."""
    if not wanted:
        return Q()
    ended = Q(jobexecutionend__status__in=list(wanted))
    return ended | Q(jobexecutionend=None) if ExecutionStatus.RUNNING in wanted else ended
