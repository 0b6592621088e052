"""Writes to the queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from scale.database import delete_rows, record_rows
from scale.queue.entry import QueueEntry, shape_of
from scale.queue.models import Left, Look, Queue, Wait
from scale.queue.ordering import QueueMode
from scale.queue.waiting import Told

_CHUNK = 500
NEVER_WAITED = ""  #: instead of a shape, where placement never knew of an entry


def queue_add(*, entries: Iterable[QueueEntry], when: datetime) -> None:
    """Put executions on the queue; an execution that waits already is left as it is."""
    record_rows(Queue, _COLUMNS, [_row(entry, when) for entry in entries])


def queue_cancel(*, job_ids: Sequence[int]) -> None:
    """Mark the waiting executions of these jobs; the scheduler takes them off and records their end."""
    Queue.objects.filter(job_id__in=job_ids).update(is_canceled=True)


def queue_add_canceled(*, entries: Iterable[QueueEntry], when: datetime) -> None:
    """Have the scheduler record the end of executions that never waited on the queue."""
    rows = [(*_row(entry, when)[:-1], True) for entry in entries]
    shape = _COLUMNS.index("shape")
    record_rows(Queue, _COLUMNS, [(*row[:shape], NEVER_WAITED, *row[shape + 1 :]) for row in rows])


def queue_take_off(*, job_ids: Sequence[int]) -> set[int]:
    """Take the executions of these jobs off the queue, as if they had never been on it; returns which jobs had one.

    The caller holds the jobs, so that nobody places them meanwhile.
    """
    rows = list(Queue.objects.filter(job__in=job_ids, is_canceled=False).order_by("pk").values_list("pk", "job_id", "shape"))
    record_rows(Left, ("entry_id", "shape"), [(pk, shape) for pk, _, shape in rows])
    delete_rows(Queue, [pk for pk, _, _ in rows])
    return {job_id for _, job_id, _ in rows}


@transaction.atomic
def left_forget(*, ids: Sequence[int]) -> None:
    """The scheduler knows that these entries left."""
    delete_rows(Left, ids)


@transaction.atomic
def waits_record(*, changed: Mapping[str, Told], gone: Collection[str], mode: QueueMode, when: datetime) -> None:
    """The scheduler has looked at the queue in this order: record what is new of why its shapes wait."""
    rows = [_wait(shape, told) for shape, told in changed.items()]
    columns = ["code", "text", "nodes", "since"]
    Wait.objects.bulk_create(rows, _CHUNK, update_conflicts=True, unique_fields=["shape"], update_fields=columns)
    left = list(gone)
    for start in range(0, len(left), _CHUNK):
        Wait.objects.filter(shape__in=left[start : start + _CHUNK]).delete()
    look = [Look(pk=1, looked=when, mode=mode)]
    Look.objects.bulk_create(look, update_conflicts=True, unique_fields=["id"], update_fields=["looked", "mode"])


def _wait(shape: str, told: Told) -> Wait:
    reason = told.reason
    return Wait(shape=shape, code=reason.code, text=reason.text, nodes=dict(reason.nodes), since=told.since)


_COLUMNS = ("job_id", "job_type_id", "exe_num", "priority", "resources", "shape", "queued", "created", "is_canceled")


def _row(entry: QueueEntry, when: datetime) -> tuple[object, ...]:
    return (
        entry.job_id,
        entry.job_type_id,
        entry.exe_num,
        entry.priority,
        dict(entry.resources),
        shape_of(entry.job_type_id, entry.priority, entry.resources, entry.constraints),
        entry.queued,
        when,
        False,
    )
