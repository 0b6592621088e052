"""Writes of the load."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from scale.metrics.models import JobLoad
from scale.metrics.selectors import TypeLoad, load_is_measured


@transaction.atomic
def load_record(*, loads: Sequence[TypeLoad], hour: datetime) -> bool:
    """Record how many jobs of each type there are at a full hour, unless that is known already."""
    if load_is_measured(hour):
        return False
    JobLoad.objects.bulk_create([_row(one, hour) for one in loads] or [JobLoad(measured=hour, **_counts(0, 0, 0))])
    return True


def _row(load: TypeLoad, hour: datetime) -> JobLoad:
    return JobLoad(job_type_id=load.job_type_id, measured=hour, **_counts(load.pending, load.queued, load.running))


def _counts(pending: int, queued: int, running: int) -> dict[str, int]:
    total = pending + queued + running
    return {"pending_count": pending, "queued_count": queued, "running_count": running, "total_count": total}
