"""What an engine said of a task, in our words. An engine sends reports; we keep updates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, Self

from scale.engines.protocol import TaskReport, Usage


class TaskStatus(StrEnum):
    STAGING = "STAGING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    LOST = "LOST"  #: not an end: the task runs again under a new id
    UNKNOWN = "UNKNOWN"  #: says only that the task is still spoken of


#: for those who look at every update: Python 3.11 takes ten times as long to find a member in its enumeration
RUNNING, FINISHED, LOST = TaskStatus.RUNNING, TaskStatus.FINISHED, TaskStatus.LOST
ENDED = frozenset({FINISHED, TaskStatus.FAILED, TaskStatus.KILLED})

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

    __slots__ = (
        "agent_id", "container_name", "exit_code", "heard", "message", "native_status", "reason", "signal", "source", "status",
        "task_id", "timestamp", "usage", "when",
    )  # fmt: skip

    def __init__(
        self, task_update_model: Update, agent_id: str, data: Mapping[str, Any] | None, *, heard: datetime | None = None
    ) -> None:
        said = data or {}
        timestamp = task_update_model.timestamp
        self.task_id, self.agent_id = task_update_model.task_id, agent_id
        self.native_status = task_update_model.status
        self.status = STATUS_OF_NATIVE.get(self.native_status, TaskStatus.UNKNOWN)
        self.timestamp, self.heard = timestamp, heard
        #: the moment to go by: the engine's own, but never one that is still to come
        self.when = min(timestamp, heard) if timestamp and heard else timestamp or heard
        self.source = task_update_model.source
        self.reason, self.message = task_update_model.reason, task_update_model.message
        self.signal: int | None = said.get("signal")
        self.usage: Usage | None = said.get("usage")
        self.container_name = _container_name(said)
        self.exit_code = _exit_code(said.get("exit_code"), self.status, self.message)

    @classmethod
    def of_report(cls, report: TaskReport, heard: datetime) -> Self:
        """The same of an engine's report, which knows where everything is to be found."""
        news = cls.__new__(cls)
        news.task_id, news.agent_id = report.task_id, report.node
        news.native_status = report.state
        news.status = status = STATUS_OF_NATIVE[report.state]
        news.timestamp = when = report.when
        news.heard, news.when = heard, when if when < heard else heard
        news.source, news.reason, news.message = None, report.reason or None, report.message or None
        news.signal, news.usage, news.container_name = report.signal, report.usage, report.container
        news.exit_code = _exit_code(report.exit_code, status, report.message)
        return news


def _exit_code(stated: int | None, status: TaskStatus, message: str | None) -> int | None:
    if stated is not None:
        return int(stated)
    if message and (found := _EXITED.search(message)):
        return int(found.group(1))
    return 0 if status is FINISHED else None


def _container_name(said: Mapping[str, Any]) -> str | None:
    """The name of the container, if the update tells of one."""
    for entry in said.get("Config", {}).get("Env", ()):
        name, _, value = entry.partition("=")
        if name == _CONTAINER and value:
            return str(value)
    return said.get("container")
