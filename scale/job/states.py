"""The life of a job: its statuses and which may follow which, as one table."""

from __future__ import annotations

from enum import StrEnum


class JobStatus(StrEnum):
    PENDING = "PENDING"
    BLOCKED = "BLOCKED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


class ExecutionStatus(StrEnum):
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class RetryOn(StrEnum):
    """Which failures of a job are tried again, up to its ``max_tries``."""

    SYSTEM = "system"  #: those that are not the job's fault
    FAILURE = "failure"  #: every failure
    NEVER = "never"


class CommandKind(StrEnum):
    """What may be done with many jobs at once."""

    CANCEL = "cancel"
    REQUEUE = "requeue"
    UNCANCEL = "uncancel"
    HOLD = "hold"
    RELEASE = "release"


class CommandState(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"


_S = JobStatus

#: A job that is queued again (retried, requeued, put back) may come from any status but COMPLETED.
#: It may complete or fail straight from QUEUED, since the word that it runs may arrive late.
TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    _S.PENDING: frozenset({_S.BLOCKED, _S.QUEUED, _S.CANCELED}),
    _S.BLOCKED: frozenset({_S.PENDING, _S.QUEUED, _S.CANCELED}),
    _S.QUEUED: frozenset({_S.QUEUED, _S.RUNNING, _S.COMPLETED, _S.FAILED, _S.CANCELED}),
    _S.RUNNING: frozenset({_S.QUEUED, _S.COMPLETED, _S.FAILED, _S.CANCELED}),
    _S.FAILED: frozenset({_S.QUEUED, _S.CANCELED}),
    _S.COMPLETED: frozenset(),
    _S.CANCELED: frozenset({_S.QUEUED, _S.PENDING}),
}

FINAL = frozenset({_S.FAILED, _S.COMPLETED, _S.CANCELED})

#: what somebody may ask to be tried anew; what still waits or runs is tried already
REQUEUEABLE = frozenset(status for status in FINAL if _S.QUEUED in TRANSITIONS[status])


#: what may be kept from being placed: it has not been
HOLDABLE = frozenset({_S.PENDING, _S.BLOCKED, _S.QUEUED})


def sources_of(status: JobStatus) -> frozenset[JobStatus]:
    """The statuses from which a job may come to this one."""
    return frozenset(source for source, targets in TRANSITIONS.items() if status in targets)
