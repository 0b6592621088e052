"""The one table of states: what each code of each vocabulary means in our words (BatchState), and which code says our word.

There: each member of a vocabulary says our word first, then its codes, the one that is written first. Back: a line of
SAYS for each of our words. `docs/reference/batch-states.md` shows both, and what is lost on the way there and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, Self, TypeVar

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
    """The states of one batch system, or of whoever else tells of jobs."""

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
    # by the name of qtoolkit
    SUSPENDED_KEYBOARD = USER_SUSPENDED


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
    RESUBMITTED = BatchState.REQUEUED, "Rq", "Rqw"
    RESUBMITTED_HELD = BatchState.REQUEUED_HELD, "hRwq", "hRqw"
    RUNNING_RESUBMITTED = BatchState.RUNNING, "Rr", "R"
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
    DELETED = BatchState.COMPLETING, "dr", "d", "dt", "dRr", "dRt"
    DELETED_SUSPENDED = BatchState.COMPLETING, "ds", "dS", "dT", "dRs", "dRS", "dRT"
    # by the names of qtoolkit
    QUEUED_WAITING = QUEUED
    HOLD = HELD
    RESTARTED = RUNNING_RESUBMITTED
    JOB_SUSPENDED = SUSPENDED
    ERROR_PENDING = ERROR
    ERROR_PENDING_HOLD = ERROR_HELD
    ERROR_PENDING_HOLD_REQUEUE = ERROR_RESUBMITTED
    DELETION = DELETION_RUNNING = DELETION_TRANSFERRING = DELETED
    DELETION_RUNNING_RESUBMIT = DELETION_TRANSFERRING_RESUBMIT = DELETED
    DELETION_SUSPENDED_JOB = DELETION_SUSPENDED_QUEUE = DELETION_SUSPENDED_ALARM = DELETED_SUSPENDED
    DELETION_SUSPENDED_RESUBMIT_JOB = DELETION_SUSPENDED_RESUBMIT_QUEUE = DELETION_SUSPENDED_RESUBMIT_ALARM = DELETED_SUSPENDED

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return super()._missing_(value) or cls._by_letters(str(value))

    @classmethod
    def _by_letters(cls, code: str) -> Self | None:
        """Some stand together that nobody has listed, such as a hold of a running job: what weighs most is told."""
        if not code or not set(code) <= _SGE_LETTERS:
            return None
        return next((cls[name] for letters, name in _SGE_BY_LETTERS if set(letters) <= set(code)), None)


#: the first whose letters are all there
_SGE_BY_LETTERS: Final = (
    ("ER", "ERROR_RESUBMITTED"),
    ("Eh", "ERROR_HELD"),
    ("E", "ERROR"),
    *(("d" + letter, "DELETED_SUSPENDED") for letter in "sST"),
    ("d", "DELETED"),
    ("Rs", "SUSPENDED_RESUBMITTED"),
    ("RS", "QUEUE_SUSPENDED_RESUBMITTED"),
    ("RT", "QUEUE_SUSPENDED_BY_ALARM_RESUBMITTED"),
    ("s", "SUSPENDED"),
    ("S", "QUEUE_SUSPENDED"),
    ("T", "QUEUE_SUSPENDED_BY_ALARM"),
    ("Rr", "RUNNING_RESUBMITTED"),
    ("Rt", "TRANSFERRING_RESUBMITTED"),
    ("r", "RUNNING"),
    ("t", "TRANSFERRING"),
    ("Rh", "RESUBMITTED_HELD"),
    ("Rq", "RESUBMITTED"),
    ("R", "RUNNING_RESUBMITTED"),
    ("h", "HELD"),
    ("qw", "QUEUED"),
    ("w", "WAITING"),
)
_SGE_LETTERS: Final = frozenset("EdRsSTrthqw")


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
    # by the name of qtoolkit
    STOPPED_DEBUGGER = STOPPED_BY_DEBUGGER


class MesosState(NativeState):
    """A task of Mesos. LOST is not final: an agent that comes back may still run it."""

    STAGING = BatchState.STAGING, "TASK_STAGING"
    STARTING = BatchState.STAGING, "TASK_STARTING"
    RUNNING = BatchState.RUNNING, "TASK_RUNNING"
    KILLING = BatchState.COMPLETING, "TASK_KILLING"
    FINISHED = BatchState.COMPLETED, "TASK_FINISHED"
    FAILED = BatchState.FAILED, "TASK_FAILED"
    KILLED = BatchState.CANCELED, "TASK_KILLED"
    ERROR = BatchState.REJECTED, "TASK_ERROR"
    LOST = BatchState.NODE_FAILED, "TASK_LOST"
    DROPPED = BatchState.REQUEUED, "TASK_DROPPED"
    UNREACHABLE = BatchState.UNREACHABLE, "TASK_UNREACHABLE"
    GONE = BatchState.NODE_FAILED, "TASK_GONE"
    GONE_BY_OPERATOR = BatchState.NODE_FAILED, "TASK_GONE_BY_OPERATOR"
    UNKNOWN = BatchState.UNREACHABLE, "TASK_UNKNOWN"


class DRMAAState(NativeState):
    """The first version of DRMAA; the second has the words of QState."""

    UNDETERMINED = BatchState.UNREACHABLE, "UNDETERMINED"
    QUEUED_ACTIVE = BatchState.QUEUED, "QUEUED_ACTIVE"
    SYSTEM_ON_HOLD = BatchState.HELD, "SYSTEM_ON_HOLD"
    USER_ON_HOLD = BatchState.HELD, "USER_ON_HOLD"
    USER_SYSTEM_ON_HOLD = BatchState.HELD, "USER_SYSTEM_ON_HOLD"
    RUNNING = BatchState.RUNNING, "RUNNING"
    SYSTEM_SUSPENDED = BatchState.SUSPENDED, "SYSTEM_SUSPENDED"
    USER_SUSPENDED = BatchState.SUSPENDED, "USER_SUSPENDED"
    USER_SYSTEM_SUSPENDED = BatchState.SUSPENDED, "USER_SYSTEM_SUSPENDED"
    DONE = BatchState.COMPLETED, "DONE"
    FAILED = BatchState.FAILED, "FAILED"


class OKAState(NativeState):
    """OKA's JobState."""

    CANCELLED = BatchState.CANCELED, "CANCELLED"
    COMPLETED = BatchState.COMPLETED, "COMPLETED"
    FAILED = BatchState.FAILED, "FAILED"
    NODE_FAIL = BatchState.NODE_FAILED, "NODE_FAIL"
    PREEMPTED = BatchState.PREEMPTED, "PREEMPTED"
    TIMEOUT = BatchState.TIMEOUT, "TIMEOUT"
    BOOT_FAIL = BatchState.NODE_FAILED, "BOOT_FAIL"
    REQUEUED = BatchState.REQUEUED, "REQUEUED"
    RUNNING = BatchState.RUNNING, "RUNNING"
    RESIZING = BatchState.RUNNING, "RESIZING"
    SUSPENDED = BatchState.SUSPENDED, "SUSPENDED"
    PENDING = BatchState.QUEUED, "PENDING"
    CONFIGURING = BatchState.STAGING, "CONFIGURING"
    COMPLETING = BatchState.COMPLETING, "COMPLETING"
    OUT_OF_MEMORY = BatchState.OUT_OF_MEMORY, "OUT_OF_MEMORY"
    REVOKED = BatchState.REVOKED, "REVOKED"


