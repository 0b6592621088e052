"""Finds files by their paths in workspaces, on this machine's disks, and never leaves the workspace. Knows no database."""

from __future__ import annotations

import mimetypes
import os
import stat
from functools import cache
from pathlib import Path
from typing import NamedTuple

from scale.kernel.errors import BadRequest
from scale.kernel.reading import shown
from scale.seed.manifest import UNKNOWN_MEDIA_TYPE
from scale.storage.workspace import clean_path

_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_MORE_TYPES = {
    ".geojson": "application/geo+json",
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}


class NoSuchFile(BadRequest):
    """There is no file of this path in the workspace."""


class FoundFile(NamedTuple):
    """A file on the disk."""

    location: Path  #: without symbolic links
    size: int  #: bytes
    media_type: str


def find_file(root: str | Path, path: str) -> FoundFile:
    """The file of this path below the root of a workspace; a symbolic link counts as what it leads to.

    :raises WrongPath: it cannot be the path of a file
    :raises NoSuchFile: there is none, it is not below the root, or it is not a regular file
    """
    clean = clean_path(path)
    top = _top(root)
    location = Path(os.path.realpath(top / clean))  # looked at before anything is asked of it
    if not location.is_relative_to(top):
        raise NoSuchFile(f"The path {shown(clean)!r} leads out of the workspace.")
    try:
        found = location.stat()
    except OSError as error:
        raise NoSuchFile(f"There is no file {shown(clean)!r} in the workspace: {error.strerror}.") from None
    if not stat.S_ISREG(found.st_mode):
        raise NoSuchFile(f"The path {shown(clean)!r} is {_kind(found.st_mode)}, not a regular file.")
    return FoundFile(location, found.st_size, media_type_of(clean))


def media_type_of(path: str) -> str:
    """What the name of a file says of what is in it; the same on every machine."""
    guessed, packing = _types().guess_type(f"file:///{path}")
    return _PACKED.get(packing, UNKNOWN_MEDIA_TYPE) if packing else guessed or UNKNOWN_MEDIA_TYPE


def what_is_wrong_with_root(root: str, home: Path) -> str | None:
    """Why this directory cannot be a workspace; None if it can.

    In the data directory of the service are keys and the database; no job is to read those.
    """
    top, kept = Path(os.path.realpath(root)), Path(os.path.realpath(home))
    if not top.is_dir():
        return f"there is no directory {shown(root)!r}; create it first, or state another one"
    if top.is_relative_to(kept) or kept.is_relative_to(top):
        return f"the data directory of the service, {kept}, may neither hold a workspace nor be in one; choose another"
    if not os.access(top, os.R_OK | os.X_OK):
        return f"the service may not read {shown(root)!r}; change its mode or its owner"
    return None


def _top(root: str | Path) -> Path:
    top = Path(os.path.realpath(root))
    if not top.is_dir():
        raise NoSuchFile(
            f"The directory of the workspace, {shown(str(root))}, is not there; whoever runs the service must see to it."
        )
    return top


def _kind(mode: int) -> str:
    return "a directory" if stat.S_ISDIR(mode) else "a device, a pipe or a socket"


@cache
def _types() -> mimetypes.MimeTypes:
    """Those that are built in, whatever the files of this machine say."""
    types = mimetypes.MimeTypes(filenames=())
    for ending, media_type in _MORE_TYPES.items():
        types.add_type(media_type, ending)
    return types
