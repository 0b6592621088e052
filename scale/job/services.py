"""Writes to jobs: put them on the queue, cancel them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from scale.job.messages import batches
from scale.job.models import Job, JobType, JobTypeRevision
from scale.job.states import JobStatus, sources_of
from scale.job.submission import Submission
from scale.kernel.errors import Forbidden
from scale.present import ring_after_commit
from scale.queue.entry import QueueEntry
from scale.queue.services import queue_add, queue_cancel

COMMAND = "command"
COMMAND_VERSION = "1.0.0"
_MOST_AT_ONCE = 1000  #: jobs that one transaction changes, so that nobody waits long for the database


def job_submit(*, submission: Submission, by: User, when: datetime) -> Job:
    """Record the job and put it on the queue; both or neither."""
    revision = _command_revision()
    with transaction.atomic():
        (job,) = _submit([submission], revision, by, when)
        ring_after_commit()
    return job


def jobs_submit(*, submissions: Sequence[Submission], by: User, when: datetime) -> list[int]:
    """Record the jobs and put them on the queue, all or none; returns their ids in the same order."""
    revision = _command_revision()
    ids: list[int] = []
    with transaction.atomic():
        for some in batches(submissions, _MOST_AT_ONCE):
            ids += [job.pk for job in _submit(some, revision, by, when)]
        ring_after_commit()
    return ids


def jobs_cancel(*, ids: Iterable[int], by: User, when: datetime) -> list[int]:
    """Cancel those of the jobs that are not over; tell which. To ask twice is to ask once.

    Many jobs are canceled some at a time, each in a transaction of its own.

    :raises Forbidden: one of the first that are not canceled yet belongs to somebody else
    """
    return [done for some in batches(sorted(set(ids)), _MOST_AT_ONCE) for done in _cancel(some, by, when)]


@transaction.atomic
def _cancel(ids: Sequence[int], by: User, when: datetime) -> list[int]:
    jobs = Job.objects.select_for_update().filter(pk__in=ids, status__in=sources_of(JobStatus.CANCELED)).order_by("pk")
    owners = dict(jobs.values_list("pk", "owner_id"))
    if not by.is_staff and (others := [job_id for job_id, owner_id in owners.items() if owner_id != by.pk]):
        raise Forbidden(f"Job {others[0]} belongs to somebody else; only staff may cancel it.")
    Job.objects.filter(pk__in=owners).update(
        status=JobStatus.CANCELED,
        error=None,
        node=None,
        ended=Coalesce("ended", Value(when)),
        last_status_change=when,
        last_modified=when,
    )
    queue_cancel(job_ids=list(owners))
    ring_after_commit()
    return list(owners)


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


def _command_revision() -> JobTypeRevision:
    of_command = JobTypeRevision.objects.filter(job_type__name=COMMAND, job_type__version=COMMAND_VERSION)
    return of_command.select_related("job_type").latest("revision_num")


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


def _submit(submissions: Iterable[Submission], revision: JobTypeRevision, by: User, when: datetime) -> list[Job]:
    """Only so many at once that their rows are gone before the garbage collector goes through them all."""
    jobs = [_row(submission, revision, by, when) for submission in submissions]
    Job.objects.bulk_create(jobs)
    queue_add(entries=map(_entry, jobs), when=when)
    return jobs


def _row(submission: Submission, revision: JobTypeRevision, by: User, when: datetime) -> Job:
    return Job(
        job_type=revision.job_type,
        job_type_rev=revision,
        owner=by,
        name=submission.name,
        command=submission.command,
        env=submission.env,
        working_dir=submission.working_dir,
        labels=submission.labels,
        resources=submission.resources.amounts,
        timeout=submission.timeout,
        priority=submission.priority,
        max_tries=submission.max_tries,
        retry_on=submission.retry_on,
        num_exes=1,
        status=JobStatus.QUEUED,
        input={},
        input_file_size=0,
        created=when,
        queued=when,
        last_status_change=when,
        last_modified=when,
    )


def _entry(job: Job) -> QueueEntry:
    return QueueEntry(
        job_id=job.pk,
        job_type_id=job.job_type_id,
        exe_num=job.num_exes,
        priority=job.priority,
        resources=job.resources,
        queued=job.queued or job.created,
    )
