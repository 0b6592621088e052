"""Carries out what somebody wants done with jobs: a few at once, in the request; many by the scheduler, some at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from scale.fact import tell
from scale.job.commands.selectors import AMONG, choice_of, job_ids_chosen, job_ids_known, jobs_commanded, newest_job
from scale.job.filters import JobChoice, RequeueChoice
from scale.job.holding.services import hold, release
from scale.job.models import Job, JobCommand
from scale.job.services import cancel, requeue, uncancel
from scale.job.states import CommandKind
from scale.present import ring_after_commit

logger = logging.getLogger(__name__)
MOST_AT_ONCE = 500  #: jobs that a request changes itself
_KEPT = timedelta(days=30)  # commands that are over


@dataclass(frozen=True, slots=True)
class Commanded:
    """What became of it, or the command that is to be gone through; of jobs that were named, also those that did not change."""

    job_ids: Sequence[int]
    unchanged_job_ids: Sequence[int]
    unknown_job_ids: Sequence[int]
    command: JobCommand | None


class _Times(NamedTuple):
    when: datetime
    asked: datetime | None = None  #: if that was before


def jobs_command(*, kind: CommandKind, choice: JobChoice, by: User, when: datetime) -> Commanded:
    """Do this with the jobs that are chosen; where they are many, have it done.

    :raises Forbidden: a job is named that belongs to another
    """
    ids = job_ids_chosen(choice, by, AMONG[kind], MOST_AT_ONCE + 1)
    named = set(choice.job_ids or ())
    known = job_ids_known(named)
    unknown = sorted(named - known)
    if len(ids) > MOST_AT_ONCE:
        return Commanded((), (), unknown, _command_add(kind, choice, by, when))
    changed = _do(Job.objects.filter(pk__in=ids), kind, choice, by, _Times(when)) if ids else []
    return Commanded(changed, sorted(known.difference(changed)), unknown, None)


@transaction.atomic
def _command_add(kind: CommandKind, choice: JobChoice, by: User, when: datetime) -> JobCommand:
    stated = choice.model_dump(mode="json", exclude_unset=True)
    command = JobCommand.objects.create(kind=kind, choice=stated, by=by, asked=when, newest=newest_job())
    ring_after_commit()
    tell(logger, "commanded", command=command.pk, kind=kind, by=by.get_username())
    return command


@transaction.atomic
def command_advance(*, command: JobCommand, ids: Sequence[int], is_last: bool, when: datetime) -> JobCommand:
    """Do what is wanted with the next of its jobs, and note how far it is; both or neither.

    :param ids: in their order; what of them no longer fits stays as it is
    """
    jobs = jobs_commanded(command).filter(pk__in=ids)
    times = _Times(when, command.asked)
    changed = _do(jobs, CommandKind(command.kind), choice_of(command), command.by, times) if ids else []
    command.changed += len(changed)
    command.cursor = command.newest if is_last else ids[-1]
    command.ended = when if is_last else None
    command.save(update_fields=["changed", "cursor", "ended"])
    if is_last:
        JobCommand.objects.filter(ended__lt=when - _KEPT).delete()
        tell(logger, "command-over", command=command.pk, kind=command.kind, changed=command.changed)
    return command


def _do(jobs: QuerySet[Job], kind: CommandKind, choice: JobChoice, by: User, times: _Times) -> list[int]:
    match kind:
        case CommandKind.CANCEL:
            return cancel(jobs, by, *times)
        case CommandKind.REQUEUE:
            return requeue(jobs, by, *times, priority=choice.priority if isinstance(choice, RequeueChoice) else None)
        case CommandKind.UNCANCEL:
            return uncancel(jobs, by, *times)
        case CommandKind.HOLD:
            return hold(jobs, by, times.when)
        case CommandKind.RELEASE:
            return release(jobs, by, times.when)
