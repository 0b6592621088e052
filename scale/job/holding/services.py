"""Holds jobs that have not been placed yet, and releases them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from scale.database import again_on_conflict
from scale.job.messages import batches
from scale.job.models import Job
from scale.job.services import refuse_others
from scale.job.states import HOLDABLE, JobStatus
from scale.present import ring_after_commit, tell_after_commit
from scale.queue.entry import QueueEntry
from scale.queue.services import queue_add, queue_take_off
from scale.wake import JOBS

logger = logging.getLogger(__name__)

_MOST_AT_ONCE = 1000  #: jobs that one transaction changes


def jobs_hold(*, ids: Iterable[int], by: User, when: datetime) -> list[int]:
    """Keep those of the jobs from being placed that are not; tell which. What is placed already runs on.

    :raises Forbidden: one of the first belongs to somebody else
    """
    return [held for some in batches(sorted(set(ids)), _MOST_AT_ONCE) for held in hold(Job.objects.filter(pk__in=some), by, when)]


def jobs_release(*, ids: Iterable[int], by: User, when: datetime) -> list[int]:
    """Let those of the jobs go that are held, from the place on the queue that they had; tell which.

    :raises Forbidden: one of the first belongs to somebody else
    """
    return [
        free for some in batches(sorted(set(ids)), _MOST_AT_ONCE) for free in release(Job.objects.filter(pk__in=some), by, when)
    ]


@again_on_conflict
@transaction.atomic
def hold(jobs: QuerySet[Job], by: User, when: datetime) -> list[int]:
    """The lock on a job is what a claim of its entry takes, too: either it was claimed before, or it is not claimed now."""
    meant = jobs.filter(status__in=HOLDABLE, held=None).order_by("pk").only("owner", "status")
    found = list(meant.select_for_update(of=("self",)))
    refuse_others({job.pk: job.owner_id for job in found}, by)
    off = queue_take_off(job_ids=[job.pk for job in found if job.status == JobStatus.QUEUED])
    held = [job.pk for job in found if job.status != JobStatus.QUEUED or job.pk in off]
    Job.objects.filter(pk__in=held).update(held=when, last_modified=when)
    tell_after_commit(logger, "held", held, by=by.get_username())
    ring_after_commit()
    return held


@again_on_conflict
@transaction.atomic
def release(jobs: QuerySet[Job], by: User, when: datetime) -> list[int]:
    """What is on the queue goes back to the place that it had."""
    columns = ("owner", "status", "job_type", "num_exes", "priority", "resources", "constraints", "queued")
    meant = jobs.filter(status__in=HOLDABLE, held__isnull=False).order_by("pk").only(*columns)
    found = list(meant.select_for_update(of=("self",)))
    refuse_others({job.pk: job.owner_id for job in found}, by)
    queued = [job for job in found if job.status == JobStatus.QUEUED]
    entries = [
        QueueEntry(j.pk, j.job_type_id, j.num_exes, j.priority, j.resources, j.queued or when, j.constraints) for j in queued
    ]
    queue_add(entries=entries, when=when)
    free = [job.pk for job in found]
    Job.objects.filter(pk__in=free).update(held=None, last_modified=when)
    tell_after_commit(logger, "released", free, by=by.get_username())
    ring_after_commit(JOBS)
    return free
