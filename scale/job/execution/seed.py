"""Configures an execution of a job type: pre brings its input, main is its program, post collects its output. Pure.

Where its files lie, below the directory of the execution: ``input/<input>/<name>``, ``input/scale-input-metadata.json`` and
``output/``. What the program is told, it finds in its environment; nothing is pasted into its command.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from scale.job.execution.configuration import SHELL, VERSION, gpu_variables
from scale.job.request import json_text
from scale.kernel.ids import ClusterId, task_id
from scale.kernel.resources import IMAGES
from scale.seed import JobConfiguration, Manifest, Mount, allocated, variable
from scale.seed.configuration import HIDDEN
from scale.seed.manifest import SHARED_MEM
from scale.seed.names import INPUT_METADATA, OUTPUT_DIR

METADATA_FILE = "scale-input-metadata.json"
MOUNT = "SCALE_MOUNT_"  #: of these variables a program learns where its mounts are on the node
_STEPS = "scale.steps"


class InputFile(NamedTuple):
    """A file that a job reads, and where it is."""

    input: str
    id: int
    name: str
    workspace: str
    path: str  #: below the root of its workspace
    root: str
    media_type: str
    size: int  #: bytes
    is_product: bool  #: made by a job
    is_deleted: bool


class Place(NamedTuple):
    """Where a workspace is."""

    id: int
    root: str
    is_active: bool = True  #: else nothing new is put there


class Asked(NamedTuple):
    """What an execution is made from, beside the manifest."""

    job_id: int
    exe_num: int
    json: Mapping[str, Any]  #: values of inputs, by name
    files: Sequence[InputFile]
    configuration: JobConfiguration
    sealed: Mapping[str, str]  #: the secret settings, by name
    workspaces: Mapping[str, Place]
    resources: Mapping[str, float]
    input_mib: float
    gpus: Iterable[int] = ()
    env: Mapping[str, str] = MappingProxyType({})  #: what it is told beside, such as its place in an array


def seed_configuration(
    execution: ClusterId, manifest: Manifest, asked: Asked, *, directory: str, python: Sequence[str]
) -> dict[str, Any]:
    """
    :param directory: the execution's own, on its node; pre makes it
    :param python: what runs a module of ours, which is the last argument
    """
    files = _input_files(asked.files)
    post = _post(manifest, asked, directory)
    pre = _pre(manifest, asked, post, directory)
    resources = {name: amount for name, amount in asked.resources.items() if name != IMAGES}
    ours = {"SCALE_JOB_ID": str(asked.job_id), "SCALE_EXE_NUM": str(asked.exe_num)}
    read = {file.workspace: {"mode": "ro"} for file in asked.files}
    of_main = {**resources, "disk": max(resources.get("disk", 0.0) - asked.input_mib, 0.0)}
    of_post = {name: amount for name, amount in resources.items() if name != "disk"}
    main = _task(
        execution, "main", of_main, [*SHELL, manifest.interface.command], _environment(manifest, asked, files, directory)
    )
    main |= {"workspaces": read, "settings": _settings(manifest, asked), "secrets": _secrets(manifest, asked)}
    main["env_vars"] |= {**asked.env, **_amounts(manifest, asked, of_main), **ours, **gpu_variables(asked.gpus)}
    return {
        "version": VERSION,
        "input_files": files,
        "output_workspaces": {one["name"]: one["workspace"] for one in post["outputs"] if one["workspace"]},
        "tasks": [
            _task(execution, "pre", resources, [*python, f"{_STEPS}.pre"], ours) | {"workspaces": read, "step": pre},
            main,
            _task(execution, "post", of_post, [*python, f"{_STEPS}.post"], ours)
            | {"workspaces": {name: {"mode": "rw"} for name in post["workspaces"]}, "step": post},
        ],
    }


def unprepared_configuration(execution: ClusterId, why: str, *, python: Sequence[str]) -> dict[str, Any]:
    """Of an execution that cannot be configured: its pre says why, and fails."""
    pre = _task(execution, "pre", {}, [*python, f"{_STEPS}.pre"], {})
    tasks = [pre | {"workspaces": {}, "step": {"unprepared": why}}]
    return {"version": VERSION, "input_files": {}, "output_workspaces": {}, "tasks": tasks}


def _task(
    execution: ClusterId, kind: str, resources: Mapping[str, float], command: list[str], env: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "task_id": task_id(execution, kind),
        "type": kind,
        "resources": dict(resources),
        "args": shlex.join(command),
        "command": command,
        "env_vars": dict(env),
    }


def _input_files(files: Sequence[InputFile]) -> dict[str, list[dict[str, Any]]]:
    """By input, each with a name that no other one of it has."""
    by_input: dict[str, list[InputFile]] = {}
    for file in files:
        by_input.setdefault(file.input, []).append(file)
    return {name: _told(of_input, _numbered(of_input)) for name, of_input in by_input.items()}


def _numbered(files: Sequence[InputFile]) -> Collection[int]:
    """Those that get their ids before their names: of two of the same name both, and whose name is then one of those."""
    names = Counter(file.name for file in files)
    found = {file.id for file in files if names[file.name] > 1}
    while True:
        taken = {f"{file.id}.{file.name}" for file in files if file.id in found}
        more = {file.id for file in files if file.name in taken} - found
        if not more:
            return found
        found |= more


def _told(files: Iterable[InputFile], numbered: Collection[int]) -> list[dict[str, Any]]:
    return [
        {
            "id": file.id,
            "type": "PRODUCT" if file.is_product else "SOURCE",
            "workspace_name": file.workspace,
            "workspace_path": file.path,
            "is_deleted": file.is_deleted,
            "local_file_name": f"{file.id}.{file.name}" if file.id in numbered else file.name,
            "media_type": file.media_type,
            "file_size": file.size,
        }
        for file in files
    ]


def _environment(
    manifest: Manifest, asked: Asked, files: Mapping[str, Sequence[Mapping[str, Any]]], directory: str
) -> dict[str, str]:
    """What the program is told of its inputs, open settings and mounts."""
    interface, configured = manifest.interface, asked.configuration
    env = {variable(name): json_text(value) for name, value in asked.json.items()}
    for one in interface.inputs.files:
        if one.name in files:
            folder = f"{directory}/input/{one.name}"
            env[variable(one.name)] = folder if one.multiple else f"{folder}/{files[one.name][0]['local_file_name']}"
    for setting in interface.settings:
        if not setting.secret and setting.name not in asked.sealed and setting.name in configured.settings:
            env[variable(setting.name)] = configured.settings[setting.name]
    for mount in interface.mounts:
        if path := _host_path(configured.mounts.get(mount.name)):
            env[MOUNT + variable(mount.name).replace(".", "_")] = path
    return env | {OUTPUT_DIR: f"{directory}/output", INPUT_METADATA: f"{directory}/input/{METADATA_FILE}"}


def _amounts(manifest: Manifest, asked: Asked, resources: Mapping[str, float]) -> dict[str, str]:
    amounts = dict(resources)
    if shared := manifest.shared_mem(asked.input_mib):
        amounts[SHARED_MEM] = shared
    return {allocated(name): f"{amount:.1f}" for name, amount in amounts.items()}


def _secrets(manifest: Manifest, asked: Asked) -> dict[str, str]:
    """By variable, still sealed; also what was secret once, whatever the manifest says of it now."""
    names = {setting.name for setting in manifest.interface.settings}
    return {variable(name): sealed for name, sealed in asked.sealed.items() if name in names}


def _settings(manifest: Manifest, asked: Asked) -> dict[str, str | None]:
    """As people may see them; null is missing."""
    open_ones = asked.configuration.settings
    return {
        one.name: HIDDEN if one.name in asked.sealed else None if one.secret else open_ones.get(one.name)
        for one in manifest.interface.settings
    }


def _host_path(mount: Mount | None) -> str | None:
    """A volume is for a container engine alone."""
    return mount.host_path if mount and mount.type == "host" else None


def _pre(manifest: Manifest, asked: Asked, post: Mapping[str, Any], directory: str) -> dict[str, Any]:
    interface = manifest.interface
    return {
        "directory": directory,
        "roots": {file.workspace: file.root for file in asked.files},
        "partial": [one.name for one in interface.inputs.files if one.partial],
        "homeless": [one["name"] for one in post["outputs"] if one["workspace"] not in post["workspaces"]],
        "missing_settings": [name for name, value in _settings(manifest, asked).items() if value is None],
        "mounts": {one.name: _host_path(asked.configuration.mounts.get(one.name)) for one in interface.mounts},
    }


def _post(manifest: Manifest, asked: Asked, directory: str) -> dict[str, Any]:
    outputs, named = manifest.interface.outputs, asked.configuration.output_workspaces
    files = [
        {
            "name": one.name,
            "pattern": one.pattern,
            "media_type": one.media_type,
            "multiple": one.multiple,
            "required": one.required,
            "workspace": named.of(one.name),
        }
        for one in outputs.files
    ]
    wanted = {str(one["workspace"]) for one in files}
    return {
        "directory": directory,
        "place": _place(manifest, asked),
        "workspaces": {
            name: {"id": place.id, "root": place.root}
            for name, place in asked.workspaces.items()
            if name in wanted and place.is_active
        },
        "outputs": files,
        "json": [{"name": one.name, "key": one.member, "type": one.type, "required": one.required} for one in outputs.json_],
    }


def _place(manifest: Manifest, asked: Asked) -> str:
    """Below the root of each workspace; no other execution ever has the same."""
    version = re.sub(r"[^a-zA-Z0-9.-]", "_", manifest.job.job_version)
    return f"{manifest.job.name}/{version}/job_{asked.job_id}/exe_{asked.exe_num}"
