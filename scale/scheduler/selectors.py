"""Reads of the scheduler: the status document, the settings, what waits by type, who leads, what was set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from scale.database import Select
from scale.job.models import JobType
from scale.job.selectors import job_types_by_id
from scale.kernel.errors import ClusterTrouble
from scale.queue.selectors import QueueLine, queue_lines
from scale.scheduler.models import Leader, SchedulerProcess, SetAside, Status
from scale.scheduler.status import Leadership, Packed, Post, Warning

STALE_AFTER = timedelta(seconds=12)
SEEN_WITHIN = timedelta(seconds=10)  #: a standby that was not is taken for gone

_STATUS_WITHOUT_DOCUMENT = Select([(Status, "etag"), (Status, "rendered")], "FROM scheduler_status WHERE id = 1")


class NoStatus(ClusterTrouble):
    """The scheduler has not said how it stands."""


def status_etag(when: datetime) -> str:
    """The name of what the status document says now; the document itself is not read.

    :raises NoStatus: there is none, or it is too old to be true
    """
    found = _STATUS_WITHOUT_DOCUMENT.rows()
    if not found:
        raise NoStatus("There is no status yet; is the scheduler running?")
    etag, rendered = found[0]
    age = when - rendered
    if age > STALE_AFTER:
        raise NoStatus(f"The last status is {age.total_seconds():.0f} seconds old; the scheduler is stopped or stuck.")
    return str(etag)


def status_document() -> Packed:
    """The status document, whatever its age."""
    content, etag = Status.objects.values_list("document", "etag").get(pk=1)
    return Packed(bytes(content), etag)


@dataclass(frozen=True, slots=True)
class TypeQueue:
    """A job type, and those of it that wait."""

    job_type: JobType
    line: QueueLine


def queue_by_type() -> list[TypeQueue]:
    """What waits, by job type: paused types last, then the most urgent first, then the oldest."""
    lines = queue_lines()
    types = job_types_by_id(line.job_type_id for line in lines)
    queues = [TypeQueue(types[line.job_type_id], line) for line in lines]
    return sorted(queues, key=lambda q: (q.job_type.is_paused, q.line.highest_priority, q.line.longest_queued))


def leadership_load() -> Leadership:
    """Who leads and who stands by, by the clock of the database."""
    leader = Leader.objects.filter(pk=1).first()
    if leader is None:
        return Leadership()
    processes = list(SchedulerProcess.objects.filter(Q(pk=leader.process) | Q(seen__gte=Now() - SEEN_WITHIN)).order_by("started"))
    leading = next((Post(one.hostname, one.pid, leader.since) for one in processes if one.pk == leader.process), None)
    standbys = [Post(one.hostname, one.pid, one.started) for one in processes if one.pk != leader.process]
    return Leadership(leader.term, leading, standbys)


def set_aside_warnings() -> list[Warning]:
    """One for all messages that could not be recorded."""
    last = SetAside.objects.order_by("id").last()
    if last is None:
        return []
    first = SetAside.objects.earliest("id")
    text = f"{SetAside.objects.count()} in all; the last is of {last}: {last.error}"
    title = "Messages were set aside that the database would never take"
    return [Warning("MESSAGES_SET_ASIDE", title, text, first.created, last.created)]
