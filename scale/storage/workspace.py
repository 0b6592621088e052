"""A workspace as a value: which directory it is, and which paths may lead to a file in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

from pydantic import Field, field_validator

from scale.kernel.errors import BadRequest
from scale.kernel.reading import Body, Text, shown

MAX_PATH = 1000  #: characters; what the columns of a file hold
MAX_NAME = 250


class WrongPath(BadRequest):
    """No file of a workspace can have this path."""


class FilePath(NamedTuple):
    """Where a file is: a workspace by its name, and the path below its root."""

    workspace: str
    path: str

    def __str__(self) -> str:
        return f"{shown(self.workspace)}:{shown(self.path)}"


class HostBroker(Body):
    """A directory of this machine, or one that all its nodes mount at the same place."""

    type: Literal["host"] = Field(description="`host`: there are no others yet.")
    host_path: Text = Field(min_length=1, max_length=4096, description="An absolute path of a directory that is there.")

    @field_validator("host_path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not path.startswith("/") or ".." in PurePosixPath(path).parts:
            raise ValueError("must be an absolute path without `..`, such as /data/scenes")
        return "/" + str(PurePosixPath(path)).strip("/")


class WorkspaceConfiguration(Body):
    """What a workspace is."""

    broker: HostBroker


def root_of(configuration: Mapping[str, Any]) -> str:
    """The directory of a workspace, from the configuration in its row."""
    return str(configuration["broker"]["host_path"])


def clean_path(path: str) -> str:
    """The one way in which this path is written: each file of a workspace has one.

    :raises WrongPath: it cannot be that of a file
    """
    clean = "/".join(part for part in path.split("/") if part not in ("", "."))
    if wrong := _wrong(path, clean):
        raise WrongPath(f"The path {shown(path)!r} {wrong}.")
    return clean


def _wrong(path: str, clean: str) -> str | None:
    name = clean.rpartition("/")[2]
    rules = (
        (not clean, "names no file; state one below the root of the workspace"),
        (path.startswith("/"), "is absolute; state it from the root of the workspace on"),
        (path.endswith("/"), "names a directory; leave out the slash at its end if it is a file"),
        (".." in clean.split("/"), "has `..` in it; state it without"),
        ("\0" in path, "holds a NUL byte"),
        (any("\ud800" <= character <= "\udfff" for character in path), "is not UTF-8"),
        (len(clean) > MAX_PATH, f"has more than {MAX_PATH} characters"),
        (len(name) > MAX_NAME, f"has a name of more than {MAX_NAME} characters"),
    )
    return next((wrong for is_so, wrong in rules if is_so), None)
