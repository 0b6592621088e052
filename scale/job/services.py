"""Writes to jobs: put jobs on the queue, cancel them, try them anew."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from scale.database import again_on_conflict, insert_rows, record_rows
from scale.fact import warn
from scale.job.arrays.selectors import submitted_array
from scale.job.arrays.services import arrays_add, places_of
from scale.job.dependencies import PLAIN, Terms
from scale.job.messages import batches
from scale.job.models import Job, JobExecution, JobInputFile, JobType, JobTypeRevision
from scale.job.request import Asked, JobRequest
from scale.job.resolving import Resolved, resolve
from scale.job.states import FINAL, REQUEUEABLE, JobStatus, sources_of
from scale.job.submission import Submission
from scale.job.types.definition import COMMAND
from scale.job.waiting.services import dependencies_record, dependents_settle, jobs_begin, queue_again
from scale.kernel.errors import BadRequest, Fault, Forbidden, Invalid
from scale.parameters import given
from scale.present import ring_after_commit, tell_after_commit
from scale.queue.entry import QueueEntry
from scale.queue.services import queue_add, queue_add_canceled, queue_cancel
from scale.remembered import Remembered, forget_on_change
from scale.wake import JOBS

logger = logging.getLogger(__name__)
T = TypeVar("T")

COMMAND_VERSION = "1.0.0"
_MOST_AT_ONCE = 1000  #: jobs that one transaction changes, so that nobody waits long for the database
_MOST_DOUBTS = 10


class Inactive(BadRequest):
    """Of this job type, no new jobs are taken."""


@again_on_conflict
def job_submit(*, submission: Asked, by: User, when: datetime) -> Job:
    """Record the job and put it on the queue; both or neither. Of an array, it is the first member that is returned.

    :raises Inactive: nothing of its type is taken
    :raises InvalidSubmission: it does not fit its type
    :raises Invalid: it names jobs that are not there
    :raises Forbidden: it is to supersede somebody else's job
    """
    if submission.indices is not None:
        with _alone():
            ids = jobs_submit(submissions=[submission], by=by, when=when)
        return submitted_array(ids)
    (draft,) = drafts_of([submission], when, [""])
    draft = draft._replace(terms=submission.terms)
    revision = draft.revision
    with _alone(), transaction.atomic():
        [(job_id, draft)] = _submit_on_terms([draft], by, when)
        ring_after_commit(JOBS)
        tell_after_commit(logger, "submitted", [job_id], by=by.get_username(), name=submission.name)
    same = {"created": when, "last_status_change": when, "last_modified": when}
    return Job(pk=job_id, job_type=revision.job_type, job_type_rev=revision, owner=by, **_columns(draft, when), **same)


@contextmanager
def _alone() -> Iterator[None]:
    """A body that is one job has no places of jobs: its faults are told without."""
    try:
        yield
    except Invalid as error:
        faults = [Fault(fault.field.removeprefix("jobs.0").removeprefix("."), fault.message) for fault in error.faults]
        raise type(error)(faults) from None


@again_on_conflict
def jobs_submit(*, submissions: Sequence[Asked], by: User, when: datetime) -> list[int]:
    """Record the jobs and put them on the queue, all or none; returns their ids in the same order.

    :raises Inactive: nothing of their type is taken
    :raises InvalidSubmission: one does not fit its type
    :raises Invalid: they name jobs that are not there, or wait for each other
    :raises Forbidden: one is to supersede somebody else's job
    """
    asked = drafts_of(submissions, when, (f"jobs.{number}" for number in range(len(submissions))))
    is_plain = all(submission.terms is PLAIN for submission in submissions)
    if not is_plain:
        asked = [draft._replace(terms=submissions[number].terms, number=number) for number, draft in enumerate(asked)]
    with transaction.atomic():
        places = places_of(submissions, asked, arrays_add(submissions=submissions, by=by, when=when))
        drafts = (draft._replace(columns={**draft.columns, **place}) if place else draft for draft, place in places)
        if is_plain:
            ids = [job_id for some in batches(drafts, _MOST_AT_ONCE) for job_id in _submit(some, by, when)]
        else:
            ids = [job_id for job_id, _ in _submit_on_terms(list(drafts), by, when)]
        ring_after_commit(JOBS)
        tell_after_commit(logger, "submitted", ids, by=by.get_username())
    return ids


def jobs_cancel(*, ids: Iterable[int], by: User, when: datetime) -> list[int]:
    """Cancel those of the jobs that are not over; tell which. To ask twice is to ask once.

    Many jobs are canceled some at a time, each in a transaction of its own.

    :raises Forbidden: one of the first that are not canceled yet belongs to somebody else
    """
    some_at_a_time = batches(sorted(set(ids)), _MOST_AT_ONCE)
    return [done for some in some_at_a_time for done in cancel(Job.objects.filter(pk__in=some), by, when)]


@again_on_conflict
@transaction.atomic
def cancel(jobs: QuerySet[Job], by: User, when: datetime, asked: datetime | None = None) -> list[int]:
    """Cancel those that are not over, in one transaction; none that somebody has asked to be tried anew since this was asked."""
    not_since = Q() if asked is None else Q(requeued=None) | Q(requeued__lte=asked)
    meant = jobs.filter(not_since, status__in=sources_of(JobStatus.CANCELED)).order_by("pk")
    rows = list(meant.select_for_update(of=("self",)).values_list("pk", "owner_id", "status", "held"))
    owners = {job_id: owner_id for job_id, owner_id, _, _ in rows}
    refuse_others(owners, by)
    _end_held([job_id for job_id, _, status, held in rows if held and status == JobStatus.QUEUED], when)
    Job.objects.filter(pk__in=owners).update(
        status=JobStatus.CANCELED,
        error=None,
        node=None,
        held=None,
        ended=Coalesce("ended", Value(when)),
        last_status_change=asked or when,
        last_modified=when,
    )
    queue_cancel(job_ids=list(owners))  # first: it waits for whoever makes an execution of an entry
    JobExecution.objects.filter(job_id__in=owners, has_ended=False).update(canceled=when)
    dependents_settle(of=owners, when=when)
    tell_after_commit(logger, "canceled", owners, by=by.get_username())
    ring_after_commit()
    return list(owners)


def _end_held(ids: Sequence[int], when: datetime) -> None:
    """Have the end of executions recorded that were kept off the queue."""
    if ids:
        jobs = Job.objects.filter(pk__in=ids).only("job_type", "num_exes", "priority", "resources", "constraints", "queued")
        entries = [
            QueueEntry(j.pk, j.job_type_id, j.num_exes, j.priority, j.resources, j.queued or when, j.constraints) for j in jobs
        ]
        queue_add_canceled(entries=entries, when=when)


def jobs_requeue(*, ids: Iterable[int], by: User, when: datetime, priority: int | None = None) -> list[int]:
    """Try those of the jobs anew that failed or were canceled, as often as was asked for at first; tell which.

    Many jobs are queued some at a time, each in a transaction of its own.

    :raises Forbidden: one of the first that would be queued belongs to somebody else
    """
    some_at_a_time = batches(sorted(set(ids)), _MOST_AT_ONCE)
    return [done for some in some_at_a_time for done in requeue(Job.objects.filter(pk__in=some), by, when, priority=priority)]


@again_on_conflict
@transaction.atomic
def requeue(
    jobs: QuerySet[Job], by: User, when: datetime, asked: datetime | None = None, *, priority: int | None = None
) -> list[int]:
    """Queue those anew that had failed or were canceled when this was asked; what never was on the queue is pending again."""
    then = given(last_status_change__lte=asked)
    meant = jobs.filter(status__in=REQUEUEABLE, is_superseded=False, **then).order_by("pk")
    columns = ("owner", "job_type", "num_exes", "resources", "constraints", "priority", "held")
    found = {job.pk: job for job in meant.only(*columns).select_for_update(of=("self",))}
    refuse_others({job.pk: job.owner_id for job in found.values()}, by)
    own = Coalesce("own_tries", "max_tries")
    changes: dict[str, Any] = {"own_tries": own, "max_tries": F("num_exes") + own, "requeued": asked or when}
    if priority is not None:
        changes["priority"] = priority
        for job in found.values():
            job.priority = priority
    Job.objects.filter(pk__in=found).update(**changes)
    never_queued = [job.pk for job in found.values() if not job.num_exes]
    _uncancel(never_queued, when)
    queue_again([(job, when) for job in found.values() if job.num_exes], when)
    dependents_settle(of=found, when=when, also=never_queued)
    tell_after_commit(logger, "requeued", found, by=by.get_username())
    ring_after_commit()
    return list(found)


def jobs_uncancel(*, ids: Iterable[int], by: User, when: datetime) -> list[int]:
    """Have those of the jobs be pending again that were canceled before they were ever queued; tell which.

    :raises Forbidden: one of the first of them belongs to somebody else
    """
    some_at_a_time = batches(sorted(set(ids)), _MOST_AT_ONCE)
    return [done for some in some_at_a_time for done in uncancel(Job.objects.filter(pk__in=some), by, when)]


@again_on_conflict
@transaction.atomic
def uncancel(jobs: QuerySet[Job], by: User, when: datetime, asked: datetime | None = None) -> list[int]:
    """Those that were canceled when this was asked, and never queued."""
    then = given(last_status_change__lte=asked)
    meant = jobs.filter(status=JobStatus.CANCELED, num_exes=0, is_superseded=False, **then).order_by("pk")
    owners = dict(meant.select_for_update(of=("self",)).values_list("pk", "owner_id"))
    refuse_others(owners, by)
    Job.objects.filter(pk__in=owners).update(requeued=asked or when)
    _uncancel(list(owners), when)
    dependents_settle(of=owners, when=when, also=owners)
    tell_after_commit(logger, "uncanceled", owners, by=by.get_username())
    ring_after_commit()
    return list(owners)


def _uncancel(ids: Sequence[int], when: datetime) -> None:
    """These, which are ours, are pending again."""
    if ids:
        Job.objects.filter(pk__in=ids).update(status=JobStatus.PENDING, ended=None, last_status_change=when, last_modified=when)


def refuse_others(owners: Mapping[int, int], by: User) -> None:
    if not by.is_staff and (others := [job_id for job_id, owner_id in owners.items() if owner_id != by.pk]):
        raise Forbidden(f"Job {others[0]} belongs to somebody else; only staff may do that.")


@transaction.atomic
def command_type_ensure(when: datetime) -> None:
    """Make sure that the type of submitted commands is there: a regular type, with a main task only."""
    manifest = _command_manifest()
    job_type, _ = JobType.objects.get_or_create(
        name=COMMAND,
        version=COMMAND_VERSION,
        defaults={"is_builtin": True, "manifest": manifest, "created": when, "last_modified": when},
    )
    JobTypeRevision.objects.get_or_create(
        job_type=job_type, revision_num=1, defaults={"manifest": job_type.manifest, "created": when}
    )


def _usable_revision(name: str) -> JobTypeRevision:
    of_type = JobTypeRevision.objects.filter(job_type__name=name, job_type__version=COMMAND_VERSION)
    revision = of_type.select_related("job_type").latest("revision_num")
    if not revision.job_type.is_active:
        raise Inactive(f"The job type {name} is not active: no new jobs of it are taken.")
    return revision


#: by the name of a job type, what new jobs of it are made with
usable_revisions: Remembered[str, JobTypeRevision] = Remembered(_usable_revision)


def forget_changed_types() -> None:
    """Let this process heed at once what it changes itself."""
    forget_on_change(usable_revisions, JobType, JobTypeRevision)


def _command_manifest() -> dict[str, object]:
    return {
        "seedVersion": "1.0.0",
        "job": {
            "name": COMMAND,
            "jobVersion": COMMAND_VERSION,
            "packageVersion": "1.0.0",
            "title": "Command",
            "description": "A command as somebody submitted it",
            "maintainer": {"name": "Scale", "email": "scale@localhost"},
            "timeout": 3600,
        },
    }


class Draft(NamedTuple):
    """A job that is to be made. The drafts of one call have the same columns."""

    revision: JobTypeRevision
    columns: Mapping[str, Any]
    is_ready: bool = True  #: goes on the queue at once
    files: Sequence[tuple[str, int]] = ()  #: inputs, and the ids of their files
    terms: Terms = PLAIN
    status: JobStatus | None = None  #: in which it begins, where its terms say it
    number: int = 0  #: its place in the request, which the members of an array share


def _submit_on_terms(drafts: Sequence[Draft], by: User, when: datetime) -> list[tuple[int, Draft]]:
    """Make the jobs of one request; returns their ids and as what they were made, in its order."""
    if all(draft.terms is PLAIN for draft in drafts):
        return list(zip(_submit(drafts, by, when), drafts, strict=True))
    asked = _by_number((draft.number, draft) for draft in drafts)
    terms = [members[0].terms for members in asked]
    begins = jobs_begin(terms=terms, sizes=[len(members) for members in asked], by=by)
    begun = [_with_terms(draft, begins.statuses[number], when) for number in begins.order for draft in asked[number]]
    ids = [job_id for some in batches(begun, _MOST_AT_ONCE) for job_id in _submit(some, by, when)]
    made = _by_number((draft.number, (job_id, draft)) for job_id, draft in zip(ids, begun, strict=True))
    dependencies_record(terms=terms, ids=[[job_id for job_id, _ in members] for members in made])
    _supersede([one.supersedes for one in terms if one.supersedes is not None], by, when)
    return [one for members in made for one in members]


def _by_number(items: Iterable[tuple[int, T]]) -> list[list[T]]:
    """All of each number, from 0 on; each has some."""
    found: dict[int, list[T]] = {}
    for number, item in items:
        found.setdefault(number, []).append(item)
    return [found[number] for number in range(len(found))]


def _with_terms(draft: Draft, status: JobStatus, when: datetime) -> Draft:
    terms = draft.terms
    status = status if draft.is_ready else JobStatus.PENDING
    columns = {**draft.columns, "held": when if terms.hold else None, "superseded_job_id": terms.supersedes}
    is_ready = status is JobStatus.QUEUED and not terms.hold
    return draft._replace(columns=columns, is_ready=is_ready, status=status)


def _supersede(ids: Sequence[int], by: User, when: datetime) -> None:
    """These have a successor now: what is not over is canceled, and nothing is tried again."""
    if ids:
        Job.objects.filter(pk__in=ids).update(is_superseded=True, superseded=when, last_modified=when)
        left = Job.objects.filter(pk__in=ids).exclude(status__in=FINAL).order_by("pk")
        cancel(Job.objects.filter(pk__in=list(left.values_list("pk", flat=True))), by, when)


def drafts_of(submissions: Sequence[Asked], when: datetime, places: Iterable[str]) -> list[Draft]:
    """In the same order. Asks the disk for files, so it is called outside of transactions.

    :param places: where each stands in the body; empty for a body of its own
    :raises Inactive: nothing of the type of commands is taken
    :raises InvalidSubmission: a job does not fit its type
    """
    of_types = [(place, one) for place, one in zip(places, submissions, strict=True) if isinstance(one, JobRequest)]
    if not of_types:
        revision = usable_revisions.get(COMMAND)
        return [Draft(revision, _asked(one)) for one in submissions if isinstance(one, Submission)]
    resolved = iter(resolve(of_types, when))
    return [_draft(one) if isinstance(one, Submission) else _draft_of_type(next(resolved)) for one in submissions]


def _draft(submission: Submission) -> Draft:
    return Draft(usable_revisions.get(COMMAND), {**_asked(submission), "configuration": None, "secrets": None})


def _draft_of_type(resolved: Resolved) -> Draft:
    if resolved.doubts:
        warn(logger, "odd-input", type=resolved.revision.job_type, why="; ".join(resolved.doubts[:_MOST_DOUBTS]))
    return Draft(resolved.revision, resolved.columns, files=resolved.files)


def _submit(drafts: Sequence[Draft], by: User, when: datetime) -> list[int]:
    """Only so many at once that their rows are gone before the garbage collector goes through them all."""
    same = {"owner_id": by.pk, "is_superseded": False, "created": when, "last_status_change": when, "last_modified": when}
    rows = [(*_columns(draft, when).values(), *same.values()) for draft in drafts]
    ids = insert_rows(Job, [*_columns(drafts[0], when), *same], rows)
    entries = [
        QueueEntry(job_id, revision.job_type_id, 1, columns["priority"], columns["resources"], when, columns.get("constraints"))
        for job_id, (revision, columns, is_ready, *_) in zip(ids, drafts, strict=True)
        if is_ready
    ]
    if files := [(job_id, pk, name) for job_id, draft in zip(ids, drafts, strict=True) for name, pk in draft.files]:
        record_rows(JobInputFile, ("job_id", "input_file_id", "job_input"), files)
    queue_add(entries=entries, when=when)
    return ids


def _columns(draft: Draft, when: datetime) -> dict[str, Any]:
    """Those that differ from job to job."""
    status = draft.status or (JobStatus.QUEUED if draft.is_ready else JobStatus.PENDING)
    is_queued = status is JobStatus.QUEUED
    return {
        **draft.columns,
        "job_type_id": draft.revision.job_type_id,
        "job_type_rev_id": draft.revision.pk,
        "num_exes": 1 if is_queued else 0,
        "status": status,
        "queued": when if is_queued else None,
    }


def _asked(submission: Submission) -> dict[str, Any]:
    """The columns of a job that say what was asked for."""
    return {
        "name": submission.name,
        "command": submission.command,
        "env": submission.env,
        "working_dir": submission.working_dir,
        "labels": submission.labels,
        "resources": submission.resources.amounts,
        "constraints": submission.asked_of_nodes,
        "timeout": submission.timeout,
        "priority": submission.priority,
        "max_tries": submission.max_tries,
        "own_tries": submission.max_tries,
        "retry_on": submission.retry_on,
        "input": {},
        "input_file_size": 0,
    }
