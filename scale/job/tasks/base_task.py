"""A task of any kind: something the scheduler launches on a node. A timeline behind a lock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from scale.job.tasks.timeline import NEVER, Timeline
from scale.job.tasks.update import TaskStatusUpdate
from scale.kernel.locks import OwnedLock
from scale.kernel.resources import Resources
from scale.kernel.sharing import shared


class Task(Timeline, ABC):
    """Thread-safe. Reading takes no lock.

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

    def __init__(self, task_id: str, task_name: str, agent_id: str) -> None:
        super().__init__()
        self._task_id = task_id
        self.watched_until: datetime = NEVER  #: when its manager looks at it again
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
    def has_been_launched(self) -> bool:
        return self.launched is not None

    @property
    def has_started(self) -> bool:
        return self.started is not None

    @property
    def has_timed_out(self) -> bool:
        return self.is_late

    @property
    def has_ended(self) -> bool:
        return self.ended is not None

    @abstractmethod
    def get_resources(self) -> Resources:
        """What the task needs on its node."""

    def launch(self, when: datetime) -> None:
        with self.lock:
            super().launch(when)

    def update(self, task_update: TaskStatusUpdate) -> None:
        """Take an update; one for another id (an earlier incarnation of this task, say) is ignored."""
        with self.lock:
            if task_update.task_id == self._task_id:
                self.take(task_update)

    def check_timeout(self, when: datetime) -> bool:
        """Whether the task is over its time; from then on it needs to be killed."""
        with self.lock:
            return super().check_timeout(when)

    def excuse(self, when: datetime) -> None:
        """What keeps it from starting is its node's."""
        with self.lock:
            super().excuse(when)

    def force_kill(self) -> None:
        with self.lock:
            self.is_unwanted = True
        self._call()

    def force_reconciliation(self) -> None:
        with self.lock:
            self.is_asked_after = True
        self._call()

    def watch(self, alarm: Callable[[str], None]) -> None:
        """Call this with the task's id as soon as somebody wants something of it; it must not take a lock."""
        self._alarm = alarm

    def _call(self) -> None:
        if self._alarm is not None:
            self._alarm(self._task_id)
