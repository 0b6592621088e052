"""Reads of arrays, and how many of their members are of which status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Count, Max, Min, Prefetch, Q, QuerySet

from scale.job.models import Job, JobArray
from scale.job.states import JobStatus
from scale.kernel.errors import NotFound


def arrays_counted() -> QuerySet[JobArray]:
    """Each with the number of its members of each status; an index knows that alone."""
    return JobArray.objects.annotate(**{_of(status): Count("job", filter=Q(job__status=status)) for status in JobStatus})


def counts_of(array: JobArray) -> dict[str, int]:
    """By status, of an array that `arrays_counted` gave."""
    return {status: getattr(array, _of(status)) for status in JobStatus}


def with_arrays(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """With their arrays, in one query for all of them, and none where there are no arrays."""
    return jobs.prefetch_related(Prefetch("array", queryset=arrays_counted()))


def submitted_array(job_ids: Sequence[int]) -> Job:
    """The first of these members, with all their ids in `job_ids`."""
    named = Job.objects.select_related("job_type", "job_type_rev", "owner").defer("job_type_rev__manifest")
    job = with_arrays(named).get(pk=job_ids[0])
    vars(job)["job_ids"] = [*job_ids]
    return job


def array_sizes(ids: Iterable[int]) -> dict[int, int]:
    return dict(JobArray.objects.filter(pk__in=set(ids)).values_list("pk", "size"))


def arrays_selected() -> QuerySet[JobArray]:
    """The newest first."""
    return arrays_counted().select_related("owner").order_by("-id")


def array_found(array_id: int) -> JobArray:
    """One, with what came of its members until now: labels, their ids, since when they wait, when the last one ended.

    :raises NotFound: there is none
    """
    array = arrays_selected().filter(pk=array_id).first()
    if array is None:
        raise NotFound(f"There is no job array {array_id}.")
    members = Job.objects.filter(array=array)
    told = members.aggregate(first_job_id=Min("pk"), last_job_id=Max("pk"), first_queued=Min("queued"), last_ended=Max("ended"))
    labels = members.filter(pk=told["first_job_id"]).values_list("labels", flat=True).first()
    vars(array).update(told, labels=labels or {})
    return array


def _of(status: JobStatus) -> str:
    return f"{status.lower()}_jobs"
