"""Writes to jobs and job types: put jobs on the queue, cancel them, try them anew; pause a type."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from scale.database import again_on_conflict, insert_rows
from scale.job.dependencies import PLAIN, Terms
from scale.job.messages import batches
from scale.job.models import Job, JobExecution, JobType, JobTypeRevision
from scale.job.states import FINAL, REQUEUEABLE, JobStatus, sources_of
from scale.job.submission import Submission
from scale.job.waiting.services import dependencies_record, dependents_settle, jobs_begin, queue_again
from scale.kernel.errors import BadRequest, Forbidden, NotFound
from scale.present import ring_after_commit, tell_after_commit
from scale.queue.entry import QueueEntry
from scale.queue.services import queue_add, queue_add_canceled, queue_cancel
from scale.remembered import Remembered, forget_on_change
from scale.wake import JOBS

logger = logging.getLogger(__name__)

COMMAND = "command"
COMMAND_VERSION = "1.0.0"
_MOST_AT_ONCE = 1000  #: jobs that one transaction changes, so that nobody waits long for the database


class Inactive(BadRequest):
    """Of this job type, no new jobs are taken."""


@again_on_conflict
def job_submit(*, submission: Submission, by: User, when: datetime) -> Job:
    """Record the job and put it on the queue; both or neither.

    :raises Inactive: nothing of its type is taken
    :raises Invalid: it names jobs that are not there
    :raises Forbidden: it is to supersede somebody else's job
    """
    revision = usable_revisions.get(COMMAND)
    draft = Draft(revision, _asked(submission), terms=submission.terms)
    with transaction.atomic():
        (draft,) = drafts = _begin([draft], by, when)
        (job_id,) = _make(drafts, by, when)
        ring_after_commit(JOBS)
        tell_after_commit(logger, "submitted", [job_id], by=by.get_username(), name=submission.name)
    same = {"created": when, "last_status_change": when, "last_modified": when}
    return Job(pk=job_id, job_type=revision.job_type, job_type_rev=revision, owner=by, **_columns(draft, when), **same)


@again_on_conflict
def jobs_submit(*, submissions: Sequence[Submission], by: User, when: datetime) -> list[int]:
    """Record the jobs and put them on the queue, all or none; returns their ids in the same order.

    :raises Inactive: nothing of their type is taken
    :raises Invalid: they name jobs that are not there, or wait for each other
    :raises Forbidden: one is to supersede somebody else's job
    """
    revision = usable_revisions.get(COMMAND)
    drafts = [Draft(revision, _asked(submission), terms=submission.terms) for submission in submissions]
    with transaction.atomic():
        ids = _make(_begin(drafts, by, when), by, when)
        ring_after_commit(JOBS)
        tell_after_commit(logger, "submitted", ids, by=by.get_username())
    return ids


def jobs_cancel(*, ids: Iterable[int], by: User, when: datetime) -> list[int]:
    """Cancel those of the jobs that are not over; tell which. To ask twice is to ask once.

    Many jobs are canceled some at a time, each in a transaction of its own.

    :raises Forbidden: one of the first that are not canceled yet belongs to somebody else
    """
    return [done for some in batches(sorted(set(ids)), _MOST_AT_ONCE) for done in _cancel(some, by, when)]


@again_on_conflict
@transaction.atomic
def _cancel(ids: Sequence[int], by: User, when: datetime) -> list[int]:
    jobs = Job.objects.select_for_update().filter(pk__in=ids, status__in=sources_of(JobStatus.CANCELED)).order_by("pk")
    rows = list(jobs.values_list("pk", "owner_id", "status", "held"))
    owners = {job_id: owner_id for job_id, owner_id, _, _ in rows}
    refuse_others(owners, by)
    _end_held([job_id for job_id, _, status, held in rows if held and status == JobStatus.QUEUED], when)
    Job.objects.filter(pk__in=owners).update(
        status=JobStatus.CANCELED,
        error=None,
        node=None,
        held=None,
        ended=Coalesce("ended", Value(when)),
        last_status_change=when,
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
        jobs = Job.objects.filter(pk__in=ids).only("job_type", "num_exes", "priority", "resources", "queued")
        entries = [QueueEntry(j.pk, j.job_type_id, j.num_exes, j.priority, j.resources, j.queued or when) for j in jobs]
        queue_add_canceled(entries=entries, when=when)


def jobs_requeue(*, ids: Iterable[int], by: User, when: datetime, priority: int | None = None) -> list[int]:
    """Try those of the jobs anew that failed or were canceled, as often as was asked for at first; tell which.

    Many jobs are queued some at a time, each in a transaction of its own.

    :raises Forbidden: one of the first that would be queued belongs to somebody else
    """
    some_at_a_time = batches(sorted(set(ids)), _MOST_AT_ONCE)
    return [done for some in some_at_a_time for done in _requeue(some, by, when, priority)]


@again_on_conflict
@transaction.atomic
def _requeue(ids: Sequence[int], by: User, when: datetime, priority: int | None) -> list[int]:
    wanted = Job.objects.filter(pk__in=ids, status__in=REQUEUEABLE, is_superseded=False)
    columns = ("owner", "job_type", "num_exes", "resources", "priority", "held")
    jobs = {job.pk: job for job in wanted.order_by("pk").only(*columns).select_for_update()}
    refuse_others({job.pk: job.owner_id for job in jobs.values()}, by)
    own = Coalesce("own_tries", "max_tries")
    changes: dict[str, Any] = {"own_tries": own, "max_tries": F("num_exes") + own}
    if priority is not None:
        changes["priority"] = priority
        for job in jobs.values():
            job.priority = priority
    Job.objects.filter(pk__in=jobs).update(**changes)
    queue_again([(job, when) for job in jobs.values() if job.num_exes], when)
    _uncancel([job.pk for job in jobs.values() if not job.num_exes], jobs, when)
    tell_after_commit(logger, "requeued", jobs, by=by.get_username())
    ring_after_commit()
    return list(jobs)


def _uncancel(ids: Sequence[int], changed: Iterable[int], when: datetime) -> None:
    """What never was on the queue waits again for what it waited for, which may be there by now."""
    times = {"ended": None, "last_status_change": when, "last_modified": when}
    if ids:
        Job.objects.filter(pk__in=ids).update(status=JobStatus.PENDING, **times)
    dependents_settle(of=changed, when=when, also=ids)


def refuse_others(owners: Mapping[int, int], by: User) -> None:
    if not by.is_staff and (others := [job_id for job_id, owner_id in owners.items() if owner_id != by.pk]):
        raise Forbidden(f"Job {others[0]} belongs to somebody else; only staff may do that.")


@again_on_conflict
@transaction.atomic
def job_type_edit(*, name: str, version: str, changes: Mapping[str, Any], when: datetime) -> JobType:
    """Change what operators may of a job type.

    :raises NotFound: there is none
    """
    job_type = JobType.objects.select_for_update().filter(name=name, version=version).first()
    if job_type is None:
        raise NotFound(f"There is no job type {name} {version}.")
    was_paused, was_active = job_type.is_paused, job_type.is_active
    for column, value in changes.items():
        setattr(job_type, column, value)
    if job_type.is_paused != was_paused:
        job_type.paused = when if job_type.is_paused else None
    if job_type.is_active != was_active:
        job_type.deprecated = None if job_type.is_active else when
    job_type.last_modified = when
    job_type.save(update_fields=[*changes, "paused", "deprecated", "last_modified"])
    ring_after_commit()
    return job_type


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
    terms: Terms = PLAIN
    status: JobStatus | None = None  #: in which it begins, where its terms say it
    number: int = 0  #: its place in the request, where its terms put it elsewhere


def _begin(drafts: Sequence[Draft], by: User, when: datetime) -> Sequence[Draft]:
    """The same as they begin, in the order in which they are to be made."""
    if all(draft.terms is PLAIN for draft in drafts):
        return drafts
    begins = jobs_begin(terms=[draft.terms for draft in drafts], by=by)
    return [_with_terms(drafts[number], number, begins.statuses[number], when) for number in begins.order]


def _make(drafts: Sequence[Draft], by: User, when: datetime) -> list[int]:
    """Make the jobs of one request; returns their ids in the order of the request."""
    ids = [job_id for some in batches(drafts, _MOST_AT_ONCE) for job_id in _submit(some, by, when)]
    if all(draft.terms is PLAIN for draft in drafts):
        return ids
    made = sorted(zip(drafts, ids, strict=True), key=lambda one: one[0].number)
    ids, terms = [job_id for _, job_id in made], [draft.terms for draft, _ in made]
    dependencies_record(terms=terms, ids=ids)
    _supersede([one.supersedes for one in terms if one.supersedes is not None], by, when)
    return ids


def _with_terms(draft: Draft, number: int, status: JobStatus, when: datetime) -> Draft:
    terms = draft.terms
    status = status if draft.is_ready else JobStatus.PENDING
    columns = {**draft.columns, "held": when if terms.hold else None, "superseded_job_id": terms.supersedes}
    is_ready = status is JobStatus.QUEUED and not terms.hold
    return draft._replace(columns=columns, is_ready=is_ready, status=status, number=number)


def _supersede(ids: Sequence[int], by: User, when: datetime) -> None:
    """These have a successor now: what is not over is canceled, and nothing is tried again."""
    if ids:
        Job.objects.filter(pk__in=ids).update(is_superseded=True, superseded=when, last_modified=when)
        left = Job.objects.filter(pk__in=ids).exclude(status__in=FINAL).order_by("pk")
        _cancel(list(left.values_list("pk", flat=True)), by, when)


def _submit(drafts: Sequence[Draft], by: User, when: datetime) -> list[int]:
    """Only so many at once that their rows are gone before the garbage collector goes through them all."""
    same = {"owner_id": by.pk, "is_superseded": False, "created": when, "last_status_change": when, "last_modified": when}
    rows = [(*_columns(draft, when).values(), *same.values()) for draft in drafts]
    ids = insert_rows(Job, [*_columns(drafts[0], when), *same], rows)
    entries = [
        QueueEntry(job_id, revision.job_type_id, 1, columns["priority"], columns["resources"], when)
        for job_id, (revision, columns, is_ready, *_) in zip(ids, drafts, strict=True)
        if is_ready
    ]
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
        "timeout": submission.timeout,
        "priority": submission.priority,
        "max_tries": submission.max_tries,
        "own_tries": submission.max_tries,
        "retry_on": submission.retry_on,
        "input": {},
        "input_file_size": 0,
    }
