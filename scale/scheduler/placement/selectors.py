"""What waits on the queue: what is new, the first of each shape, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from scale.database import Select
from scale.job.messages import batches
from scale.job.models import Job
from scale.queue.models import Queue
from scale.queue.ordering import QueueMode
from scale.scheduler.placement.backlog import Entry
from scale.scheduler.placement.gaps import Range

_ORDER = {QueueMode.FIFO: ("queued", "job_id"), QueueMode.LIFO: ("-queued", "-job_id")}
_COLUMNS = ("id", "job_id", "queued", "shape")
_AFTER = Select([(Queue, name) for name in _COLUMNS], "FROM queue WHERE NOT is_canceled AND id > %s ORDER BY id LIMIT %s")
_ASKED = Select([(Queue, "pk"), (Job, "constraints")], "FROM queue JOIN job ON job.id = queue.job_id WHERE queue.id {is_one}")
_ALL = 2**62
_AT_ONCE = 500


def newest_entry() -> int:
    """Its id; 0 where there is none."""
    return Queue.objects.aggregate(newest=Max("id"))["newest"] or 0


def entries_after(entry_id: int, most: int | None = None) -> list[Entry]:
    """Those of the highest ids, the oldest of them first."""
    return [Entry(*row) for row in _AFTER.rows([entry_id, _ALL if most is None else most])]


def entries_within(ranges: Sequence[Range]) -> list[Entry]:
    """Those whose ids lie in one of these."""
    within = Q()
    for first, last in ranges:
        within |= Q(pk__gte=first, pk__lte=last)
    return _entries(_waiting().filter(within).order_by("id"))


def entries_first(shape: str, mode: QueueMode, most: int, until: int) -> list[Entry]:
    """The first of a shape, of those up to an id."""
    return _entries(_waiting().filter(shape=shape, pk__lte=until).order_by(*_ORDER[mode])[:most])


def sizes_waiting(until: int) -> dict[str, int]:
    """How many wait of each shape, of those up to an id; reads the whole queue."""
    return dict(_waiting().filter(pk__lte=until).values_list("shape").annotate(Count("id")).order_by())


def constraints_asked(entry_ids: Sequence[int]) -> dict[int, Any]:
    """What those of these that are still there ask of nodes."""
    return {pk: document for some in batches(entry_ids, _AT_ONCE) for pk, document in _ASKED.rows(ids=some)}


def _waiting() -> QuerySet[Queue]:
    return Queue.objects.filter(is_canceled=False)


def _entries(rows: QuerySet[Queue]) -> list[Entry]:
    return [Entry(*row) for row in rows.values_list(*_COLUMNS)]
