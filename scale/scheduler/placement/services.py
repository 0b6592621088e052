"""Carries a plan out against the database: what no longer fits it falls out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from scale.job.execution.configuration import command_configuration
from scale.job.models import Job, JobExecution, JobExecutionEnd
from scale.job.states import ExecutionStatus
from scale.kernel.ids import cluster_id
from scale.queue.models import Queue
from scale.queue.services import queue_remove
from scale.scheduler.placement.plan import Placement


@transaction.atomic
def plan_apply(
    *, placements: Sequence[Placement], gpus: Mapping[int, Sequence[int]], framework_id: str, when: datetime
) -> list[JobExecution]:
    """Take entries off the queue and make their executions; both or neither.

    Entries that were canceled, taken or changed since the plan was made are left as they are.

    :param gpus: the indices that queue entries get, by the entries' ids
    """
    node_of = {placement.ask.entry_id: placement.node_id for placement in placements}
    entries = _claim(node_of)
    jobs = _jobs_of(entries)
    executions = [
        _execution(entry, jobs[entry.job_id], framework_id, when, node_id=node_of[entry.pk], gpus=gpus.get(entry.pk, ()))
        for entry in entries
    ]
    made = JobExecution.objects.bulk_create(executions, batch_size=500)
    queue_remove(ids=[entry.pk for entry in entries])
    return made


@transaction.atomic
def plan_settle(*, placements: Sequence[Placement], when: datetime) -> list[JobExecution]:
    """The executions of a plan of which nobody heard whether it was committed; it is over when this returns.

    :param when: what `plan_apply` was told
    """
    asks = [placement.ask for placement in placements]
    locked = Queue.objects.filter(pk__in=[ask.entry_id for ask in asks]).order_by("id").select_for_update()
    list(locked.values_list("pk"))  # waits for a transaction that still holds them
    made = JobExecution.objects.filter(job__in=[ask.job_id for ask in asks], created=when, has_ended=False, node__isnull=False)
    return list(made.select_related("job_type", "node").order_by("id"))


def cancels_settle(*, when: datetime) -> list[JobExecutionEnd]:
    """The ends, not yet saved, of all executions that were canceled off the queue and have none."""
    unended = JobExecution.objects.filter(has_ended=False, node__isnull=True)
    return [_canceled_end(execution, when) for execution in unended.order_by("id")]


@transaction.atomic
def queue_clear_canceled(*, framework_id: str, when: datetime, most: int = 500) -> list[JobExecutionEnd]:
    """Take canceled entries off the queue and record executions that never ran; returns their ends, not yet saved."""
    entries = list(Queue.objects.filter(is_canceled=True).order_by("id").select_for_update(skip_locked=True)[:most])
    jobs = _jobs_of(entries)
    executions = [_execution(entry, jobs[entry.job_id], framework_id, when, node_id=None) for entry in entries]
    made = JobExecution.objects.bulk_create(executions, batch_size=500)
    queue_remove(ids=[entry.pk for entry in entries])
    return [_canceled_end(execution, when) for execution in made]


def _claim(node_of: Mapping[int, int]) -> list[Queue]:
    wanted = Queue.objects.filter(pk__in=list(node_of), is_canceled=False).order_by("id")
    return list(wanted.select_for_update(skip_locked=True))


def _jobs_of(entries: Iterable[Queue]) -> Mapping[int, Job]:
    return Job.objects.select_related("owner", "job_type").in_bulk({entry.job_id for entry in entries})


def _execution(
    entry: Queue, job: Job, framework_id: str, when: datetime, *, node_id: int | None, gpus: Sequence[int] = ()
) -> JobExecution:
    name = cluster_id(framework_id, job.pk, entry.exe_num)
    configuration = command_configuration(
        name,
        job.command or [],
        env=job.env,
        working_dir=job.working_dir,
        resources=entry.resources,
        job_id=job.pk,
        exe_num=entry.exe_num,
        gpus=gpus,
    )
    return JobExecution(
        job=job,
        job_type=job.job_type,
        exe_num=entry.exe_num,
        cluster_id=name,
        node_id=node_id,
        docker_image=job.job_type.docker_image,
        priority=entry.priority,
        timeout=job.timeout,
        input_file_size=job.input_file_size or 0,
        resources=entry.resources,
        configuration=configuration,
        user=job.owner.get_username(),
        submitted=job.created,
        queued=entry.queued,
        started=None if node_id is None else when,
        created=when,
    )


def _canceled_end(execution: JobExecution, when: datetime) -> JobExecutionEnd:
    needs = execution.resources
    return JobExecutionEnd(
        job_exe=execution,
        job_id=execution.job_id,
        job_type_id=execution.job_type_id,
        exe_num=execution.exe_num,
        task_results={"version": "1.0", "tasks": []},
        status=ExecutionStatus.CANCELED,
        submitted=execution.submitted,
        eligible=execution.queued,
        queued=execution.queued,
        ended=when,
        created=when,
        requested_cpus=needs.get("cpus", 0),
        requested_mem=needs.get("mem", 0),
        requested_gpus=needs.get("gpus", 0),
        user=execution.user,
    )