class SlurmqState(NativeState):
    """slurmq's JobState, with the short codes that it reads."""

    COMPLETED = BatchState.COMPLETED, "COMPLETED", "CD"
    RUNNING = BatchState.RUNNING, "RUNNING", "R"
    PENDING = BatchState.QUEUED, "PENDING", "PD"
    CANCELLED = BatchState.CANCELED, "CANCELLED", "CA"
    FAILED = BatchState.FAILED, "FAILED", "F"
    TIMEOUT = BatchState.TIMEOUT, "TIMEOUT", "TO"
    OUT_OF_MEMORY = BatchState.OUT_OF_MEMORY, "OUT_OF_MEMORY", "OOM"
    NODE_FAIL = BatchState.NODE_FAILED, "NODE_FAIL", "NF"
    PREEMPTED = BatchState.PREEMPTED, "PREEMPTED", "PR"
    SUSPENDED = BatchState.SUSPENDED, "SUSPENDED", "S"
    REQUEUED = BatchState.REQUEUED, "REQUEUED", "RQ"
    BOOT_FAIL = BatchState.NODE_FAILED, "BOOT_FAIL", "BF"
    DEADLINE = BatchState.TIMEOUT, "DEADLINE", "DL"
    RESIZING = BatchState.RUNNING, "RESIZING", "RS"
    REVOKED = BatchState.REVOKED, "REVOKED", "RV"
    UNKNOWN = BatchState.UNREACHABLE, "UNKNOWN"


