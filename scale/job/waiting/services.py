"""Puts jobs on the queue, and settles those that wait for others: free to go, blocked, or neither.

Whoever ends a job, or has it tried anew, settles its dependents in the same transaction: as many as one may change, and as nobody
else holds at that moment. For the others it leaves a note, which the scheduler works off. Ids grow along dependencies: a job's is
larger than those of all that it waits for, so that their order is both the order of locks and the order of settling.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction

from scale.database import delete_rows, record_rows, update_rows
from scale.job.dependencies import WAITING, Terms, arranged, place, settled
from scale.job.messages import batches
from scale.job.models import DependentsDue, Job, JobDependency
from scale.job.states import JobStatus, sources_of
from scale.job.waiting.selectors import edges_into, edges_within, jobs_unsettled, passing_on, region_of, with_dependents
from scale.kernel.errors import Fault, Forbidden, Invalid
from scale.present import ring_after_commit, tell_after_commit
from scale.queue.entry import QueueEntry
from scale.queue.services import queue_add

logger = logging.getLogger(__name__)

_MOST = 1000  # jobs that one transaction settles
_NOTES = 100  # that are worked off together
_LOCKED_AT_ONCE = 10_000
_MOST_FAULTS = 50


def queue_again(jobs: Iterable[tuple[Job, datetime]], when: datetime) -> list[QueueEntry]:
    """Give each of these locked jobs its next execution, which waits since then; returns those that are on the queue.

    Those of held jobs are not, until they are released.
    """
    asked = [
        (
            QueueEntry(job.pk, job.job_type_id, job.num_exes + 1, job.priority, job.resources, queued, job.constraints),
            job.held is None,
        )
        for job, queued in jobs
    ]
    update_rows(
        Job,
        match=("id",),
        assign=("num_exes", "status", "queued", "last_status_change", "last_modified"),
        rows=[(e.job_id, e.exe_num, JobStatus.QUEUED.value, e.queued, e.queued, when) for e, _ in asked],
        only=comes_from(JobStatus.QUEUED),
    )
    Job.objects.filter(pk__in=[e.job_id for e, _ in asked]).update(node=None, error=None, started=None, ended=None)
    entries = [entry for entry, is_free in asked if is_free]
    queue_add(entries=entries, when=when)
    return entries


def comes_from(status: JobStatus) -> str:
    """The SQL condition that a job may come to this status."""
    return f"job.status IN ({', '.join(repr(source.value) for source in sorted(sources_of(status)))})"


# --- new jobs


class Beginning(NamedTuple):
    """How jobs of one request begin."""

    order: Sequence[int]  #: in which they are to be made
    statuses: dict[int, JobStatus]  #: by their places in the request


def jobs_begin(*, terms: Sequence[Terms], sizes: Sequence[int], by: User) -> Beginning:
    """Find out whether new jobs may go at once. What they name stays as it is until the transaction is over.

    :param sizes: how many jobs each of them is
    :raises Invalid: they name jobs that are not there, or wait for each other
    :raises Forbidden: somebody else's job is to be superseded
    """
    order = arranged(terms, sizes)
    edges = [(number, other) for number, one in enumerate(terms) for other in one.depends_on]
    named = {other.job for _, other in edges if other.job is not None}
    others = _locked(named | {one.supersedes for one in terms if one.supersedes is not None})
    _check_names(terms, others)
    _check_superseded(terms, others, by)
    outside = [(number, other.when, JobStatus(others[other.job].status)) for number, other in edges if other.job is not None]
    inside = [(number, other.index, other.when) for number, other in edges if other.index is not None]
    return Beginning(order, settled(order, outside=outside, inside=inside))


def dependencies_record(*, terms: Sequence[Terms], ids: Sequence[Sequence[int]]) -> None:
    """Record for which ends these new jobs wait: each member of an array, and for each."""
    edges = [
        (job_id, on_id, other.when.value)
        for number, one in enumerate(terms)
        for other in one.depends_on
        for on_id in ([other.job] if other.index is None else ids[other.index])
        for job_id in ids[number]
    ]
    record_rows(JobDependency, ("job_id", "on_id", "when"), edges)


def _locked(ids: Collection[int]) -> dict[int, Job]:
    """In the order of their ids."""
    found: dict[int, Job] = {}
    for some in batches(sorted(ids), _LOCKED_AT_ONCE):
        jobs = Job.objects.filter(pk__in=some).order_by("pk").only("status", "owner", "is_superseded")
        found |= {job.pk: job for job in jobs.select_for_update(no_key=True)}
    return found


def _check_names(terms: Sequence[Terms], others: Collection[int]) -> None:
    faults = [
        Fault(place(number, "depends_on", at), f"there is no job {other.job}")
        for number, one in enumerate(terms)
        for at, other in enumerate(one.depends_on)
        if other.job is not None and other.job not in others
    ]
    faults += [
        Fault(place(number, "supersedes"), f"there is no job {one.supersedes}")
        for number, one in enumerate(terms)
        if one.supersedes is not None and one.supersedes not in others
    ]
    if faults:
        raise Invalid(faults[:_MOST_FAULTS])


def _check_superseded(terms: Sequence[Terms], others: dict[int, Job], by: User) -> None:
    first: dict[int, int] = {}
    for number, one in enumerate(terms):
        if one.supersedes is None:
            continue
        old = others[one.supersedes]
        if not by.is_staff and old.owner_id != by.pk:
            raise Forbidden(f"Job {old.pk} belongs to somebody else; only staff may supersede it.")
        if old.is_superseded or old.pk in first:
            raise Invalid([Fault(place(number, "supersedes"), _successor(old, first.get(old.pk)))])
        first[old.pk] = number


def _successor(old: Job, number: int | None) -> str:
    if number is not None:
        return f"job {old.pk} is superseded by jobs.{number} already; a job has one successor"
    heir = Job.objects.filter(superseded_job=old).values_list("pk", flat=True).first()
    return f"job {old.pk} is superseded already" + (f" by job {heir}; supersede that one" if heir else "")


# --- jobs whose dependencies have changed


def dependents_settle(*, of: Iterable[int], when: datetime, also: Collection[int] = ()) -> None:
    """Settle those that wait for these jobs, whose statuses have just been changed; within that transaction.

    It waits for nobody: what somebody else holds, and what is too much for one transaction, is left to the scheduler.

    :param also: waiting jobs that are to be settled themselves
    """
    if seeds := sorted({*with_dependents(list(of)), *also}):
        then = _settle(seeds, 0, when, waits=False)
        _note(seeds if then is not None else (), then or 0)


def dependents_go_on(*, when: datetime) -> None:
    """Settle some of those about whom notes were left; in a transaction that has locked no job yet."""
    notes = list(DependentsDue.objects.order_by("pk")[:_NOTES])
    if not notes:
        return
    after = notes[0].after
    alike = [note for note in notes if note.after == after]
    then = _settle(sorted({note.job_id for note in alike}), after, when, waits=True)
    if then is None:
        delete_rows(DependentsDue, [note.pk for note in alike])
    else:
        DependentsDue.objects.filter(pk__in=[note.pk for note in alike]).update(after=then)


@transaction.atomic
def dependents_recover() -> None:
    """Leave notes about jobs that nobody has settled."""
    _note(list(jobs_unsettled().order_by("pk").values_list("pk", flat=True)), 0)


def _note(seeds: Iterable[int], after: int) -> None:
    if rows := [(job_id, after) for job_id in seeds]:
        record_rows(DependentsDue, ("job_id", "after"), rows)
        ring_after_commit()


def _settle(seeds: Sequence[int], after: int, when: datetime, *, waits: bool) -> int | None:
    """Settle what hangs on these, from there on; returns up to where, or None if that was all."""
    found = region_of(seeds, after, _MOST + 1)
    if not found:
        return None
    jobs = _waiting(found[:_MOST], waits=waits)
    region = [pk for pk in found[:_MOST] if pk in jobs] if waits else list(takewhile(jobs.__contains__, found[:_MOST]))
    statuses = settled(region, outside=edges_into(region), inside=edges_within(region)) if region else {}
    _change([(jobs[pk], status) for pk, status in statuses.items() if jobs[pk].status != status], when)
    turned = [
        pk for pk, status in statuses.items() if JobStatus.BLOCKED in {status, jobs[pk].status} and status != jobs[pk].status
    ]
    _note(passing_on(turned, region) if turned else (), 0)
    if waits:
        return found[_MOST - 1] if len(found) > _MOST else None
    return None if len(region) == len(found) else max(region, default=after)


def _waiting(ids: Sequence[int], *, waits: bool) -> dict[int, Job]:
    columns = ("job_type", "status", "num_exes", "resources", "constraints", "priority", "held")
    jobs = Job.objects.filter(pk__in=ids, status__in=WAITING).order_by("pk").only(*columns)
    return {job.pk: job for job in jobs.select_for_update(skip_locked=not waits)}


def _change(changes: Sequence[tuple[Job, JobStatus]], when: datetime) -> None:
    free = [job for job, status in changes if status is JobStatus.QUEUED]
    if free:
        queue_again([(job, when) for job in free], when)
        tell_after_commit(logger, "freed", [job.pk for job in free])
        ring_after_commit()
    for event, wanted in (("blocked", JobStatus.BLOCKED), ("unblocked", JobStatus.PENDING)):
        if ids := [job.pk for job, status in changes if status is wanted]:
            Job.objects.filter(pk__in=ids).update(status=wanted, last_status_change=when, last_modified=when)
            tell_after_commit(logger, event, ids)
