"""Reads of job types, their versions and revisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, overload

from django.db.models import Q, QuerySet

from scale.job.models import JobType, JobTypeRevision
from scale.job.types.definition import read_definition
from scale.job.types.filters import JobTypeChoice, JobTypeFilter, JobTypeNameFilter, JobTypeVersionFilter
from scale.kernel.errors import NotFound
from scale.parameters import given
from scale.seed import Report, in_order, newest
from scale.storage.selectors import workspaces_known

Row = TypeVar("Row")
_COLUMNS = {"title": "manifest__job__title"}


class JobTypeName(NamedTuple):
    """All versions of a job type, as one."""

    latest: JobType  #: the newest release, or if there is none the newest pre-release
    versions: list[str]  #: the newest first


class Pages(Sequence[Row], Generic[Row]):
    """Rows in an order that the database does not know; of all only the ids are held, of a page the rows."""

    def __init__(self, ids: Sequence[int], load: Callable[[Sequence[int]], list[Row]]) -> None:
        self._ids = ids
        self._load = load

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        return self._load(self._ids[place]) if isinstance(place, slice) else self._load([self._ids[place]])[0]


def job_types_selected(wanted: JobTypeFilter) -> QuerySet[JobType]:
    """Those that fit, by name unless another order is wanted."""
    return _chosen(wanted).order_by(*map(_column, wanted.order), "name", "version", "id")


def job_type_names(wanted: JobTypeNameFilter) -> Pages[JobTypeName]:
    """What fits, all versions of a name as one."""
    versions: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for pk, name, version in _chosen(wanted).values_list("pk", "name", "version"):
        versions[name][version] = pk
    names = sorted(versions, reverse="-name" in wanted.order)
    latest = {versions[name][newest(versions[name]) or ""]: [*reversed(in_order(versions[name]))] for name in names}

    def load(ids: Sequence[int]) -> list[JobTypeName]:
        return [JobTypeName(job_type, latest[job_type.pk]) for job_type in _by_id(ids)]

    return Pages(list(latest), load)


def job_type_versions(name: str, wanted: JobTypeVersionFilter) -> Pages[JobType]:
    """The versions of a name, the newest first.

    :raises NotFound: there are none at all
    """
    known = JobType.objects.filter(name=name).values_list("version", "pk", "is_active")
    if not known:
        raise NotFound(f"There is no job type {name}.")
    ids = {version: pk for version, pk, is_active in known if wanted.is_active in (None, is_active)}
    return Pages([ids[version] for version in reversed(in_order(ids))], _by_id)


def job_type_found(name: str, version: str) -> JobType:
    """:raises NotFound: there is none"""
    job_type = JobType.objects.filter(name=name, version=version).first()
    if job_type is None:
        raise NotFound(f"There is no job type {name} {version}.")
    return job_type


def revisions_selected(name: str, version: str) -> QuerySet[JobTypeRevision]:
    """Those of one job type, the latest first.

    :raises NotFound: there is no such job type
    """
    job_type = job_type_found(name, version)
    return JobTypeRevision.objects.select_related("job_type").filter(job_type=job_type).order_by("-revision_num")


def revision_found(name: str, version: str, revision_num: int) -> JobTypeRevision:
    """:raises NotFound: there is none"""
    revision = revisions_selected(name, version).filter(revision_num=revision_num).first()
    if revision is None:
        raise NotFound(f"The job type {name} {version} has no revision {revision_num}.")
    return revision


def definition_report(manifest: object, configuration: object) -> Report:
    """What there is to say of a job type that somebody thinks of, or of one that there is and is to be changed."""
    configuration, workspaces = {} if configuration is None else configuration, workspaces_known()
    reading = read_definition(manifest, configuration, workspaces, frozenset())
    if reading.manifest is None:
        return reading.report
    known = JobType.objects.filter(name=reading.manifest.job.name, version=reading.manifest.job.job_version)
    secrets: dict[str, str] = known.values_list("secrets", flat=True).first() or {}
    return read_definition(manifest, configuration, workspaces, secrets.keys()).report if secrets else reading.report


def _chosen(wanted: JobTypeChoice) -> QuerySet[JobType]:
    conditions = given(pk__in=wanted.id, is_active=wanted.is_active, is_system=wanted.is_system)
    words = Q()
    for word in wanted.keyword:
        of_title = Q(manifest__job__title__icontains=word) | Q(manifest__job__description__icontains=word)
        words |= Q(name__icontains=word) | of_title
    return JobType.objects.filter(words, **conditions)


def _by_id(ids: Sequence[int]) -> list[JobType]:
    found: dict[Any, JobType] = JobType.objects.in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def _column(order: str) -> str:
    sign, name = ("-", order[1:]) if order.startswith("-") else ("", order)
    return sign + _COLUMNS.get(name, name)