class ScaleState(NativeState):
    """The status of a job of Scale itself."""

    PENDING = BatchState.CREATED, "PENDING"
    BLOCKED = BatchState.BLOCKED, "BLOCKED"
    QUEUED = BatchState.QUEUED, "QUEUED"
    RUNNING = BatchState.RUNNING, "RUNNING"
    FAILED = BatchState.FAILED, "FAILED"
    COMPLETED = BatchState.COMPLETED, "COMPLETED"
    CANCELED = BatchState.CANCELED, "CANCELED"


class JobbergateState(NativeState):
    """The status of a job submission of Jobbergate. CANCELLED asks for the end, and is not yet it."""

    CREATED = BatchState.CREATED, "CREATED"
    SUBMITTED = BatchState.QUEUED, "SUBMITTED"
    REJECTED = BatchState.REJECTED, "REJECTED"
    DONE = BatchState.COMPLETED, "DONE"
    ABORTED = BatchState.FAILED, "ABORTED"
    CANCELLED = BatchState.COMPLETING, "CANCELLED"


#: what QState, and so the second version of DRMAA, says in our words
OF_QSTATE: Final[Mapping[QState, BatchState]] = {
    QState.UNDETERMINED: BatchState.UNREACHABLE,
    QState.QUEUED: BatchState.QUEUED,
    QState.QUEUED_HELD: BatchState.HELD,
    QState.RUNNING: BatchState.RUNNING,
    QState.SUSPENDED: BatchState.SUSPENDED,
    QState.REQUEUED: BatchState.REQUEUED,
    QState.REQUEUED_HELD: BatchState.REQUEUED_HELD,
    QState.DONE: BatchState.COMPLETED,
    QState.FAILED: BatchState.FAILED,
}

VOCABULARIES: Final[tuple[type[NativeState], ...]] = (
    SlurmState,
    PBSState,
    TorqueState,
    SGEState,
    ShellState,
    MesosState,
    DRMAAState,
    OKAState,
    SlurmqState,
    ScaleState,
    JobbergateState,
)

_B, _S, _P, _T, _G, _H = BatchState, SlurmState, PBSState, TorqueState, SGEState, ShellState
_M, _D, _O, _Q, _C, _J = MesosState, DRMAAState, OKAState, SlurmqState, ScaleState, JobbergateState

