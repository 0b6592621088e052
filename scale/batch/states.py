"""The one table of states: what each code of each batch system means in our words, and these in the words of all (QState).

Each member of a dialect's class is a row: our word first, then the codes of the batch system, the one that is written first.
"""

from __future__ import annotations

from enum import Enum
from typing import Self

from scale.batch.jobs import QState, QSubState


class BatchState(Enum):
    """Where a job is in its life, as finely as any batch system tells; beside it the QState, and whether it is over."""

    CREATED = "created", QState.QUEUED, False
    BLOCKED = "blocked", QState.QUEUED_HELD, False
    QUEUED = "queued", QState.QUEUED, False
    HELD = "held", QState.QUEUED_HELD, False
    STAGING = "staging", QState.QUEUED, False
    RUNNING = "running", QState.RUNNING, False
    SUSPENDED = "suspended", QState.SUSPENDED, False
    COMPLETING = "completing", QState.RUNNING, False
    REQUEUED = "requeued", QState.REQUEUED, False
    REQUEUED_HELD = "requeued_held", QState.REQUEUED_HELD, False
    UNREACHABLE = "unreachable", QState.UNDETERMINED, False
    COMPLETED = "completed", QState.DONE, True
    FAILED = "failed", QState.FAILED, True
    CANCELED = "canceled", QState.FAILED, True
    TIMEOUT = "timeout", QState.FAILED, True
    OUT_OF_MEMORY = "out_of_memory", QState.FAILED, True
    PREEMPTED = "preempted", QState.FAILED, True
    NODE_FAILED = "node_failed", QState.FAILED, True
    REVOKED = "revoked", QState.FAILED, True
    REJECTED = "rejected", QState.FAILED, True
    LOST = "lost", QState.UNDETERMINED, True

    qstate: QState
    is_final: bool

    def __new__(cls, word: str, qstate: QState, is_final: bool) -> Self:
        member = object.__new__(cls)
        member._value_ = word
        member.qstate = qstate
        member.is_final = is_final
        return member


class NativeState(QSubState):
    """The states of one batch system."""

    batch_state: BatchState

    def __new__(cls, batch_state: BatchState, *values: str) -> Self:
        member = object.__new__(cls)  # enum has put its own __new__ in the place of QSubState's
        member._value_, member.values = values[0], values
        member.batch_state = batch_state
        return member

    @property
    def qstate(self) -> QState:
        return self.batch_state.qstate


class SlurmState(NativeState):
    """Slurm, long and short."""

    BOOT_FAIL = BatchState.NODE_FAILED, "BOOT_FAIL", "BF"
    CANCELLED = BatchState.CANCELED, "CANCELLED", "CA"
    COMPLETED = BatchState.COMPLETED, "COMPLETED", "CD"
    COMPLETING = BatchState.COMPLETING, "COMPLETING", "CG"
    CONFIGURING = BatchState.STAGING, "CONFIGURING", "CF"
    DEADLINE = BatchState.TIMEOUT, "DEADLINE", "DL"
    FAILED = BatchState.FAILED, "FAILED", "F"
    NODE_FAIL = BatchState.NODE_FAILED, "NODE_FAIL", "NF"
    OUT_OF_MEMORY = BatchState.OUT_OF_MEMORY, "OUT_OF_MEMORY", "OOM"
    PENDING = BatchState.QUEUED, "PENDING", "PD"
    PREEMPTED = BatchState.PREEMPTED, "PREEMPTED", "PR"
    REQUEUED = BatchState.REQUEUED, "REQUEUED", "RQ"
    REQUEUE_FED = BatchState.REQUEUED, "REQUEUE_FED", "RF"
    REQUEUE_HOLD = BatchState.REQUEUED_HELD, "REQUEUE_HOLD", "RH"
    RESIZING = BatchState.RUNNING, "RESIZING", "RS"
    RESV_DEL_HOLD = BatchState.HELD, "RESV_DEL_HOLD", "RD"
    REVOKED = BatchState.REVOKED, "REVOKED", "RV"
    RUNNING = BatchState.RUNNING, "RUNNING", "R"
    SIGNALING = BatchState.RUNNING, "SIGNALING", "SI"
    SPECIAL_EXIT = BatchState.REQUEUED_HELD, "SPECIAL_EXIT", "SE"
    STAGE_OUT = BatchState.COMPLETING, "STAGE_OUT", "SO"
    STOPPED = BatchState.SUSPENDED, "STOPPED", "ST"
    SUSPENDED = BatchState.SUSPENDED, "SUSPENDED", "S"
    TIMEOUT = BatchState.TIMEOUT, "TIMEOUT", "TO"


