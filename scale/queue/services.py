"""Writes to the queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from scale.queue.entry import QueueEntry, shape_of
from scale.queue.models import Queue


def queue_add(*, entries: Iterable[QueueEntry], when: datetime) -> None:
    """Put executions on the queue; an execution that waits already is left as it is."""
    Queue.objects.bulk_create([_row(entry, when) for entry in entries], ignore_conflicts=True)


def queue_cancel(*, job_ids: Sequence[int]) -> None:
    """Mark the waiting executions of these jobs; the scheduler takes them off and records their end."""
    Queue.objects.filter(job_id__in=job_ids).update(is_canceled=True)


def queue_remove(*, ids: Sequence[int]) -> None:
    Queue.objects.filter(pk__in=ids).delete()


def _row(entry: QueueEntry, when: datetime) -> Queue:
    return Queue(
        job_id=entry.job_id,
        job_type_id=entry.job_type_id,
        exe_num=entry.exe_num,
        priority=entry.priority,
        resources=dict(entry.resources),
        shape=shape_of(entry.job_type_id, entry.priority, entry.resources),
        queued=entry.queued,
        created=when,
    )
