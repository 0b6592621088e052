"""Writes of the scheduler: its settings, the status document, who leads, and what was set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models.functions import Now

from scale.database import SelectModels, again_on_conflict
from scale.engines.protocol import Term
from scale.present import ring_after_commit
from scale.scheduler.models import Leader, Scheduler, SchedulerProcess, SetAside, Status
from scale.scheduler.status import Packed

_THE_ONE = 1
_SETTINGS = SelectModels(Scheduler, "WHERE id = %s")
_FORGOTTEN_AFTER = timedelta(hours=1)


def scheduler_settings() -> Scheduler:
    """The settings; made, with a name for this installation, when they are asked for the first time."""
    if found := _SETTINGS.all([_THE_ONE]):
        return found[0]
    settings, _ = Scheduler.objects.get_or_create(pk=_THE_ONE, defaults={"framework_id": uuid4().hex[:8]})
    return settings


def scheduler_ensure(when: datetime) -> None:
    scheduler_settings()


@again_on_conflict
@transaction.atomic
def scheduler_edit(*, changes: Mapping[str, Any]) -> None:
    """Change some of the settings."""
    scheduler_settings()
    Scheduler.objects.filter(pk=_THE_ONE).update(**changes)
    ring_after_commit()


@transaction.atomic
def status_save(*, document: Packed, when: datetime) -> None:
    """Replace the status document."""
    columns = {"document": document.content, "etag": document.etag, "rendered": when}
    if not Status.objects.filter(pk=_THE_ONE).update(**columns):
        Status.objects.create(pk=_THE_ONE, **columns)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A scheduler process that may lead."""

    id: str  #: 32 characters at most, never used before
    hostname: str
    pid: int
    place: str = ""  #: the host and directory that its tasks are bound to; empty: they are not


def installation_renew() -> None:
    """Take another name in the ids of tasks from now on."""
    Scheduler.objects.filter(pk=_THE_ONE).update(framework_id=uuid4().hex[:8])


@transaction.atomic
def term_begin(*, by: Candidate, when: datetime) -> Term:
    """Begin the next term; whatever a scheduler of an older one still tries to write is refused from now on."""
    Leader.objects.get_or_create(pk=_THE_ONE, defaults={"installation": uuid4().hex, "process": by.id, "since": when})
    leader = Leader.objects.select_for_update().get(pk=_THE_ONE)
    SchedulerProcess.objects.filter(pk=leader.process).exclude(pk=by.id).delete()  # gone, until it says otherwise
    leader.term += 1
    leader.process = by.id
    leader.since = when
    leader.save()
    facts = {"hostname": by.hostname, "pid": by.pid, "place": by.place}
    SchedulerProcess.objects.update_or_create(
        pk=by.id, defaults={**facts, "seen": Now()}, create_defaults={**facts, "seen": Now(), "started": when}
    )
    SchedulerProcess.objects.exclude(pk=by.id).filter(seen__lt=Now() - _FORGOTTEN_AFTER).delete()
    return Term(leader.installation, leader.term)


def set_aside(*, job_id: int, exe_num: int, content: str, error: str, is_recorded_without: bool, when: datetime) -> None:
    """Keep what could not be recorded, for people to look at."""
    SetAside.objects.create(
        job_id=job_id,
        exe_num=exe_num,
        content=content.replace("\0", "\\0"),
        error=ascii(error),
        is_recorded_without=is_recorded_without,
        created=when,
    )
