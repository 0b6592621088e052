"""What operators have set, as the scheduler saw it last: its own settings and those of job types. Read as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max

from scale.database import SelectModels
from scale.job.models import JobType
from scale.queue.ordering import QueueMode
from scale.scheduler.services import scheduler_settings

_TYPES = SelectModels(JobType, "ORDER BY id")


@dataclass(frozen=True, slots=True)
class Settings:
    framework_id: str
    is_paused: bool = True
    queue_mode: QueueMode = QueueMode.FIFO
    paused_types: frozenset[int] = frozenset()
    limits: Mapping[int, int] = field(default_factory=dict)  #: how many of a job type may run; not there: any number
    logging_level: str = "INFO"
    types: Mapping[int, JobType] = field(default_factory=dict)  #: by id
    job_types: Sequence[dict[str, Any]] = ()  #: as the status document tells of them


def settings_load() -> Settings:
    row = scheduler_settings()
    types = _TYPES.all()
    return Settings(
        framework_id=row.framework_id,
        is_paused=row.is_paused,
        queue_mode=QueueMode(row.queue_mode),
        logging_level=row.system_logging_level,
        paused_types=frozenset(one.pk for one in types if one.is_paused),
        limits={one.pk: one.max_scheduled for one in types if one.max_scheduled},
        types={one.pk: one for one in types},
        job_types=[_told(one) for one in types],
    )


def schema_completed() -> datetime | None:
    """When the schema was last brought up to date."""
    last: datetime | None = MigrationRecorder.Migration.objects.aggregate(last=Max("applied"))["last"]
    return last


def _told(one: JobType) -> dict[str, Any]:
    return {
        "id": one.pk,
        "name": one.name,
        "version": one.version,
        "title": one.title,
        "description": one.description,
        "is_system": one.is_system,
        "icon_code": one.icon_code,
    }
