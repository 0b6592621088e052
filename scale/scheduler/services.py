"""Writes of the scheduler: its settings, and the status document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction

from scale.present import ring_after_commit
from scale.scheduler.models import Scheduler, Status

_THE_ONE = 1


def scheduler_settings() -> Scheduler:
    """The settings; made, with a name for this installation, when they are asked for the first time."""
    settings, _ = Scheduler.objects.get_or_create(pk=_THE_ONE, defaults={"framework_id": uuid4().hex[:8]})
    return settings


def scheduler_ensure(when: datetime) -> None:
    scheduler_settings()


@transaction.atomic
def scheduler_edit(*, changes: Mapping[str, Any]) -> None:
    """Change some of the settings."""
    scheduler_settings()
    Scheduler.objects.filter(pk=_THE_ONE).update(**changes)
    ring_after_commit()


def status_save(*, document: bytes, when: datetime) -> None:
    """Replace the status document."""
    Status.objects.update_or_create(pk=_THE_ONE, defaults={"document": document, "rendered": when})
