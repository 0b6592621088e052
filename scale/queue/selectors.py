"""Reads of the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from scale.queue.models import Queue


@dataclass(frozen=True, slots=True)
class QueueLine:
    """Those of one job type that wait."""

    job_type_id: int
    count: int
    longest_queued: datetime  #: since when the first of them waits
    highest_priority: int  #: the lowest number, which goes first


def queue_lines() -> list[QueueLine]:
    waiting = Queue.objects.filter(is_canceled=False).values("job_type_id")
    lines = waiting.annotate(count=Count("id"), longest_queued=Min("queued"), highest_priority=Min("priority"))
    return [QueueLine(**line) for line in lines.order_by()]


def queue_has_canceled() -> bool:
    """Whether an entry waits to be taken off."""
    return Queue.objects.filter(is_canceled=True).exists()
