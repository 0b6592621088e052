"""Reads for commands: which jobs are meant, and how far they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.contrib.auth.models import User
from django.db.models import Max, QuerySet

from scale.job.filters import JobChoice, RequeueChoice
from scale.job.matching import jobs_chosen
from scale.job.models import Job, JobCommand
from scale.job.states import HOLDABLE, REQUEUEABLE, CommandKind, JobStatus, sources_of
from scale.kernel.errors import Forbidden, NotFound
from scale.kernel.reading import read

#: with jobs of which statuses there is something to be done
AMONG: dict[CommandKind, Collection[JobStatus]] = {
    CommandKind.CANCEL: sources_of(JobStatus.CANCELED),
    CommandKind.REQUEUE: REQUEUEABLE,
    CommandKind.UNCANCEL: (JobStatus.CANCELED,),
    CommandKind.HOLD: HOLDABLE,
    CommandKind.RELEASE: HOLDABLE,
}


def job_ids_chosen(choice: JobChoice, by: User, among: Collection[JobStatus], most: int | None = None) -> list[int]:
    """The first jobs of these statuses that somebody may mean by this: of others only if they are named, which is then refused.

    :raises Forbidden: a job is named that belongs to another
    """
    jobs = jobs_chosen(choice)
    if choice.job_ids is not None and not by.is_staff:
        if other := jobs.exclude(owner=by).values_list("pk", flat=True).order_by("pk").first():
            raise Forbidden(f"Job {other} belongs to somebody else; only staff may do that.")
    elif not by.is_staff:
        jobs = jobs.filter(owner=by)
    return list(jobs.filter(status__in=among).order_by("pk").values_list("pk", flat=True)[:most])


def job_ids_known(ids: Iterable[int]) -> set[int]:
    return set(Job.objects.filter(pk__in=list(ids)).values_list("pk", flat=True))


def newest_job() -> int:
    return Job.objects.aggregate(newest=Max("pk"))["newest"] or 0


def command_found(command_id: int) -> JobCommand:
    """:raises NotFound: there is none"""
    command = JobCommand.objects.select_related("by").filter(pk=command_id).first()
    if command is None:
        raise NotFound(f"There is no command {command_id}.")
    return command


def command_next() -> JobCommand | None:
    """The first one that is not over; they are gone through one after the other."""
    return JobCommand.objects.select_related("by").filter(ended__isnull=True).order_by("pk").first()


def choice_of(command: JobCommand) -> JobChoice:
    return read(RequeueChoice if command.kind == CommandKind.REQUEUE else JobChoice, command.choice)


def jobs_commanded(command: JobCommand) -> QuerySet[Job]:
    """Those that are meant and were not looked at yet."""
    jobs = jobs_chosen(choice_of(command)).filter(pk__gt=command.cursor, pk__lte=command.newest)
    return jobs if command.by.is_staff else jobs.filter(owner=command.by)


def job_ids_next(command: JobCommand, most: int) -> list[int]:
    """The next ones with which there may be something to be done."""
    jobs = jobs_commanded(command).filter(status__in=AMONG[CommandKind(command.kind)])
    return list(jobs.order_by("pk").values_list("pk", flat=True)[:most])
