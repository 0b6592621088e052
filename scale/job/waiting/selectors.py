"""Reads of who waits for whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from scale.database import Select
from scale.job.dependencies import PASSED_ON, WAITING, Outlook, When, statuses_of, why_waiting
from scale.job.messages import batches
from scale.job.models import DependentsDue, Job, JobDependency
from scale.job.states import JobStatus
from scale.queue.selectors import waiting_of
from scale.queue.waiting import Waiting

_AT_ONCE = 10_000  # values of one statement
HELD = "held"

_DUE = Select([(DependentsDue, "pk")], "FROM job_dependents_due LIMIT 1")


def _words(words: Collection[str]) -> str:
    return f"({', '.join(repr(str(word)) for word in sorted(words))})"


#: the SQL condition that an edge can never be met
_NEVER = " OR ".join(
    f"edge.\"when\" = '{when.value}' AND other.status IN {_words(statuses)}"
    for when in When
    if (statuses := statuses_of(when, Outlook.NEVER))
)
_WAITS = f"job.status IN {_words(WAITING)}"
# Who is blocked, or now will be, passes that on to those behind it.
_REGION = f"""
    WITH RECURSIVE seed(id) AS (VALUES {{seeds}}),
    region(id, passes_on) AS (
        SELECT job.id, TRUE FROM seed JOIN job ON job.id = seed.id WHERE {_WAITS}
        UNION
        SELECT job.id, job.status = '{JobStatus.BLOCKED.value}' OR {_NEVER}
        FROM seed JOIN job_dependency edge ON edge.on_id = seed.id JOIN job other ON other.id = seed.id
        JOIN job ON job.id = edge.job_id WHERE {_WAITS}
        UNION
        SELECT job.id, TRUE FROM region {{edges}} WHERE region.passes_on AND edge."when" IN {_words(PASSED_ON)} AND {_WAITS}
    )
    SELECT DISTINCT id FROM region WHERE id > %s ORDER BY id LIMIT %s
"""  # noqa: S608 no value stands in it

_EDGES = "JOIN job_dependency edge ON edge.on_id = region.id JOIN job ON job.id = edge.job_id"
# PostgreSQL would read the whole table at each link of a chain; what has an offset it does for one row after the other.
_EDGES_ONE_BY_ONE = """
    CROSS JOIN LATERAL (SELECT job_id, "when" FROM job_dependency WHERE on_id = region.id OFFSET 0) edge
    CROSS JOIN LATERAL (SELECT id, status FROM job WHERE id = edge.job_id OFFSET 0) job
"""


def with_dependents(ids: Sequence[int]) -> set[int]:
    """Those of these jobs for which another one waits, or did."""
    found: set[int] = set()
    for some in batches(ids, _AT_ONCE):
        found.update(JobDependency.objects.filter(on__in=some).values_list("on", flat=True).distinct())
    return found


def region_of(seeds: Sequence[int], after: int, most: int) -> list[int]:
    """The waiting jobs whose status may be another one because of these, or that are among these; in order of their ids."""
    with connection.cursor() as cursor:
        edges = _EDGES if connection.vendor == "sqlite" else _EDGES_ONE_BY_ONE
        cursor.execute(_REGION.format(seeds=", ".join(["(%s)"] * len(seeds)), edges=edges), [*seeds, after, most])
        return [job_id for (job_id,) in cursor.fetchall()]


def edges_into(region: Sequence[int]) -> list[tuple[int, When, JobStatus]]:
    """What these jobs wait for of others, and how those stand."""
    edges = JobDependency.objects.filter(job__in=region).exclude(on__in=region).order_by()
    rows = edges.values_list("job_id", "when", "on__status").distinct()
    return [(job_id, When(when), JobStatus(status)) for job_id, when, status in rows]


def edges_within(region: Sequence[int]) -> list[tuple[int, int, When]]:
    """Who waits for whom of them. By the index of both, SQLite would look for each of them with each."""
    edges = JobDependency.objects.alias(plain_on=F("on_id") + 0).filter(job__in=region, plain_on__in=region)
    rows = edges.values_list("job_id", "on_id", "when")
    return [(job_id, on_id, When(when)) for job_id, on_id, when in rows]


def passing_on(ids: Sequence[int], known: Sequence[int]) -> list[int]:
    """Those of these jobs that have dependents beside the known ones, who may be blocked or free with them.

    SQLite would go by the status: through all that wait in the cluster, and for each of them through these jobs.
    """
    edges = JobDependency.objects.alias(plain_status=Concat("job__status", Value("")))
    edges = edges.filter(on__in=ids, when__in=PASSED_ON, plain_status__in=WAITING).exclude(job__in=known)
    return list(edges.order_by("on").values_list("on", flat=True).distinct())


def jobs_unsettled() -> QuerySet[Job]:
    """The waiting jobs whose status is not what their dependencies say, as a release leaves them that knows of none."""
    edges = JobDependency.objects.filter(job=OuterRef("pk"))
    never, still = (Exists(edges.filter(_stands(wanted))) for wanted in (Outlook.NEVER, Outlook.OPEN))
    pending = Q(status=JobStatus.PENDING) & (never | ~still)
    return Job.objects.filter(pending | Q(status=JobStatus.BLOCKED) & ~never, Exists(edges), status__in=WAITING)


def dependents_are_due() -> bool:
    """Whether there are jobs to be looked at whose dependencies have changed."""
    return bool(_DUE.rows())


def dependencies_of(job_id: int) -> list[tuple[int, When, JobStatus]]:
    """The jobs that this one waits or waited for, and how they stand."""
    rows = JobDependency.objects.filter(job=job_id).order_by("on", "when").values_list("on_id", "when", "on__status")
    return [(on_id, When(when), JobStatus(status)) for on_id, when, status in rows]


def why_job_waits(job: Job, dependencies: Sequence[tuple[int, When, JobStatus]], when: datetime) -> Waiting | None:
    """None if it does not."""
    since = job.last_status_change or job.created
    if job.status == JobStatus.BLOCKED or (job.status == JobStatus.PENDING and job.held is None):
        return Waiting(*why_waiting(dependencies), {}, since, None)
    if job.status not in {JobStatus.PENDING, JobStatus.QUEUED}:
        return None
    if job.held is not None:
        return Waiting(HELD, "it is held, and waits to be released", {}, job.held, None)
    return waiting_of(job.pk, job.num_exes, when)


def _stands(wanted: Outlook) -> Q:
    fits = Q()
    for when in When:
        fits |= Q(when=when, on__status__in=statuses_of(when, wanted))
    return fits
