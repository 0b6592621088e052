"""What the scheduler asks of an engine, and the values that go to and fro. An engine sends *reports*.

An engine runs tasks on nodes it knows. It is told what to start and what to kill, and it answers with reports, in the
order in which things happened. The end of a task is reported again after every reconnection until it is acknowledged,
which the scheduler does once the end is committed to the database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from scale.kernel.errors import ClusterTrouble
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources


@dataclass(frozen=True, slots=True)
class Term:
    """Whose orders an engine takes: of two schedulers of one installation, the one with the greater number leads."""

    installation: str = ""  #: names the database; "": a scheduler without one, which gives way to all that have one
    number: int = 0

    def is_older_than(self, other: Term) -> bool:
        """Whether it may give no orders once the other has been seen; another installation takes over."""
        if self.installation == other.installation:
            return self.number < other.number
        return not self.installation


class Superseded(ClusterTrouble):
    """A scheduler with a newer term gives the orders here."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do beyond running tasks; the scheduler asks this, never the engine's name."""

    places_tasks: bool = False  #: has a queue of its own: we choose which tasks, it chooses where
    runs_containers: bool = False  #: can start a task from a container image
    survives_us: bool = False  #: its tasks go on when the scheduler dies, and a new scheduler finds them
    holds_back: bool = False  #: a task may be launched before there is room for it: it waits there, in turn
    is_bound_to_host: bool = False  #: only a scheduler on the same host, with the same data directory, finds them


class TaskState(StrEnum):
    """What an engine can say of a task; the words are those of Mesos."""

    STAGING = "TASK_STAGING"
    RUNNING = "TASK_RUNNING"
    FINISHED = "TASK_FINISHED"  #: exit code 0
    FAILED = "TASK_FAILED"
    KILLED = "TASK_KILLED"  #: ended because we asked for it
    LOST = "TASK_LOST"  #: the engine does not have it and never will; it may be started again under a new id

    @property
    def is_end(self) -> bool:
        """Whether nothing can follow: the task is not alive, and its report waits for an acknowledgement."""
        return self not in (TaskState.STAGING, TaskState.RUNNING)


class Reason(StrEnum):
    """Why a task is in its state, where the state alone does not tell."""

    NONE = ""
    COMMAND_NOT_FOUND = "REASON_COMMAND_NOT_FOUND"  #: there is no such program
    COMMAND_NOT_EXECUTABLE = "REASON_COMMAND_NOT_EXECUTABLE"  #: it is there but cannot be run
    WORKING_DIRECTORY = "REASON_WORKING_DIRECTORY"  #: the working directory is missing or closed to us
    LAUNCH_FAILED = "REASON_LAUNCH_FAILED"  #: the engine could not start it, for a reason of its own
    OUT_OF_MEMORY = "REASON_OUT_OF_MEMORY"  #: it was ended for using more memory than it had asked for
    EXIT_UNSEEN = "REASON_EXIT_UNSEEN"  #: it ran and is over, but nobody was there to see its exit code
    UNKNOWN_TASK = "REASON_UNKNOWN_TASK"  #: the engine has never heard of it
    WITHDRAWN = "REASON_WITHDRAWN"  #: it still waited for room when it was taken back, and never ran
    NODE_LOST = "REASON_NODE_LOST"  #: its node is gone


@dataclass(frozen=True, slots=True)
class Usage:
    """What a task used over its whole life, its descendants that it waited for included."""

    cpu_seconds: float = 0.0  #: user and system time
    peak_memory: float = 0.0  #: MiB: the most that all its processes took at once, or else the largest resident set of one


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """All an engine needs to start one task."""

    id: TaskId
    node: str  #: the agent id of the node it is to run on
    command: tuple[str, ...]  #: the program and its arguments, run as they are
    resources: Resources  #: with more memory than its ``mem`` it ends OUT_OF_MEMORY, where an engine can; 0: no limit
    env: Mapping[str, str] = field(default_factory=dict)  #: added to the engine's own environment for tasks
    working_dir: str | None = None  #: None: a fresh, empty directory of the task's own
    grace: timedelta = timedelta(seconds=5)  #: between SIGTERM and SIGKILL when it is killed
    image: str | None = None
    waits: bool = False  #: it starts once its resources are free there, after all that were launched before it and wait
    keeps_room: bool = (
        False  #: its resources are not free before its end is acknowledged: until then the next task may go on in them
    )


