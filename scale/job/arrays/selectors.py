"""Reads of arrays, and how many of their members are of which status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from django.db.models import Count, Max, Min, Prefetch, QuerySet

from scale.job.arrays.span import Arrayed
from scale.job.models import Job, JobArray
from scale.job.states import JobStatus
from scale.kernel.errors import NotFound


class Counted(QuerySet[JobArray]):
    """Arrays that know how many of their members are of which status: counted in one query, in the order of an index."""

    def _fetch_all(self) -> None:
        is_new = self._result_cache is None
        super()._fetch_all()
        if is_new:
            _count([one for one in self._result_cache or () if isinstance(one, JobArray)])


def _count(arrays: Sequence[JobArray]) -> None:
    members = Job.objects.filter(array__in=[array.pk for array in arrays])
    told = {
        (array, status): count for array, status, count in members.values_list("array", "status").annotate(Count("pk")).order_by()
    }
    for array in arrays:
        vars(array)["counts"] = {str(status): told.get((array.pk, status), 0) for status in JobStatus}


def counts_of(array: JobArray) -> dict[str, int]:
    """By status, of an array that is `Counted`."""
    counts: dict[str, int] = vars(array)["counts"]
    return counts


def with_arrays(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """With their arrays and those's counts, in a query each for all of them, and none where there are no arrays."""
    return jobs.prefetch_related(Prefetch("array", queryset=Counted(JobArray)))


def submitted_array(job_ids: Sequence[int]) -> Job:
    """The first of these members, with all their ids in `job_ids`."""
    named = Job.objects.select_related("job_type", "job_type_rev", "owner").defer("job_type_rev__manifest")
    job = with_arrays(named).get(pk=job_ids[0])
    vars(job)["job_ids"] = [*job_ids]
    return job


def arrays_submitted(asked: Sequence[Arrayed], job_ids: Sequence[int]) -> list[int | None]:
    """Those of a request, in its order; None for one whose first member has been deleted since.

    :param job_ids: of all jobs of the request, in order
    """
    starts = accumulate((one.jobs for one in asked), initial=0)
    firsts = [job_ids[start] for one, start in zip(asked, starts, strict=False) if one.indices is not None]
    array_of = dict(Job.objects.filter(pk__in=firsts).values_list("pk", "array_id")) if firsts else {}
    return [array_of.get(first) for first in firsts]


def array_sizes(ids: Iterable[int]) -> dict[int, int]:
    return dict(JobArray.objects.filter(pk__in=set(ids)).values_list("pk", "size"))


def arrays_selected() -> QuerySet[JobArray]:
    """The newest first."""
    return Counted(JobArray).select_related("owner").order_by("-id")


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
