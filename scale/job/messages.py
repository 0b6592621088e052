"""What the managers hand to the database: values, in batches, safe to apply twice and in any order. Pure.

Each message speaks of executions by job and number; it is ignored for a job that has moved on to a later number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, TypeVar

if TYPE_CHECKING:
    from scale.job.execution.captured import Captured
    from scale.job.models import JobExecutionEnd

T = TypeVar("T")

MAX_JOBS = 100
MAX_ENDS = 10


@dataclass(frozen=True, slots=True)
class RunningJob:
    job_id: int
    exe_num: int
    node_id: int | None
    started: datetime


@dataclass(frozen=True, slots=True)
class CompletedJob:
    job_id: int
    exe_num: int
    ended: datetime


@dataclass(frozen=True, slots=True, order=True)
class FailedJob:
    job_id: int
    exe_num: int
    ended: datetime
    error_id: int


@dataclass(frozen=True, slots=True)
class WithdrawnJob:
    job_id: int
    exe_num: int
    ended: datetime


@dataclass(frozen=True, slots=True)
class CapturedJob:
    """What an execution gave, as its post task told it."""

    job_id: int
    exe_num: int
    captured: Captured


@dataclass(frozen=True, slots=True)
class RunningJobs:
    """These jobs have been placed and run."""

    type: ClassVar = "running_jobs"
    jobs: tuple[RunningJob, ...]


@dataclass(frozen=True, slots=True)
class CreateJobExecutionEnds:
    """These executions are over."""

    type: ClassVar = "create_job_exe_ends"
    job_exe_ends: tuple[JobExecutionEnd, ...]


@dataclass(frozen=True, slots=True)
class CompletedJobs:
    type: ClassVar = "completed_jobs"
    jobs: tuple[CompletedJob, ...]


@dataclass(frozen=True, slots=True)
class FailedJobs:
    """These executions failed; whether their jobs did is for the receiver to say."""

    type: ClassVar = "failed_jobs"
    jobs: tuple[FailedJob, ...]


@dataclass(frozen=True, slots=True)
class WithdrawnJobs:
    """These executions were handed back before they ran; their jobs are to wait again."""

    type: ClassVar = "withdrawn_jobs"
    jobs: tuple[WithdrawnJob, ...]


@dataclass(frozen=True, slots=True)
class CapturedJobs:
    """These executions have completed, and gave something."""

    type: ClassVar = "captured_jobs"
    jobs: tuple[CapturedJob, ...]


Message = RunningJobs | CreateJobExecutionEnds | CompletedJobs | FailedJobs | WithdrawnJobs | CapturedJobs


def batches(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Cut into tuples of at most ``size``."""
    left = iter(items)
    while batch := tuple(islice(left, size)):
        yield batch


def running_job_messages(jobs: Iterable[RunningJob]) -> list[RunningJobs]:
    return [RunningJobs(batch) for batch in batches(jobs, MAX_JOBS)]


def ending_messages(
    ends: Sequence[JobExecutionEnd],
    completed: Iterable[CompletedJob],
    failed: Iterable[FailedJob],
    withdrawn: Iterable[WithdrawnJob] = (),
) -> list[Message]:
    """In the order: how executions ended, jobs that completed, jobs that failed, jobs that are to wait again."""
    return [
        *(CreateJobExecutionEnds(batch) for batch in batches(ends, MAX_ENDS)),
        *(CompletedJobs(batch) for batch in batches(completed, MAX_JOBS)),
        *(FailedJobs(batch) for batch in batches(failed, MAX_JOBS)),
        *(WithdrawnJobs(batch) for batch in batches(withdrawn, MAX_JOBS)),
    ]


def by_execution(messages: Iterable[Message]) -> dict[tuple[int, int], list[Message]]:
    """Cut messages so that each speaks of one execution; by job id and number, in the same order."""
    cut: dict[tuple[int, int], list[Message]] = {}
    for message in messages:
        if isinstance(message, CreateJobExecutionEnds):
            for end in message.job_exe_ends:
                cut.setdefault((end.job_id, end.exe_num), []).append(CreateJobExecutionEnds((end,)))
        else:
            for job in message.jobs:
                cut.setdefault((job.job_id, job.exe_num), []).append(type(message)((job,)))  # type: ignore[arg-type]
    return cut


def bare_messages(messages: Iterable[Message]) -> list[Message]:
    """The same without anything that an engine or a program has said or measured, but for how it ended."""
    kept = (message for message in messages if not isinstance(message, CapturedJobs))
    return [_bare(message) if isinstance(message, CreateJobExecutionEnds) else message for message in kept]


def _bare(message: CreateJobExecutionEnds) -> CreateJobExecutionEnds:
    ends = [copy(end) for end in message.job_exe_ends]
    for end in ends:
        end.message, end.native_state, end.task_results = "", "", {"version": "1.0", "tasks": []}
        end.cpu_seconds = end.peak_memory = None
    return CreateJobExecutionEnds(tuple(ends))
