"""How executions and tasks are named on a cluster: print and parse, in one place.

An execution is ``scale_job_<framework>_<job>x<number>``; its tasks append ``_<type>``; a task that was lost and
runs again appends ``_lost-<n>``. A framework id therefore holds no underscore.
"""

from __future__ import annotations

import re
from typing import NewType

ClusterId = NewType("ClusterId", str)
TaskId = NewType("TaskId", str)

JOB_TASK_ID_PREFIX = "scale_job"
_SEGMENTS = 4  # scale, job, framework, <job>x<number>
_EXECUTION = re.compile(rf"{JOB_TASK_ID_PREFIX}_[^_]*_(\d+)x(\d+)(?:_|$)")
_LOST = re.compile(r"_lost-\d+$")


def cluster_id(framework_id: str, job_id: int, exe_num: int) -> ClusterId:
    """Name an execution.

    :raises ValueError: the framework id holds an underscore, which would make the name ambiguous
    """
    if "_" in framework_id:
        raise ValueError(f"framework id {framework_id!r} holds an underscore")
    return ClusterId(f"{JOB_TASK_ID_PREFIX}_{framework_id}_{job_id}x{exe_num}")


def task_id(execution: ClusterId, task_type: str) -> TaskId:
    return TaskId(f"{execution}_{task_type}")


def lost_task_id(task: TaskId, losses: int) -> TaskId:
    """Name the next incarnation of a task that has been lost ``losses`` times."""
    return TaskId(f"{_LOST.sub('', task)}_lost-{losses}")


def losses_in(task: TaskId) -> int:
    """How often the task of this name has been lost before."""
    found = _LOST.search(task)
    return int(found.group().removeprefix("_lost-")) if found else 0


def parse_cluster_id(task: str) -> ClusterId:
    """Name the execution that a task belongs to."""
    execution, _, _ = task.rpartition("_")
    if execution.count("_") == _SEGMENTS - 1:  # as most: of a task that was not lost
        return ClusterId(execution)
    segments = task.split("_", _SEGMENTS)
    return ClusterId(task if len(segments) <= _SEGMENTS else task[: -len(segments[-1]) - 1])


def execution_of(task: str) -> tuple[int, int] | None:
    """The job and the number of the execution that a task belongs to; None if it is no execution's."""
    found = _EXECUTION.match(task)
    return (int(found.group(1)), int(found.group(2))) if found else None


def task_type_of(task: str) -> str:
    """Whether a task of an execution is its pre, main or post; empty if it is no execution's."""
    if not is_job_task(task):
        return ""
    kind = task.rpartition("_")[2]
    return _LOST.sub("", task).rpartition("_")[2] if kind.startswith("lost-") else kind


def is_job_task(task: str) -> bool:
    return task.startswith(JOB_TASK_ID_PREFIX + "_")
