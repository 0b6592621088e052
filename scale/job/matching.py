"""Which jobs a filter or a choice means, as conditions on their rows."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import BooleanField, Count, F, Func, Min, Q, QuerySet, Value
from django.db.models.functions import Concat

from scale.job.filters import JobChoice, JobFilter
from scale.job.models import Job
from scale.parameters import given


class HasLabel(Func):
    """Whether a job has this label, whatever its name: a path into JSON would take `1` for the second item of a list."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, labels: F, name: str, value: str) -> None:
        super().__init__(labels)
        self._label = (name, value)

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[Any, ...]]:
        labels, params = compiler.compile(self.source_expressions[0])
        condition = f"EXISTS (SELECT 1 FROM json_each({labels}) AS one WHERE one.key = %s AND one.value = %s)"  # noqa: S608 no value
        return condition, (*params, *self._label)

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[Any, ...]]:
        labels, params = compiler.compile(self.source_expressions[0])
        return f"{labels} @> %s::jsonb", (*params, json.dumps(dict([self._label])))


def jobs_fitting(wanted: JobFilter) -> QuerySet[Job]:
    return Job.objects.filter(_conditions(wanted))


def jobs_chosen(choice: JobChoice) -> QuerySet[Job]:
    """Those that fit all that is stated, whoever may do something with them."""
    jobs = jobs_fitting(choice.filter)
    if choice.job_types is None:
        return jobs
    named = Q()
    for one in choice.job_types:
        named |= Q(job_type__name=one.name, job_type__version=one.version)
    return jobs.filter(named)


class Lines(QuerySet[Job]):
    """Jobs as they are listed: of the members of an array that fit, the first one stands for all."""

    _wanted: JobFilter

    @classmethod
    def of(cls, wanted: JobFilter) -> Lines:
        lines = cls(Job)
        lines._wanted = wanted
        first = (
            _members(wanted if wanted.tells_members_apart else JobFilter())
            .values("array")
            .annotate(first=Min("pk"))
            .values("first")
        )
        return lines.filter(_conditions(wanted)).filter(Q(array=None) | Q(pk__in=first))

    def count(self) -> int:
        """From what indexes know: all that fit, less the members among them, and one for each of their arrays."""
        if self._result_cache is not None:
            return len(self._result_cache)
        if self.query.is_sliced:
            return super().count()
        told = _members(self._wanted).aggregate(members=Count("pk"), arrays=Count("array", distinct=True))
        return jobs_fitting(self._wanted).count() - int(told["members"]) + int(told["arrays"])

    def _clone(self) -> Lines:
        clone: Lines = super()._clone()  # type: ignore[misc]  # the stubs do not know it
        clone._wanted = self._wanted
        return clone


def _members(wanted: JobFilter) -> QuerySet[Job]:
    """The members of arrays that fit, found by the index that holds nothing else.

    SQLite, which counts no rows, would go by the status: by most of the table where it is that of most jobs.
    """
    members = Job.objects.filter(array__isnull=False)
    if wanted.status:
        members = members.alias(plain_status=Concat("status", Value(""))).filter(plain_status__in=wanted.status)
    return members.filter(_conditions(wanted.model_copy(update={"status": ()})))


def _conditions(wanted: JobFilter) -> Q:
    if wanted.is_impossible:
        return Q(pk__in=())
    labels = [HasLabel(F("labels"), name, value) for name, value in wanted.labels]
    return Q(
        *labels,
        **given(
            last_modified__gte=wanted.started,
            last_modified__lte=wanted.ended,
            status__in=wanted.status,
            pk__in=wanted.job_id,
            array__in=wanted.array_id,
            job_type_id__in=wanted.job_type_id,
            job_type__name__in=wanted.job_type_name,
            error__category__in=wanted.error_category,
            error_id__in=wanted.error_id,
            is_superseded=wanted.is_superseded,
            name__in=wanted.name,
            owner__username__in=wanted.owner,
        ),
    )
