"""What became of each task of an execution: a JSON document, version 1.0, kept with its end. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from scale.job.execution.exceptions import InvalidTaskResults
from scale.kernel.moments import moment_text, parse_moment

if TYPE_CHECKING:
    from scale.job.tasks.exe_task import JobExecutionTask

VERSION = "1.0"
_text_of = lru_cache(maxsize=4096)(moment_text)  # many tasks are launched at one moment, and its text takes long to make


class _Task(BaseModel):
    model_config = ConfigDict(extra="forbid")

    task_id: str
    type: str
    was_launched: bool
    launched: AwareDatetime | None = None
    was_started: bool | None = None
    started: AwareDatetime | None = None
    was_timed_out: bool | None = None
    ended: AwareDatetime | None = None
    status: str | None = None
    exit_code: int | None = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: str = VERSION
    tasks: list[_Task] = []


class TaskResults:
    """The document and questions about it.

    :raises InvalidTaskResults: the version is unknown, or a key is missing, unknown or of the wrong kind
    """

    def __init__(self, task_results: Mapping[str, Any] | None = None, *, do_validate: bool = True) -> None:
        given = dict(task_results or {})
        given.setdefault("version", VERSION)
        given.setdefault("tasks", [])
        if do_validate:
            _validate(given)
        self._document = given

    @classmethod
    def create_task_results(cls, tasks: Iterable[JobExecutionTask]) -> Self:
        """Tell of each task only as far as it got."""
        return cls({"version": VERSION, "tasks": [_task_results(task) for task in tasks]}, do_validate=False)

    def get_dict(self) -> dict[str, Any]:
        return self._document

    def get_task_started(self, task_type: str) -> datetime | None:
        return self._moment(task_type, "started")

    def get_task_ended(self, task_type: str) -> datetime | None:
        return self._moment(task_type, "ended")

    def get_task_run_length(self, task_type: str) -> timedelta | None:
        started, ended = self.get_task_started(task_type), self.get_task_ended(task_type)
        return ended - started if started and ended else None

    def _moment(self, task_type: str, key: str) -> datetime | None:
        for task in self._document["tasks"]:
            if task["type"] == task_type:
                return parse_moment(task[key]) if task.get(key) else None
        return None


def _validate(given: Mapping[str, Any]) -> None:
    if given["version"] != VERSION:
        raise InvalidTaskResults(f"version: {given['version']!r} is unknown; this is version {VERSION}")
    try:
        _Document.model_validate(given)
    except ValidationError as error:
        faults = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise InvalidTaskResults("; ".join(faults)) from None


def _task_results(task: JobExecutionTask) -> dict[str, Any]:
    told: dict[str, Any] = {"task_id": task.id, "type": task.task_type, "was_launched": task.launched is not None}
    if task.launched is None:
        return told
    told["launched"], told["was_started"] = _text_of(task.launched), task.started is not None
    if task.started is None:
        return told
    told["started"], told["was_timed_out"] = _text_of(task.started), task.is_late
    if task.ended is None or task.final_status is None:
        return told
    told["ended"], told["status"] = _text_of(task.ended), task.final_status
    if task.exit_code is not None:
        told["exit_code"] = task.exit_code
    return told