#: how each vocabulary says our word; one that is not in the line cannot
SAYS: Final[Mapping[BatchState, tuple[NativeState, ...]]] = {
    _B.CREATED: (_C.PENDING, _J.CREATED),
    _B.BLOCKED: (_S.PENDING, _P.HELD, _T.HELD, _G.HELD, _D.SYSTEM_ON_HOLD, _O.PENDING, _Q.PENDING, _C.BLOCKED, _J.SUBMITTED),
    _B.QUEUED: (_S.PENDING, _P.QUEUED, _T.QUEUED, _G.QUEUED, _D.QUEUED_ACTIVE, _O.PENDING, _Q.PENDING, _C.QUEUED, _J.SUBMITTED),
    _B.HELD: (_S.PENDING, _P.HELD, _T.HELD, _G.HELD, _D.USER_ON_HOLD, _O.PENDING, _Q.PENDING, _C.QUEUED, _J.SUBMITTED),
    _B.STAGING: (
        *(_S.CONFIGURING, _P.QUEUED, _T.QUEUED, _G.TRANSFERRING, _M.STAGING, _D.QUEUED_ACTIVE),
        *(_O.CONFIGURING, _Q.UNKNOWN, _C.RUNNING, _J.SUBMITTED),
    ),
    _B.RUNNING: (
        *(_S.RUNNING, _P.RUNNING, _T.RUNNING, _G.RUNNING, _H.RUNNING, _M.RUNNING, _D.RUNNING),
        *(_O.RUNNING, _Q.RUNNING, _C.RUNNING, _J.SUBMITTED),
    ),
    _B.SUSPENDED: (
        *(_S.SUSPENDED, _P.SUSPENDED, _T.SUSPENDED, _G.SUSPENDED, _H.STOPPED, _D.USER_SUSPENDED),
        *(_O.SUSPENDED, _Q.SUSPENDED, _C.RUNNING, _J.SUBMITTED),
    ),
    _B.COMPLETING: (
        *(_S.COMPLETING, _P.EXITING, _T.EXITING, _G.DELETED, _M.KILLING, _D.RUNNING),
        *(_O.COMPLETING, _Q.UNKNOWN, _C.RUNNING, _J.SUBMITTED),
    ),
    _B.REQUEUED: (
        *(_S.REQUEUED, _P.QUEUED, _T.QUEUED, _G.RESUBMITTED, _M.DROPPED, _D.QUEUED_ACTIVE),
        *(_O.REQUEUED, _Q.REQUEUED, _C.QUEUED, _J.SUBMITTED),
    ),
    _B.REQUEUED_HELD: (
        *(_S.REQUEUE_HOLD, _P.HELD, _T.HELD, _G.RESUBMITTED_HELD, _D.USER_ON_HOLD),
        *(_O.REQUEUED, _Q.UNKNOWN, _C.QUEUED, _J.SUBMITTED),
    ),
    _B.UNREACHABLE: (_M.UNREACHABLE, _D.UNDETERMINED, _Q.UNKNOWN, _C.RUNNING, _J.SUBMITTED),
    _B.COMPLETED: (
        *(_S.COMPLETED, _P.FINISHED, _T.COMPLETE, _G.FINISHED, _H.DEFUNCT, _M.FINISHED, _D.DONE),
        *(_O.COMPLETED, _Q.COMPLETED, _C.COMPLETED, _J.DONE),
    ),
    _B.FAILED: (
        *(_S.FAILED, _P.FINISHED, _T.COMPLETE, _G.FINISHED, _H.DEFUNCT, _M.FAILED, _D.FAILED),
        *(_O.FAILED, _Q.FAILED, _C.FAILED, _J.ABORTED),
    ),
    _B.CANCELED: (
        *(_S.CANCELLED, _P.FINISHED, _T.COMPLETE, _G.FINISHED, _H.DEFUNCT, _M.KILLED, _D.FAILED),
        *(_O.CANCELLED, _Q.CANCELLED, _C.CANCELED, _J.ABORTED),
    ),
    _B.TIMEOUT: (
        *(_S.TIMEOUT, _P.FINISHED, _T.COMPLETE, _G.FINISHED, _M.KILLED, _D.FAILED),
        *(_O.TIMEOUT, _Q.TIMEOUT, _C.FAILED, _J.ABORTED),
    ),
    _B.OUT_OF_MEMORY: (
        *(_S.OUT_OF_MEMORY, _P.FINISHED, _T.COMPLETE, _G.FINISHED, _M.FAILED, _D.FAILED),
        *(_O.OUT_OF_MEMORY, _Q.OUT_OF_MEMORY, _C.FAILED, _J.ABORTED),
    ),
    _B.PREEMPTED: (
        *(_S.PREEMPTED, _P.FINISHED, _T.COMPLETE, _M.KILLED, _D.FAILED),
        *(_O.PREEMPTED, _Q.PREEMPTED, _C.FAILED, _J.ABORTED),
    ),
    _B.NODE_FAILED: (
        *(_S.NODE_FAIL, _P.FINISHED, _T.COMPLETE, _G.FINISHED, _M.LOST, _D.FAILED),
        *(_O.NODE_FAIL, _Q.NODE_FAIL, _C.FAILED, _J.ABORTED),
    ),
    _B.REVOKED: (_S.REVOKED, _P.MOVED, _D.FAILED, _O.REVOKED, _Q.REVOKED, _J.ABORTED),
    _B.REJECTED: (_M.ERROR, _D.FAILED, _C.FAILED, _J.REJECTED),
    _B.LOST: (_M.UNKNOWN, _D.UNDETERMINED, _Q.UNKNOWN, _C.FAILED, _J.ABORTED),
}

Vocabulary = TypeVar("Vocabulary", bound=NativeState)


def said_in(vocabulary: type[Vocabulary], state: BatchState) -> Vocabulary | None:
    """How a vocabulary says our word; None if it cannot."""
    return next((member for member in SAYS[state] if isinstance(member, vocabulary)), None)


def coarser(vocabulary: type[NativeState]) -> dict[BatchState, BatchState | None]:
    """Which of our words do not come back from this vocabulary as they went, and as what they do; None: it has no word."""
    there = {state: said_in(vocabulary, state) for state in BatchState}
    back = {state: member.batch_state if member else None for state, member in there.items()}
    return {state: came for state, came in back.items() if came is not state}


def finer(vocabulary: type[NativeState]) -> dict[NativeState, NativeState | None]:
    """Which words of this vocabulary do not come back from ours as they went, and as what they do."""
    back = {member: said_in(vocabulary, member.batch_state) for member in vocabulary}
    return {member: came for member, came in back.items() if came is not member}
