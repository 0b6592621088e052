"""Writes to the queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from scale.database import record_rows
from scale.queue.entry import QueueEntry, shape_of
from scale.queue.models import Look, Queue, Wait
from scale.queue.ordering import QueueMode
from scale.queue.waiting import Told

_CHUNK = 500


def queue_add(*, entries: Iterable[QueueEntry], when: datetime) -> None:
    """Put executions on the queue; an execution that waits already is left as it is."""
    record_rows(Queue, _COLUMNS, [_row(entry, when) for entry in entries])


def queue_cancel(*, job_ids: Sequence[int]) -> None:
    """Mark the waiting executions of these jobs; the scheduler takes them off and records their end."""
    Queue.objects.filter(job_id__in=job_ids).update(is_canceled=True)


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
