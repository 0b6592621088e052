"""Reads of what jobs amount to: by type, by the hour, and by what they ask of the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from scale.error.catalog import Category
from scale.error.models import Error
from scale.job.models import Job, JobExecution, JobType
from scale.job.selectors import job_types_by_id
from scale.job.states import JobStatus
from scale.metrics.filters import LoadFilter
from scale.metrics.models import JobLoad
from scale.node.models import Node
from scale.parameters import given
from scale.queue.models import Queue

WAITS, QUEUED, RUNS = LIVE = (JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING)
#: by no index of types: SQLite would go through all jobs in its order rather than look up the few of a status
_BY_TYPE = F("job_type_id") + 0
_ALWAYS = ("cpus", "mem", "disk", "gpus")  #: resources that are told also where there is none of them


@dataclass(frozen=True, slots=True)
class TypeCount:
    """How many jobs of a type there are of one status."""

    job_type: JobType
    count: int
    longest: datetime  #: since when the first of them is


@dataclass(frozen=True, slots=True)
class SystemFailure:
    """How many jobs of a type have failed by one fault of the system."""

    job_type: JobType
    error: Error
    count: int
    first_error: datetime
    last_error: datetime


def types_pending() -> list[TypeCount]:
    return _types_of(WAITS, "last_status_change")


def types_running() -> list[TypeCount]:
    return _types_of(RUNS, "started")


def _types_of(status: JobStatus, since: str) -> list[TypeCount]:
    """Of those that are of this status, the type with the oldest first."""
    rows = list(
        Job.objects.filter(status=status)
        .values_list(_BY_TYPE)
        .annotate(Count("id"), longest=Min(Coalesce(since, "created")))
        .order_by("longest")
    )
    types = job_types_by_id(job_type_id for job_type_id, _, _ in rows)
    return [TypeCount(types[job_type_id], count, longest) for job_type_id, count, longest in rows]


def system_failures() -> list[SystemFailure]:
    """What has failed by a fault of the system and has not been tried again, the latest first."""
    errors = {error.pk: error for error in Error.objects.filter(category=Category.SYSTEM)}
    rows = list(
        Job.objects.filter(status=JobStatus.FAILED, error_id__in=errors)
        .values_list(_BY_TYPE, "error_id")
        .annotate(Count("id"), Min("last_status_change"), last=Max("last_status_change"))
        .order_by("-last", "error_id")
    )
    types = job_types_by_id(row[0] for row in rows)
    return [SystemFailure(types[of_type], errors[error], *counted) for of_type, error, *counted in rows]


@dataclass(frozen=True, slots=True)
class TypeLoad:
    """How many jobs of a type are not over."""

    job_type_id: int
    pending: int
    queued: int
    running: int


def load_now() -> list[TypeLoad]:
    """By type, of those that have any."""
    counts: dict[int, dict[str, int]] = {}
    rows = Job.objects.filter(status__in=LIVE).values_list(_BY_TYPE, "status").annotate(Count("id")).order_by()
    for job_type_id, status, count in rows:
        counts.setdefault(job_type_id, {})[status] = count
    return [TypeLoad(number, *(of.get(status, 0) for status in LIVE)) for number, of in sorted(counts.items())]


def load_is_measured(hour: datetime) -> bool:
    return JobLoad.objects.filter(measured=hour).exists()


def loads_selected(wanted: LoadFilter) -> QuerySet[JobLoad, Any]:
    """Every hour that was measured, the oldest first, with the jobs of the types that fit."""
    started, ended = wanted.span
    fits = Q(**given(job_type_id__in=wanted.job_type_id, job_type__name__in=wanted.job_type_name))
    counts = {
        f"{name}_count": Coalesce(Sum(f"{name}_count", filter=fits) if fits else Sum(f"{name}_count"), 0)
        for name in ("pending", "queued", "running")
    }
    hours = JobLoad.objects.filter(measured__gte=started, measured__lte=ended).values("measured")
    return hours.annotate(**counts).order_by("measured")


@dataclass(frozen=True, slots=True)
class Demand:
    """What jobs ask of the cluster, and what it has."""

    cluster_resources: Mapping[str, float]
    queue_lengths: Mapping[JobStatus, int]
    total_resources: Mapping[JobStatus, Mapping[str, float]]


def demand() -> Demand:
    """Of those that ask for the same, one is read."""
    asked = {
        WAITS: _grouped(Job.objects.filter(status=WAITS)),
        QUEUED: _queued(),
        RUNS: _grouped(JobExecution.objects.filter(has_ended=False)),
    }
    return Demand(
        _total(_grouped(Node.objects.filter(is_active=True, is_online=True))),
        {status: sum(count for _, count in groups) for status, groups in asked.items()},
        {status: _total(groups) for status, groups in asked.items()},
    )


Groups = list[tuple[Mapping[str, float], int]]


def _grouped(rows: QuerySet[Any]) -> Groups:
    """Different resources, and how many rows have them."""
    return list(rows.order_by().values_list("resources").annotate(Count("id")))


def _queued() -> Groups:
    """By shape, which an index knows; all entries of one ask for the same."""
    shapes = Queue.objects.filter(is_canceled=False).values("shape").annotate(count=Count("id"), one=Max("id")).order_by()
    counts = {shape["one"]: shape["count"] for shape in shapes}
    resources = Queue.objects.filter(pk__in=counts).values_list("pk", "resources")
    return [(asked, counts[pk]) for pk, asked in resources]


def _total(groups: Iterable[tuple[Mapping[str, float], int]]) -> dict[str, float]:
    total = dict.fromkeys(_ALWAYS, 0.0)
    for resources, count in groups:
        for name, amount in resources.items():
            total[name] = total.get(name, 0.0) + amount * count
    return {name: round(amount, 2) for name, amount in total.items()}
