"""What the steps have in common: what they are to do, how they fail, and how files are copied. Nothing but Python."""

from __future__ import annotations

import json
import os
import shutil
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

STEP = "SCALE_STEP_"
#: exit codes, by what they mean to the scheduler (`scale.error.catalog.BY_EXIT_CODE`)
UNKNOWN, FILESYSTEM, INVALID_RESULTS, MISSING_SETTING, MISSING_OUTPUT = 1, 4, 5, 6, 7
DELETED_FILE, MISSING_FILE, MISSING_MOUNT, MULTIPLE_OUTPUTS = 8, 9, 10, 26


class Failed(Exception):
    """The step cannot be done, and what that means."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def run(step: Callable[[dict[str, Any]], None]) -> int:
    """Do a step; the exit code. Why it failed is the last line of stderr."""
    try:
        step(told(os.environ))
    except Failed as failure:
        sys.stderr.write(f"{failure}\n")
        return failure.code
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'the file system'}: {error.strerror or error}\n")
        return FILESYSTEM
    return 0


def told(environment: Mapping[str, str]) -> dict[str, Any]:
    """What is to be done: a document in pieces, each a variable."""
    pieces: list[str] = []
    while (name := f"{STEP}{len(pieces)}") in environment:
        pieces.append(environment[name])
    document: dict[str, Any] = json.loads("".join(pieces))
    return document


def within(root: str, path: str) -> str | None:
    """Where this path below a root leads, symbolic links followed; None if that is elsewhere."""
    top = os.path.realpath(root)
    location = os.path.realpath(os.path.join(top, path))
    return location if location.startswith(top.rstrip("/") + "/") else None


def copy(source: str, target: str, mode: int) -> None:
    """A file of its own with the same content; where the file system can, both share the disk until one is changed."""
    with open(source, "rb") as read, open(target, "xb") as written:
        if not _shared(read.fileno(), written.fileno()):
            read.seek(0)
            written.seek(0)
            written.truncate()
            shutil.copyfileobj(read, written, 1 << 20)
        os.fchmod(written.fileno(), mode)


def _shared(source: int, target: int) -> bool:
    """Whether the system could copy it by itself: not between all file systems, and some that cannot copy nothing."""
    try:
        while os.copy_file_range(source, target, 1 << 30):
            pass
    except OSError:
        return False
    return os.fstat(target).st_size == os.fstat(source).st_size
