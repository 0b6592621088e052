"""What the scheduler writes of executions: one transaction for everything that the managers hand over.

Each message may come twice and in any order. A message about an execution that its job has left behind changes nothing;
so all of them together give the same rows, whatever their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from scale.database import Select, record_models, record_rows, update_rows
from scale.error.models import Error
from scale.job.execution.outputs import outputs_record
from scale.job.messages import (
    CapturedJobs,
    CompletedJob,
    CompletedJobs,
    CreateJobExecutionEnds,
    FailedJob,
    FailedJobs,
    Message,
    RunningJob,
    RunningJobs,
    WithdrawnJob,
    WithdrawnJobs,
)
from scale.job.models import Job, JobExecution, JobExecutionEnd, TaskUpdate
from scale.job.states import JobStatus, RetryOn
from scale.job.tasks.update import ReportedUpdate
from scale.job.waiting.services import comes_from, dependents_settle, queue_again
from scale.queue.entry import QueueEntry
from scale.queue.models import Queue


class Recorded(NamedTuple):
    """What came of it."""

    ends: tuple[JobExecutionEnd, ...]
    tried_again: tuple[QueueEntry, ...]  #: executions that were put on the queue in place of failed ones


@transaction.atomic(savepoint=False)
def messages_apply(
    *, messages: Sequence[Message], updates: Sequence[ReportedUpdate], when: datetime, is_repeated: bool = False
) -> Recorded:
    """Record what the managers handed over, all of it or nothing.

    :param is_repeated: an attempt before failed, and nobody knows whether it was committed all the same
    """
    running = [job for message in messages if isinstance(message, RunningJobs) for job in message.jobs]
    ends = [end for message in messages if isinstance(message, CreateJobExecutionEnds) for end in message.job_exe_ends]
    completed = [job for message in messages if isinstance(message, CompletedJobs) for job in message.jobs]
    failed = [job for message in messages if isinstance(message, FailedJobs) for job in message.jobs]
    withdrawn = [job for message in messages if isinstance(message, WithdrawnJobs) for job in message.jobs]
    spoken_of: Iterable[RunningJob | CompletedJob | FailedJob | WithdrawnJob] = chain(running, completed, failed, withdrawn)
    _LOCKED.lock(ids=list({job.job_id for job in spoken_of}))
    _record_updates(updates, is_repeated=is_repeated)
    _record_ends(ends)
    _record_running(running, when)
    _record_completed(completed, when)
    if captured := [job for message in messages if isinstance(message, CapturedJobs) for job in message.jobs]:
        outputs_record(captured=captured, when=when)
    again = (*_record_failed(failed, when), *_record_withdrawn(withdrawn, when))
    dependents_settle(of=_over(completed, failed, again), when=when)
    return Recorded(tuple(ends), again)


def _over(completed: Sequence[CompletedJob], failed: Sequence[FailedJob], again: Sequence[QueueEntry]) -> list[int]:
    """The jobs of which nothing is tried again."""
    over = {job.job_id for job in completed} | {job.job_id for job in failed}
    return sorted(over.difference(entry.job_id for entry in again))


def jobs_run(*, executions: Sequence[JobExecution], when: datetime) -> None:
    """These have just been placed, and nobody else changes their jobs meanwhile."""
    update_rows(
        Job,
        match=("id", "num_exes"),
        assign=("status", "node", "started", "last_status_change", "last_modified"),
        rows=[(exe.job_id, exe.exe_num, JobStatus.RUNNING.value, exe.node_id, when, when, when) for exe in executions],
        only=comes_from(JobStatus.RUNNING),
    )


@transaction.atomic
def jobs_put_back(*, job_ids: Iterable[int], when: datetime) -> int:
    """Queue jobs again whose executions were ended for no fault of theirs; it does not count against their tries.

    A job that has gone on meanwhile stays as it is: it was tried again or requeued, and waits or runs.
    """
    jobs = _locked_jobs(set(job_ids))
    back = [jobs[pk] for pk in _adrift().filter(pk__in=jobs).order_by("pk").values_list("pk", flat=True)]
    return len(_put_back(back, when))


def jobs_recover(*, when: datetime) -> int:
    """Put back the jobs that a crash has left between the queue and an execution."""
    return jobs_put_back(job_ids=list(_adrift().values_list("pk", flat=True)), when=when)


def _adrift() -> QuerySet[Job]:
    """Jobs that are not over, and neither wait nor run."""
    waiting = Queue.objects.filter(job=OuterRef("pk"), exe_num=OuterRef("num_exes"))
    unended = JobExecution.objects.filter(job=OuterRef("pk"), exe_num=OuterRef("num_exes"), has_ended=False)
    stray = Job.objects.filter(~Exists(waiting), ~Exists(unended), status__in=[JobStatus.QUEUED, JobStatus.RUNNING])
    return stray.exclude(status=JobStatus.QUEUED, held__isnull=False)


#: always in the order of their ids, so that two writers never wait for each other
_LOCKED = Select([(Job, "pk")], "FROM job WHERE job.id {is_one} ORDER BY job.id", locks="job", waits=True)


def _locked_jobs(ids: set[int]) -> dict[int, Job]:
    columns = (
        "job_type", "status", "num_exes", "max_tries", "retry_on", "is_superseded", "resources", "constraints", "priority",
        "queued", "held", "job_type__is_long_running",
    )  # fmt: skip
    jobs = Job.objects.filter(pk__in=ids).order_by("pk").select_related("job_type").only(*columns)
    return {job.pk: job for job in jobs.select_for_update(of=("self",))}


def _record_updates(updates: Sequence[ReportedUpdate], *, is_repeated: bool) -> None:
    """Of a repeated record, those stay out that are there already."""
    if is_repeated:
        rows = TaskUpdate.objects.filter(job_exe__in={update.job_exe_id for update in updates})
        recorded = set(rows.values_list(*ReportedUpdate._fields))
        updates = [update for update in updates if update not in recorded]
    record_rows(TaskUpdate, ReportedUpdate._fields, updates)


def _record_ends(ends: Sequence[JobExecutionEnd]) -> None:
    """The first record of an execution's end stays."""
    record_models(ends)
    update_rows(
        JobExecution, match=("id",), assign=("has_ended",), rows=[(end.job_exe_id, True) for end in ends], only="NOT has_ended"
    )


