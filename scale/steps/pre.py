"""The task before the job's program: makes the directories of the execution, and brings its input files.

A file is copied, and may only be read: whatever the program does, it does not change the workspace. Only what its manifest
calls `partial` is a symbolic link into the workspace.
"""

from __future__ import annotations

import json
import os
import shutil
import sys

from scale.steps.common import (
    DELETED_FILE,
    FILESYSTEM,
    MISSING_FILE,
    MISSING_MOUNT,
    MISSING_SETTING,
    UNKNOWN,
    Failed,
    copy,
    run,
    within,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

METADATA_FILE = "scale-input-metadata.json"


def prepare(step: Mapping[str, Any]) -> None:
    """
    :raises Failed: with what is missing
    """
    _check(step)
    directory = step["directory"]
    _make(directory)
    brought = {name: _bring(step, name, files) for name, files in step["files"].items()}
    with open(f"{directory}/input/{METADATA_FILE}", "w", encoding="utf-8") as metadata:
        json.dump({"files": brought}, metadata)


def _check(step: Mapping[str, Any]) -> None:
    if why := step.get("unprepared"):
        raise Failed(UNKNOWN, f"the job could not be prepared: {why}")
    if homeless := step["homeless"]:
        raise Failed(FILESYSTEM, f"these outputs have no workspace that is active: {', '.join(homeless)}")
    if missing := step["missing_settings"]:
        raise Failed(MISSING_SETTING, f"these settings are not configured: {', '.join(missing)}")
    for name, path in step["mounts"].items():
        if path is None:
            raise Failed(MISSING_MOUNT, f"the mount {name} is not configured, or needs a container engine")
        if not os.path.isdir(path):
            raise Failed(MISSING_MOUNT, f"there is no directory {path} for the mount {name}")
    deleted = [file["workspace_path"] for files in step["files"].values() for file in files if file["is_deleted"]]
    if deleted:
        raise Failed(DELETED_FILE, f"these input files were deleted: {', '.join(deleted)}")


def _make(directory: str) -> None:
    """Anew, if an earlier pre of the same execution was lost."""
    os.makedirs(os.path.dirname(directory), mode=0o700, exist_ok=True)
    shutil.rmtree(directory, ignore_errors=True)
    for made in (directory, f"{directory}/input", f"{directory}/output"):
        os.mkdir(made, 0o700)


def _bring(step: Mapping[str, Any], name: str, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    folder = f"{step['directory']}/input/{name}"
    os.mkdir(folder, 0o700)
    return [_bring_one(step, file, f"{folder}/{file['local_file_name']}", is_partial=name in step["partial"]) for file in files]


def _bring_one(step: Mapping[str, Any], file: dict[str, Any], target: str, *, is_partial: bool) -> dict[str, Any]:
    source = within(step["roots"][file["workspace_name"]], file["workspace_path"])
    named = f"{file['workspace_name']}:{file['workspace_path']}"
    if source is None:
        raise Failed(MISSING_FILE, f"the input file {named} leads out of its workspace")
    if not os.path.isfile(source):
        raise Failed(MISSING_FILE, f"the input file {named} is not there")
    if is_partial:
        os.symlink(source, target)
    else:
        copy(source, target, 0o400)
    told = ("id", "type", "workspace_name", "workspace_path", "media_type", "file_size")
    return {**{key: file[key] for key in told}, "file_name": file["local_file_name"], "path": target}


if __name__ == "__main__":
    sys.exit(run(prepare))
