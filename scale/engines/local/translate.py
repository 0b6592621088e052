"""Between the engine's values and what the keeper reads and writes; pure."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scale.engines.protocol import Reason, TaskReport, TaskSpec, TaskState, Usage
from scale.kernel.ids import TaskId

_PRIVATE = ("SCALE_", "DJANGO_")


def order(task: TaskSpec) -> dict[str, Any]:
    """A task for the keeper."""
    return {
        "id": task.id,
        "argv": list(task.command),
        "env": dict(task.env),
        "cwd": task.working_dir,
        "grace": task.grace.total_seconds(),
        "mem": task.resources["mem"],
        "needs": {name: amount for name, amount in task.resources.items() if amount},
        "waits": task.waits,
        "keeps": task.keeps_room,
    }


def task_environment(ours: Mapping[bytes, bytes]) -> dict[str, str]:
    """The part of our environment that tasks may see: not the service's settings, which hold secrets."""
    texts = {_text(name): _text(value) for name, value in ours.items()}
    return {name: value for name, value in texts.items() if not name.startswith(_PRIVATE)}


def report(told: Mapping[str, Any], node: str) -> TaskReport:
    """What the keeper told of a task."""
    state = TaskState(told["state"])
    return TaskReport(
        task_id=TaskId(told["id"]),
        state=state,
        when=_moment(told["when"]),
        node=node,
        exit_code=told.get("exit"),
        signal=told.get("signal"),
        reason=Reason(told.get("reason", "")),
        message=_message(told, state),
        usage=Usage(told["cpu"], told["mem"]) if "cpu" in told else None,
    )


def started(told: Mapping[str, Any], node: str) -> TaskReport:
    """That a task was started, from what the keeper told of its end."""
    return TaskReport(TaskId(told["id"]), TaskState.RUNNING, _moment(told["started"]), node)


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"number {number}"


def _message(told: Mapping[str, Any], state: TaskState) -> str:
    if message := told.get("message"):
        return str(message)
    if "signal" in told:
        how = f"terminated by signal {signal_name(told['signal'])}"
    elif told.get("exit"):
        how = f"exited with status {told['exit']}"
    else:
        return ""
    return f"killed: {how}" if state is TaskState.KILLED else how


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")  # as the keeper will encode it, whatever our own locale
