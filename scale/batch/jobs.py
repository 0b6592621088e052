"""A job as a batch system tells of it: QJob, its state in words of all batch systems (QState) and of its own (QSubState)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from scale.batch.errors import InvalidFieldError
from scale.batch.jsonable import QTKEnum, QTKObject
from scale.kernel.errors import Fault


class QState(QTKEnum):
    """The state of a job in the words of DRMAA.

    UNDETERMINED: it cannot be told. DRMAA means for good; here it may be told later, as history lags behind.
    QUEUED, QUEUED_HELD: it waits; held by the user, an administrator or the system.
    RUNNING, SUSPENDED: it is on a host.
    REQUEUED, REQUEUED_HELD: it was running, and waits again.
    DONE, FAILED: it is over.
    """

    UNDETERMINED = "UNDETERMINED"
    QUEUED = "QUEUED"
    QUEUED_HELD = "QUEUED_HELD"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    REQUEUED = "REQUEUED"
    REQUEUED_HELD = "REQUEUED_HELD"
    DONE = "DONE"
    FAILED = "FAILED"


class QSubState(QTKEnum):
    """The state of a job in a batch system's own words: a class for each dialect, which lists them.

    A member may have several values, such as a long and a short code. The first is written; each finds the member.
    """

    values: tuple[str, ...]

    def __new__(cls, *values: str) -> Self:
        member = object.__new__(cls)
        member._value_, member.values = values[0], values
        return member

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return next((member for member in cls if value in member.values), None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {', '.join(map(repr, self.values))}>"

    @property
    def qstate(self) -> QState:
        """The same in words of all batch systems."""
        raise NotImplementedError(f"{type(self).__name__} does not say which QState {self.name} is; give it a property qstate")


def sub_state_from(data: Any) -> QSubState:
    """Read a sub-state: the class that its JSON form names decides which.

    :raises InvalidFieldError: no dialect has such a class, or it has no such member
    """
    if isinstance(data, QSubState):
        return data
    if not isinstance(data, Mapping) or "@class" not in data:
        message = f"{data!r} does not say whose state it is; write it like {{'@class': 'SlurmState', 'value': 'RUNNING'}}"
        raise InvalidFieldError([Fault("", message)])
    kinds = {kind.__name__: kind for kind in _kinds(QSubState)}
    if data["@class"] not in kinds:
        raise InvalidFieldError([Fault("@class", f"there is no {data['@class']}; there are {', '.join(sorted(kinds))}")])
    return kinds[data["@class"]].from_dict(data)


def _kinds(kind: type[QSubState]) -> Iterator[type[QSubState]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)


@dataclass
class QJobInfo(QTKObject):
    """What a job holds. Memory in kB, times in seconds."""

    memory: int | None = None
    memory_per_cpu: int | None = None
    nodes: int | None = None
    cpus: int | None = None
    threads_per_process: int | None = None
    time_limit: int | None = None
    # not in the seed
    gpus: int | None = None


@dataclass
class QJob(QTKObject):
    """A job of a batch system.

    `account` is whom it is charged to, `username` whose it is. `exit_status` is that of the shell: 0 to 255, or None while
    there is none. `native_state` and `reason` keep the words of the batch system, also those that no `sub_state` stands for.
    """

    name: str | None = None
    job_id: str | None = None
    exit_status: int | None = None
    state: QState | None = None
    sub_state: QSubState | None = None
    info: QJobInfo | None = None
    account: str | None = None
    runtime: int | None = None
    queue_name: str | None = None
    username: str | None = None
    # not in the seed
    native_state: str | None = None
    reason: str | None = None
    exit_signal: int | None = None

    readers: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "state": QState.from_dict,
        "sub_state": sub_state_from,
        "info": lambda data: data if isinstance(data, QJobInfo) else QJobInfo.from_dict(data),
    }
