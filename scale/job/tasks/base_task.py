"""A task of any kind: something the scheduler launches on a node. A lock around a timeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from scale.engines.protocol import Usage
from scale.job.tasks import timeline
from scale.job.tasks.update import TaskStatus, TaskStatusUpdate
from scale.kernel.locks import OwnedLock
from scale.kernel.resources import Resources
from scale.kernel.sharing import shared


class Task(ABC):
    """Thread-safe. Reading takes no lock: the timeline is one immutable value.

    There are many of them, so all have one lock, and what is the same for most stands in the class.
    """

    task_type = ""
    title = ""
    description = ""
    uses_docker = False
    docker_image: str | None = None
    docker_params: Sequence[object] = ()
    is_docker_privileged = False
    command: Sequence[str] = ()
    command_arguments = ""
    working_dir: str | None = None
    secrets: Mapping[str, str] = MappingProxyType({})  #: more of its environment, sealed
    waits_for_room = True  #: a task that takes over what one before it had on the node does not
    keeps_room = False  #: a task after which another one goes on does, until that is launched
    _env_names: tuple[str, ...] = ()
    _env_values: tuple[str, ...] = ()
    lock = OwnedLock()
    _running_timeout_threshold: timedelta | None = timeline.RUNNING_TIMEOUT
    _staging_timeout_threshold: timedelta | None = timeline.STAGING_TIMEOUT
    _running_recon_threshold = timeline.RUNNING_SILENCE
    _staging_recon_threshold = timeline.STAGING_SILENCE

    def __init__(self, task_id: str, task_name: str, agent_id: str) -> None:
        self._task_id = task_id
        self._line = timeline.CREATED
        self.watched_until: datetime = timeline.NEVER  #: when its manager looks at it again
        self._alarm: Callable[[str], None] | None = None
        self.name = shared(task_name)
        self.agent_id = shared(agent_id)

    @property
    def id(self) -> str:
        return self._task_id

    @property
    def env(self) -> Mapping[str, str]:
        return dict(zip(self._env_names, self._env_values, strict=True))

    @env.setter
    def env(self, env: Mapping[str, str]) -> None:
        self._env_names, self._env_values = shared(tuple(env)), tuple(map(shared, env.values()))

    @property
    def container_name(self) -> str | None:
        return self._line.container_name

    @property
    def has_been_launched(self) -> bool:
        return self._line.launched is not None

    @property
    def launched(self) -> datetime | None:
        return self._line.launched

    @property
    def has_started(self) -> bool:
        return self._line.started is not None

    @property
    def started(self) -> datetime | None:
        return self._line.started

    @property
    def has_timed_out(self) -> bool:
        return self._line.is_late

    @property
    def has_ended(self) -> bool:
        return self._line.ended is not None

    @property
    def ended(self) -> datetime | None:
        return self._line.ended

    @property
    def final_status(self) -> TaskStatus | None:
        return self._line.final_status

    @property
    def exit_code(self) -> int | None:
        return self._line.exit_code

    @property
    def signal(self) -> int | None:
        return self._line.signal

    @property
    def usage(self) -> Usage | None:
        return self._line.usage

    @property
    def message(self) -> str:
        """What the engine said of the end."""
        return self._line.message

    @property
    def native_state(self) -> str:
        return self._line.native_state

    @abstractmethod
    def get_resources(self) -> Resources:
        """What the task needs on its node."""

    def launch(self, when: datetime) -> None:
        with self.lock:
            self._line = timeline.launch(self._line, when)

    def update(self, task_update: TaskStatusUpdate) -> None:
        """Take an update; one for another id (an earlier incarnation of this task, say) is ignored."""
        with self.lock:
            self.take(task_update)

    def take(self, task_update: TaskStatusUpdate) -> None:
        """The same for a caller that holds the lock, as one does who has many updates."""
        if task_update.task_id == self._task_id:
            self._line = timeline.update(self._line, task_update)

    def check_timeout(self, when: datetime) -> bool:
        """Whether the task is over its time; from then on it needs to be killed."""
        with self.lock:
            self._line = timeline.check_timeout(
                self._line, when, running=self._running_timeout_threshold, staging=self._staging_timeout_threshold
            )
            return self._line.is_late

    def excuse(self, when: datetime) -> None:
        """What keeps it from starting is its node's."""
        with self.lock:
            self._line = timeline.excuse(self._line, when)

    def force_kill(self) -> None:
        with self.lock:
            self._line = self._line._replace(is_unwanted=True)
        self._call()

    def force_reconciliation(self) -> None:
        with self.lock:
            self._line = self._line._replace(is_asked_after=True)
        self._call()

    def watch(self, alarm: Callable[[str], None]) -> None:
        """Call this with the task's id as soon as somebody wants something of it; it must not take a lock."""
        self._alarm = alarm

    def _call(self) -> None:
        if self._alarm is not None:
            self._alarm(self._task_id)

    def due(self) -> datetime:
        """When it is to be looked at, if nothing is said of it before."""
        return timeline.due(
            self._line,
            running=self._running_timeout_threshold,
            staging=self._staging_timeout_threshold,
            silences=(self._staging_recon_threshold, self._running_recon_threshold),
        )

    def needs_killed(self) -> bool:
        """Whether to send a kill (again)."""
        return timeline.needs_killed(self._line)

    def needs_reconciliation(self, when: datetime) -> bool:
        """Whether to ask the engine how the task stands."""
        return timeline.needs_reconciliation(
            self._line, when, running=self._running_recon_threshold, staging=self._staging_recon_threshold
        )
