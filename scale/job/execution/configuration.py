"""What each task of an execution gets: command, environment, resources, volumes. A JSON document, version 2.0. Pure.

To Scale's own keys this adds, for each task, ``command`` (the program and its arguments as a list; ``args`` is the same
as one line of text), ``working_dir``, ``step`` (what Scale's own program is to do) and ``secrets`` (variables of the
environment whose values are sealed). No answer shows those.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scale.job.execution.exceptions import InvalidExecutionConfiguration
from scale.kernel.ids import ClusterId, task_id
from scale.kernel.resources import Resources, shared_resources
from scale.kernel.sharing import shared
from scale.seed.configuration import HIDDEN

VERSION = "2.0"
STEP = "SCALE_STEP_"  #: of variables: with a number, a piece of what a step is to do
_LONGEST = 120_000
_GPUS = "CUDA_VISIBLE_DEVICES"
SHELL = ("/bin/sh", "-c")
TaskType = Literal["pull", "pre", "main", "post"]


@dataclass(frozen=True, slots=True)
class DockerParameter:
    """A flag of ``docker run`` and its value."""

    flag: str
    value: str


class _Volume(BaseModel):
    model_config = ConfigDict(extra="forbid")

    container_path: str
    mode: Literal["ro", "rw"]
    type: Literal["host", "volume"]
    host_path: str | None = None
    driver: str | None = None
    driver_opts: dict[str, str] = Field(default_factory=dict)


class _Task(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: TaskType
    args: str
    task_id: str = ""
    command: list[str] = Field(default_factory=list)
    working_dir: str | None = None
    resources: dict[str, float] = Field(default_factory=dict)
    env_vars: dict[str, str] = Field(default_factory=dict)
    workspaces: dict[str, dict[str, str]] = Field(default_factory=dict)
    mounts: dict[str, str | None] = Field(default_factory=dict)
    settings: dict[str, str | None] = Field(default_factory=dict)
    volumes: dict[str, _Volume] = Field(default_factory=dict)
    docker_params: list[dict[str, str]] = Field(default_factory=list)
    step: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal["2.0"] = "2.0"
    input_files: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    output_workspaces: dict[str, str] = Field(default_factory=dict)
    tasks: list[_Task] = Field(default_factory=list)


_NOTHING = _Task(type="main", args="")


class ExecutionConfiguration:
    """The document and questions about it; a task type that is not there has nothing.

    :raises InvalidExecutionConfiguration: a key is missing, unknown or of the wrong kind
    """

    def __init__(self, configuration: Mapping[str, Any] | None = None) -> None:
        try:
            self._document = _Document.model_validate(configuration or {})
        except ValidationError as error:
            faults = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
            raise InvalidExecutionConfiguration("; ".join(faults)) from None
        self._tasks = {task.type: task for task in self._document.tasks}

    def get_dict(self) -> dict[str, Any]:
        return self._document.model_dump(exclude_unset=True) | {"version": VERSION}

    def get_task_types(self) -> list[str]:
        """In the order in which they run."""
        return [task.type for task in self._document.tasks]

    def get_task_id(self, task_type: str) -> str:
        return self._task(task_type).task_id

    def get_args(self, task_type: str) -> str:
        return shared(self._task(task_type).args)

    def get_command(self, task_type: str) -> tuple[str, ...]:
        task = self._task(task_type)
        return shared(tuple(task.command or shlex.split(task.args)))

    def get_working_dir(self, task_type: str) -> str | None:
        return shared(self._task(task_type).working_dir)

    def get_resources(self, task_type: str) -> Resources:
        return shared_resources(self._task(task_type).resources)

    def get_env_vars(self, task_type: str) -> dict[str, str]:
        task = self._task(task_type)
        if not task.step:
            return dict(task.env_vars)
        files = {"files": self._document.input_files} if task.type == "pre" else {}
        return {**task.env_vars, **step_variables({**task.step, **files})}

    def get_secrets(self, task_type: str) -> dict[str, str]:
        """Variables of the environment, sealed."""
        return dict(self._task(task_type).secrets)

    def get_gpus(self) -> tuple[int, ...]:
        """The indices of the GPUs that the execution was given."""
        main = self._task("main")
        given = main.env_vars.get(_GPUS, "") if main.resources.get("gpus") else ""
        return tuple(int(index) for index in given.split(",") if index.isdecimal())

    def get_docker_params(self, task_type: str) -> tuple[DockerParameter, ...]:
        return tuple(DockerParameter(param["flag"], param["value"]) for param in self._task(task_type).docker_params)

    def get_named_docker_volumes(self) -> list[str]:
        """The volumes that are not directories of the host, each once."""
        named = (name for task in self._document.tasks for name, volume in task.volumes.items() if volume.type == "volume")
        return list(dict.fromkeys(named))

    def _task(self, task_type: str) -> _Task:
        return self._tasks.get(task_type, _NOTHING)  # type: ignore[call-overload, no-any-return]


def command_configuration(
    execution: ClusterId,
    command: str | Sequence[str],
    *,
    env: Mapping[str, str],
    working_dir: str | None,
    resources: Mapping[str, float],
    job_id: int,
    exe_num: int,
    gpus: Iterable[int] = (),
) -> dict[str, Any]:
    """Configure an execution that is one command: a text runs by the shell, a list as it is.

    :param gpus: the indices of those that it gets
    """
    words = [*SHELL, command] if isinstance(command, str) else list(command)
    told = {f"ALLOCATED_{name.upper()}": f"{amount:.1f}" for name, amount in resources.items()}
    told |= {"SCALE_JOB_ID": str(job_id), "SCALE_EXE_NUM": str(exe_num), **gpu_variables(gpus)}
    main = {
        "task_id": task_id(execution, "main"),
        "type": "main",
        "resources": dict(resources),
        "args": shlex.join(words),
        "command": words,
        "working_dir": working_dir,
        "env_vars": {**env, **told},
    }
    return {"version": VERSION, "tasks": [main]}


def step_variables(step: Mapping[str, Any]) -> dict[str, str]:
    """A document as variables, none of them longer than the system takes."""
    text = json.dumps(step, separators=(",", ":"))
    pieces = (text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST))
    return {f"{STEP}{number}": piece for number, piece in enumerate(pieces)}


def without_secrets(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The document as anybody may see it."""
    tasks = configuration.get("tasks", ())
    if not any(task.get("secrets") for task in tasks):
        return dict(configuration)
    hidden = [{**task, "secrets": dict.fromkeys(task.get("secrets", ()), HIDDEN)} for task in tasks]
    return {**configuration, "tasks": hidden}


def gpu_variables(gpus: Iterable[int]) -> dict[str, str]:
    """How a program, and the tools that start containers, are told which GPUs are its own; without any it sees none."""
    indices = ",".join(map(str, gpus))
    return {_GPUS: indices, "NVIDIA_VISIBLE_DEVICES": indices or "void"}