def _record_running(jobs: Sequence[RunningJob], when: datetime) -> None:
    placed = [job for job in jobs if job.node_id is not None]
    update_rows(
        Job,
        match=("id", "num_exes"),
        assign=("node", "started", "last_modified"),
        rows=[(job.job_id, job.exe_num, job.node_id, job.started, when) for job in placed],
        only=f"job.status <> '{JobStatus.CANCELED.value}'",
    )
    update_rows(
        Job,
        match=("id", "num_exes"),
        assign=("status", "last_status_change"),
        rows=[(job.job_id, job.exe_num, JobStatus.RUNNING.value, job.started) for job in placed],
        only=comes_from(JobStatus.RUNNING),
    )


def _record_completed(jobs: Sequence[CompletedJob], when: datetime) -> None:
    update_rows(
        Job,
        match=("id", "num_exes"),
        assign=("status", "ended", "last_status_change", "last_modified"),
        rows=[(job.job_id, job.exe_num, JobStatus.COMPLETED.value, job.ended, job.ended, when) for job in jobs],
        only=comes_from(JobStatus.COMPLETED),
    )


def _record_failed(failed: Sequence[FailedJob], when: datetime) -> list[QueueEntry]:
    """Try again those that may be, and fail the rest; returns the executions that are tried instead."""
    if not failed:
        return []
    jobs = _locked_jobs({told.job_id for told in failed})
    current = [told for told in failed if (job := jobs.get(told.job_id)) and job.num_exes == told.exe_num]
    errors = Error.objects.in_bulk({told.error_id for told in current}) if current else {}
    again = {told for told in current if _is_tried_again(jobs[told.job_id], errors[told.error_id])}
    over = [told for told in current if told not in again]
    update_rows(
        Job,
        match=("id", "num_exes"),
        assign=("status", "error", "ended", "last_status_change", "last_modified"),
        rows=[(t.job_id, t.exe_num, JobStatus.FAILED.value, t.error_id, t.ended, t.ended, when) for t in over],
        only=comes_from(JobStatus.FAILED),
    )
    runs = (JobStatus.QUEUED, JobStatus.RUNNING)
    return queue_again([(jobs[t.job_id], t.ended) for t in sorted(again) if jobs[t.job_id].status in runs], when)


def _record_withdrawn(withdrawn: Sequence[WithdrawnJob], when: datetime) -> list[QueueEntry]:
    """Queue these jobs again, at the place that they had; it does not count against their tries."""
    if not withdrawn:
        return []
    jobs = _locked_jobs({told.job_id for told in withdrawn})
    runs = (JobStatus.QUEUED, JobStatus.RUNNING)
    told = {told.job_id: told.exe_num for told in withdrawn}
    return _put_back([job for job in jobs.values() if job.num_exes == told[job.pk] and job.status in runs], when)


def _put_back(jobs: Sequence[Job], when: datetime) -> list[QueueEntry]:
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(max_tries=F("max_tries") + 1)
    return queue_again([(job, job.queued or when) for job in jobs], when)


def _is_tried_again(job: Job, error: Error) -> bool:
    if job.is_superseded or job.retry_on == RetryOn.NEVER:
        return False
    if job.job_type.is_long_running:
        return True
    return job.num_exes < job.max_tries and (error.should_be_retried or job.retry_on == RetryOn.FAILURE)
