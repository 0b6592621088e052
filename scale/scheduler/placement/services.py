"""Carries a plan out against the database: what no longer fits it falls out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import transaction

from scale.database import Select, delete_rows, insert_rows, instance
from scale.job.arrays.selectors import array_sizes
from scale.job.arrays.span import array_variables
from scale.job.execution.configuration import command_configuration
from scale.job.execution.revisions import as_of_their_revisions
from scale.job.execution.services import jobs_run
from scale.job.models import Job, JobExecution, JobExecutionEnd, JobType
from scale.job.states import ExecutionStatus
from scale.kernel.ids import cluster_id
from scale.queue.models import Queue
from scale.scheduler.placement.plan import Placement
from scale.scheduler.placement.preparing import Preparations

NOWHERE = Path("/dev/null")  #: of a scheduler that has no data directory

MOST_CLEARED = 500  #: canceled entries that are taken off the queue in one transaction


@transaction.atomic(savepoint=False)
def plan_apply(
    *,
    placements: Sequence[Placement],
    gpus: Mapping[int, Sequence[int]],
    framework_id: str,
    when: datetime,
    types: Mapping[int, JobType] = MappingProxyType({}),
    home: Path = NOWHERE,
) -> list[JobExecution]:
    """Take entries off the queue, make their executions and have their jobs run; all or nothing.

    Entries that were canceled, taken or changed since the plan was made are left as they are.

    :param gpus: the indices that queue entries get, by the entries' ids
    :param types: those that are known already
    :param home: the data directory, below which executions have their own
    """
    node_of = {placement.ask.entry_id: placement.node_id for placement in placements}
    made = _executions(
        _WANTED,
        list(node_of),
        lambda claim: (node_of[claim.entry_id], gpus.get(claim.entry_id, ())),
        framework_id,
        when,
        types=types,
        home=home,
    )
    delete_rows(Queue, [claim.entry_id for claim, _ in made])
    executions = [execution for _, execution in made]
    jobs_run(executions=executions, when=when)
    return executions


@transaction.atomic
def plan_settle(*, placements: Sequence[Placement], when: datetime) -> list[JobExecution]:
    """The executions of a plan of which nobody heard whether it was committed; it is over when this returns.

    :param when: what `plan_apply` was told
    """
    asks = [placement.ask for placement in placements]
    locked = Queue.objects.filter(pk__in=[ask.entry_id for ask in asks]).order_by("id").select_for_update()
    list(locked.values_list("pk"))  # waits for a transaction that still holds them
    made = JobExecution.objects.filter(job__in=[ask.job_id for ask in asks], created=when, has_ended=False, node__isnull=False)
    return as_of_their_revisions(made.select_related("job_type", "node", "job").order_by("id"))


def cancels_settle(*, when: datetime) -> list[JobExecutionEnd]:
    """The ends, not yet saved, of all executions that were canceled off the queue and have none."""
    unended = JobExecution.objects.filter(has_ended=False, node__isnull=True)
    return [_canceled_end(execution, when) for execution in unended.order_by("id")]


class Cleared(NamedTuple):
    """What was taken off the queue: its entries, by their shapes, and the ends of their executions, not yet saved."""

    entries: Mapping[str, Sequence[int]]
    ends: Sequence[JobExecutionEnd]


@transaction.atomic
def queue_clear_canceled(*, framework_id: str, when: datetime, most: int = MOST_CLEARED) -> Cleared:
    """Take canceled entries off the queue and record executions that never ran."""
    shapes = dict(Queue.objects.filter(is_canceled=True).order_by("id").values_list("pk", "shape")[:most])
    made = _executions(_ANY, list(shapes), lambda claim: (None, ()), framework_id, when)
    entries: defaultdict[str, list[int]] = defaultdict(list)
    for claim, _ in made:
        entries[shapes[claim.entry_id]].append(claim.entry_id)
    delete_rows(Queue, [claim.entry_id for claim, _ in made])
    return Cleared(entries, [_canceled_end(execution, when) for _, execution in made])


class _Claim(NamedTuple):
    """A queue entry that is ours until the transaction is over, and what its execution needs of the job."""

    entry_id: int
    job_id: int
    job_type_id: int
    exe_num: int
    priority: int
    resources: Mapping[str, float]
    queued: datetime
    command: Any
    env: Mapping[str, str]
    working_dir: str | None
    timeout: int
    input_file_size: float | None
    submitted: datetime
    array_id: int | None
    array_index: int | None
    user: str


_CLAIMED = [
    *((Queue, name) for name in ("pk", "job", "job_type", "exe_num", "priority", "resources", "queued")),
    *((Job, name) for name in ("command", "env", "working_dir", "timeout", "input_file_size", "created")),
    (Job, "array"),
    (Job, "array_index"),
    (User, "username"),
]
_FROM = "FROM queue JOIN job ON job.id = queue.job_id JOIN auth_user ON auth_user.id = job.owner_id WHERE queue.id"
_ANY = Select(_CLAIMED, _FROM + " {is_one} ORDER BY queue.id", locks="queue, job")
_WANTED = Select(_CLAIMED, _FROM + " {is_one} AND NOT queue.is_canceled ORDER BY queue.id", locks="queue, job")
_Place = tuple[int | None, Sequence[int]]  # node, and the indices of GPUs on it


def _executions(
    which: Select,
    entry_ids: Sequence[int],
    place: Callable[[_Claim], _Place],
    framework_id: str,
    when: datetime,
    *,
    types: Mapping[int, JobType] = MappingProxyType({}),
    home: Path = NOWHERE,
) -> list[tuple[_Claim, JobExecution]]:
    """Claim what nobody else has claimed of these, and make their executions."""
    claims = _in_arrays([_Claim(*row) for row in which.rows(ids=entry_ids)])
    unknown = {claim.job_type_id for claim in claims}.difference(types)
    types = {**types, **JobType.objects.in_bulk(unknown)} if unknown else types
    prepared = Preparations((claim.job_id for claim in claims if claim.command is None), types, home)
    executions = [_execution(claim, prepared, place(claim), framework_id, when) for claim in claims]
    ids = insert_rows(JobExecution, _COLUMNS, [[execution.__dict__[name] for name in _COLUMNS] for execution in executions])
    for execution, pk in zip(executions, ids, strict=True):
        execution.pk = pk
    return list(zip(claims, executions, strict=True))


def _in_arrays(claims: Sequence[_Claim]) -> Sequence[_Claim]:
    """Tell the members of arrays which one each is."""
    if not (arrays := {claim.array_id for claim in claims if claim.array_id is not None}):
        return claims
    sizes = array_sizes(arrays)
    return [
        claim._replace(env={**claim.env, **array_variables(claim.array_id, claim.array_index, sizes[claim.array_id])})
        if claim.array_id is not None and claim.array_index is not None
        else claim
        for claim in claims
    ]


_COLUMNS = [field.attname for field in JobExecution._meta.concrete_fields if not field.primary_key]


def _execution(claim: _Claim, prepared: Preparations, place: _Place, framework_id: str, when: datetime) -> JobExecution:
    node_id, gpus = place
    name = cluster_id(framework_id, claim.job_id, claim.exe_num)
    configuration = prepared.configuration(
        name, claim.job_id, claim.exe_num, claim.resources, gpus, env=claim.env
    ) or command_configuration(
        name,
        claim.command or [],
        env=claim.env,
        working_dir=claim.working_dir,
        resources=claim.resources,
        job_id=claim.job_id,
        exe_num=claim.exe_num,
        gpus=gpus,
    )
    job_type = prepared.type_of(claim.job_id, claim.job_type_id)
    made = instance(
        JobExecution,
        job_id=claim.job_id,
        job_type_id=job_type.pk,
        exe_num=claim.exe_num,
        cluster_id=name,
        node_id=node_id,
        docker_image=job_type.docker_image,
        priority=claim.priority,
        timeout=claim.timeout,
        input_file_size=claim.input_file_size or 0,
        resources=claim.resources,
        configuration=configuration,
        user=claim.user,
        submitted=claim.submitted,
        queued=claim.queued,
        started=None if node_id is None else when,
        created=when,
    )
    made.job_type = job_type
    return made


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
