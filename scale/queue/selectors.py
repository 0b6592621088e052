"""Reads of the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Min, Q, QuerySet

from scale.database import Select
from scale.queue.models import Left, Look, Queue, Wait
from scale.queue.ordering import QueueMode
from scale.queue.waiting import Reason, Told, Waiting, explain

_CANCELED = Select([(Queue, "pk")], "FROM queue WHERE is_canceled LIMIT 1")
_LEFT = Select([(Left, name) for name in ("pk", "entry_id", "shape")], "FROM queue_left ORDER BY id")


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
    return bool(_CANCELED.rows())


class LeftEntry(NamedTuple):
    """An entry that is not on the queue any more, though nobody placed or canceled it."""

    id: int  #: of this note
    entry_id: int
    shape: str


def entries_left() -> list[LeftEntry]:
    """Those of which the scheduler does not know yet."""
    return [LeftEntry(*row) for row in _LEFT.rows()]


def waiting_of(job_id: int, exe_num: int, when: datetime) -> Waiting | None:
    """Why this execution is not placed yet; None if it does not wait."""
    entry = Queue.objects.filter(job_id=job_id, exe_num=exe_num, is_canceled=False).first()
    if entry is None:
        return None
    look = Look.objects.first()
    told = _told(row) if (row := Wait.objects.filter(shape=entry.shape).first()) else None
    before = _before(entry, QueueMode(look.mode) if look else QueueMode.FIFO).count()
    return explain(told, look.looked if look else None, queued=entry.queued, position=before + 1, when=when)


def waits_told() -> dict[str, Told]:
    """What the web is told, by shape."""
    return {row.shape: _told(row) for row in Wait.objects.all()}


def _told(row: Wait) -> Told:
    return Told(Reason(row.code, row.text, row.nodes), row.since)


def _before(entry: Queue, mode: QueueMode) -> QuerySet[Queue]:
    """The entries that go first, as `urgency` orders them; an index holds all that is asked for."""
    match mode:
        case QueueMode.FIFO:
            of_equals = Q(queued__lt=entry.queued) | Q(queued=entry.queued, job_id__lt=entry.job_id)
        case QueueMode.LIFO:
            of_equals = Q(queued__gt=entry.queued) | Q(queued=entry.queued, job_id__gt=entry.job_id)
    waiting = Queue.objects.filter(is_canceled=False, priority__lte=entry.priority)
    return waiting.filter(Q(priority__lt=entry.priority) | of_equals)