@dataclass(frozen=True, slots=True)
class TaskReport:
    """One thing that happened to a task, in the engine's words."""

    task_id: TaskId
    state: TaskState
    when: datetime  #: the engine's own time
    node: str = ""
    exit_code: int | None = None  #: None when a signal ended it, or nobody saw it
    signal: int | None = None  #: the number of the signal that ended it
    reason: Reason = Reason.NONE
    message: str = ""
    usage: Usage | None = None  #: with the end of a task that ran
    container: str | None = None


class Condition(StrEnum):
    """What can be wrong with a node that is online: it takes no new tasks while it is so, and those that it has go on."""

    LOW_DISK_SPACE = "LOW_DISK_SPACE"  #: hardly any room is left where tasks work and write


@dataclass(frozen=True, slots=True)
class NodeReport:
    """A node appeared, changed, went away or came back."""

    node: str  #: the agent id
    hostname: str
    is_online: bool
    when: datetime
    total: Resources = field(default_factory=Resources)  #: what the machine has
    offered: Resources = field(default_factory=Resources)  #: what tasks may have of it
    conditions: tuple[Condition, ...] = ()  #: what is wrong with it now; one that a later report leaves out is over


Report = TaskReport | NodeReport
Keep = Callable[[Sequence[TaskId]], Collection[TaskId]]  #: of these tasks, those whose output must stay
Stream = StrEnum("Stream", {"STDOUT": "stdout", "STDERR": "stderr", "COMBINED": "combined"})


@runtime_checkable
class Engine(Protocol):
    """One kind of cluster. Calls return at once; what comes of them is told by reports.

    No call raises for a task or a node that it does not know. `ClusterTrouble` means: nothing of this call was done,
    try it again later. `Superseded` means: nothing was done, nor will be; the engine has none of our tasks any more.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def start(self, wake: Callable[[], None], term: Term = Term()) -> None:
        """Connect, find what still runs from before, and call ``wake`` from now on whenever there are reports.

        The first reports name every node. The newest term is remembered for ever by what runs the tasks: whoever has an
        older one is refused, and whoever was connected with an older one can do nothing any more.

        :raises Superseded: the term is older than one that was here before
        """
        ...

    def launch(self, tasks: Sequence[TaskSpec], when: datetime) -> None:
        """Start tasks. A task id that was ever launched before is not started again, and says so to nobody."""
        ...

    def kill(self, tasks: Iterable[TaskId], when: datetime) -> None:
        """End tasks: SIGTERM to all their processes, SIGKILL after their grace. A stranger is reported lost."""
        ...

    def withdraw(self, tasks: Iterable[TaskId], when: datetime) -> None:
        """Take back those of these tasks that still wait for room: they end KILLED, WITHDRAWN. The others go on."""
        ...

    def reconcile(self, tasks: Iterable[TaskId], when: datetime) -> None:
        """Report anew how each of these tasks stands; LOST for a stranger."""
        ...

    def reports(self, when: datetime) -> list[Report]:
        """What happened since the last call, in order."""
        ...

    def acknowledge(self, tasks: Iterable[TaskId]) -> None:
        """These ends are durable with us: the engine may forget the tasks, but still not start them again."""
        ...

    def remove_output(self, before: datetime, keep: Keep, most: int) -> int:
        """Remove what tasks have written that were launched before and have not written since, of at most so many.

        An engine may go by whole days, and leave output for a day longer.

        ``keep`` is asked some tasks at a time, and what it names stays. Returns of how many tasks the output is gone. This
        call may take some milliseconds, and nothing else waits for it.
        """
        ...

    def stop(self, *, leave_tasks: bool) -> None:
        """Disconnect. With ``leave_tasks`` running tasks go on and can be found again; else nothing is left running.

        Once superseded it leaves them in any case.
        """
        ...


@dataclass(frozen=True, slots=True)
class Volume:
    """How much tasks have written."""

    files: int
    bytes: int
    days: int  #: on how many days they were launched
    oldest: date | None  #: the first of these
    is_complete: bool  #: whether all files were looked at; else there are more


class LogSource(Protocol):
    """Where the output of tasks can be read; used by the web process, which has no engine."""

    def size(self, task_id: TaskId, stream: Stream) -> int | None:
        """How many bytes of output there are so far; None when there is none (yet)."""
        ...

    def read(self, task_id: TaskId, stream: Stream, start: int = 0, stop: int | None = None) -> bytes | None:
        """The output so far, or these bytes of it; None when there is none (yet).

        What stands in one stream stays where it is; two streams combined may be put in another order as they grow.
        """
        ...

    def volume(self, most: int) -> Volume:
        """How much output there is, as far as so many files tell."""
        ...
