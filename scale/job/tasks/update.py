"""What an engine said of a task, in our words. An engine sends reports; we keep updates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from scale.engines.protocol import Usage


class TaskStatus(StrEnum):
    STAGING = "STAGING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    LOST = "LOST"  #: not an end: the task runs again under a new id
    UNKNOWN = "UNKNOWN"  #: says only that the task is still spoken of


ENDED = frozenset({TaskStatus.FINISHED, TaskStatus.FAILED, TaskStatus.KILLED})

#: Native states to ours. A task of which an engine says that it is gone for good is lost.
STATUS_OF_NATIVE: Mapping[str, TaskStatus] = {
    "TASK_STAGING": TaskStatus.STAGING,
    "TASK_STARTING": TaskStatus.STAGING,
    "TASK_RUNNING": TaskStatus.RUNNING,
    "TASK_FINISHED": TaskStatus.FINISHED,
    "TASK_FAILED": TaskStatus.FAILED,
    "TASK_ERROR": TaskStatus.FAILED,
    "TASK_KILLED": TaskStatus.KILLED,
    "TASK_LOST": TaskStatus.LOST,
    "TASK_DROPPED": TaskStatus.LOST,
    "TASK_UNREACHABLE": TaskStatus.LOST,
    "TASK_GONE": TaskStatus.LOST,
    "TASK_GONE_BY_OPERATOR": TaskStatus.LOST,
}

_EXITED = re.compile(r"exited with status (-?\d+)")
_CONTAINER = "MESOS_CONTAINER_NAME"


class Update(Protocol):
    """The columns of a `TaskUpdate` row that matter here."""

    @property
    def task_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def timestamp(self) -> datetime | None: ...
    @property
    def source(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def message(self) -> str | None: ...


class ReportedUpdate(NamedTuple):
    """What an engine said of a task of an execution: the columns of a `TaskUpdate` row, in their order, before it is one."""

    job_exe_id: int | None
    task_id: str
    status: str
    timestamp: datetime | None
    heard: datetime | None
    source: str | None
    reason: str | None
    message: str | None
    created: datetime


class TaskStatusUpdate:
    """One update of one task.

    ``data`` may hold ``exit_code``, ``signal``, ``usage`` (a `Usage`) and ``Config.Env`` of a container.
    ``heard`` is when we learned of it; it stands in for ``timestamp`` where an engine gives no time.
    """

    def __init__(
        self, task_update_model: Update, agent_id: str, data: Mapping[str, Any] | None, *, heard: datetime | None = None
    ) -> None:
        self.task_id = task_update_model.task_id
        self.agent_id = agent_id
        self.data = data or {}
        self.timestamp = task_update_model.timestamp
        self.heard = heard
        self.native_status = task_update_model.status
        self.status = STATUS_OF_NATIVE.get(task_update_model.status, TaskStatus.UNKNOWN)
        self.message = task_update_model.message
        self.source = task_update_model.source
        self.reason = task_update_model.reason
        self.exit_code = self._exit_code()

    @property
    def when(self) -> datetime | None:
        """The moment to go by: the engine's own, but never one that is still to come."""
        if self.timestamp is None or self.heard is None:
            return self.timestamp or self.heard
        return min(self.timestamp, self.heard)

    @property
    def signal(self) -> int | None:
        return self.data.get("signal")

    @property
    def usage(self) -> Usage | None:
        return self.data.get("usage")

    @property
    def container_name(self) -> str | None:
        """The name of the container, if the update tells of one."""
        for entry in self.data.get("Config", {}).get("Env", ()):
            name, _, value = entry.partition("=")
            if name == _CONTAINER and value:
                return str(value)
        return self.data.get("container")

    def _exit_code(self) -> int | None:
        if self.data.get("exit_code") is not None:
            return int(self.data["exit_code"])
        if self.message and (found := _EXITED.search(self.message)):
            return int(found.group(1))
        return 0 if self.status is TaskStatus.FINISHED else None
