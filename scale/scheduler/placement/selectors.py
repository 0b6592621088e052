"""What waits on the queue, read by shape: how many of each, and the first few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Count, Max, Min

from scale.job.messages import batches
from scale.queue.entry import parse_shape
from scale.queue.models import Queue
from scale.queue.ordering import QueueMode
from scale.scheduler.placement.heads import Line
from scale.scheduler.placement.snapshot import Ask

_FIRST = {QueueMode.FIFO: Min("id"), QueueMode.LIFO: Max("id")}
_ORDER = {QueueMode.FIFO: ("queued", "job_id"), QueueMode.LIFO: ("-queued", "-job_id")}
_COLUMNS = ("id", "job_id", "queued", "shape")
_CHUNK = 500


def lines_waiting(mode: QueueMode) -> list[Line]:
    """One line for each shape that waits."""
    rows = Queue.objects.filter(is_canceled=False).values_list("shape").order_by()
    return [Line(*row) for row in rows.annotate(Count("id"), _FIRST[mode])]


def asks_of(lines: Sequence[Line], wanted: Mapping[str, int], mode: QueueMode) -> list[Ask]:
    """The first so many asks of each shape; the shapes of which one is wanted are read together."""
    singles = [line.first_id for line in lines if wanted.get(line.shape) == 1]
    waiting = Queue.objects.filter(is_canceled=False)
    asks = [_ask(*row) for chunk in batches(singles, _CHUNK) for row in waiting.filter(pk__in=chunk).values_list(*_COLUMNS)]
    for shape, count in wanted.items():
        if count > 1:
            first = waiting.filter(shape=shape).order_by(*_ORDER[mode]).values_list(*_COLUMNS)[:count]
            asks.extend(_ask(*row) for row in first)
    return asks


def _ask(entry_id: int, job_id: int, queued: object, shape: str) -> Ask:
    priority, job_type_id, needs = parse_shape(shape)
    return Ask(entry_id, job_id, job_type_id, priority, queued, needs, shape)  # type: ignore[arg-type]