class PBSState(NativeState):
    """PBS Pro and OpenPBS. What is FINISHED went well only with the exit status 0."""

    ARRAY_RUNNING = BatchState.RUNNING, "B"
    EXITING = BatchState.COMPLETING, "E"
    FINISHED = BatchState.COMPLETED, "F"
    HELD = BatchState.HELD, "H"
    MOVED = BatchState.REQUEUED, "M"
    QUEUED = BatchState.QUEUED, "Q"
    RUNNING = BatchState.RUNNING, "R"
    SUSPENDED = BatchState.SUSPENDED, "S"
    TRANSITING = BatchState.REQUEUED, "T"
    USER_SUSPENDED = BatchState.SUSPENDED, "U"
    WAITING = BatchState.QUEUED, "W"
    ARRAY_FINISHED = BatchState.COMPLETED, "X"


class TorqueState(NativeState):
    """Torque. What is COMPLETE went well only with the exit status 0."""

    COMPLETE = BatchState.COMPLETED, "C"
    EXITING = BatchState.COMPLETING, "E"
    HELD = BatchState.HELD, "H"
    QUEUED = BatchState.QUEUED, "Q"
    RUNNING = BatchState.RUNNING, "R"
    SUSPENDED = BatchState.SUSPENDED, "S"
    MOVING = BatchState.REQUEUED, "T"
    WAITING = BatchState.QUEUED, "W"


class SGEState(NativeState):
    """Grid Engine, whose code is a set of letters. What is FINISHED went well only with the exit status 0."""

    FINISHED = BatchState.COMPLETED, "z"
    QUEUED = BatchState.QUEUED, "qw"
    WAITING = BatchState.QUEUED, "w"
    HELD = BatchState.HELD, "hqw"
    TRANSFERRING = BatchState.STAGING, "t"
    RUNNING = BatchState.RUNNING, "r"
    RESUBMITTED = BatchState.REQUEUED, "R", "Rq", "Rqw"
    RESUBMITTED_HELD = BatchState.REQUEUED_HELD, "hRwq", "hRqw"
    RUNNING_RESUBMITTED = BatchState.RUNNING, "Rr"
    TRANSFERRING_RESUBMITTED = BatchState.STAGING, "Rt"
    SUSPENDED = BatchState.SUSPENDED, "s", "ts"
    QUEUE_SUSPENDED = BatchState.SUSPENDED, "S", "tS"
    QUEUE_SUSPENDED_BY_ALARM = BatchState.SUSPENDED, "T", "tT"
    SUSPENDED_RESUBMITTED = BatchState.SUSPENDED, "Rs", "Rts"
    QUEUE_SUSPENDED_RESUBMITTED = BatchState.SUSPENDED, "RS", "RtS"
    QUEUE_SUSPENDED_BY_ALARM_RESUBMITTED = BatchState.SUSPENDED, "RT", "RtT"
    ERROR = BatchState.FAILED, "Eqw"
    ERROR_HELD = BatchState.FAILED, "Ehqw"
    ERROR_RESUBMITTED = BatchState.FAILED, "EhRqw"
    DELETED = BatchState.COMPLETING, "d", "dr", "dt", "dRr", "dRt"
    DELETED_SUSPENDED = BatchState.COMPLETING, "ds", "dS", "dT", "dRs", "dRS", "dRT"


class ShellState(NativeState):
    """A process, as ps tells it by one letter."""

    UNINTERRUPTIBLE_SLEEP = BatchState.RUNNING, "D"
    IDLE = BatchState.RUNNING, "I"
    RUNNING = BatchState.RUNNING, "R"
    INTERRUPTIBLE_SLEEP = BatchState.RUNNING, "S"
    PAGING = BatchState.RUNNING, "W"
    STOPPED = BatchState.SUSPENDED, "T"
    STOPPED_BY_DEBUGGER = BatchState.SUSPENDED, "t"
    DEAD = BatchState.COMPLETED, "X"
    DEFUNCT = BatchState.COMPLETED, "Z"
