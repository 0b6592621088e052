"""Ends that the guardian saw: of tasks whose runner had died. One file, written by the guardian, emptied by the runner.

Both hold a lock on it while they do, so that no end falls between reading and emptying.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os

from scale.engines.local import disk, places, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


def append(orphans: list[dict[str, Any]]) -> None:
    """:raises OSError: the file is as it was"""
    data = b"".join(map(wire.line, orphans))
    fd = _locked()
    try:
        size = os.fstat(fd).st_size
        if os.write(fd, data) < len(data):
            os.ftruncate(fd, size)
            raise disk.no_room()
    finally:
        os.close(fd)


def take(settle: Callable[[list[dict[str, Any]]], None]) -> None:
    """Hand what is there to ``settle``, then empty the file."""
    fd = _locked()
    try:
        text = os.pread(fd, os.fstat(fd).st_size, 0)
        settle(_whole(text))
        os.ftruncate(fd, 0)
    finally:
        os.close(fd)


def _whole(text: bytes) -> list[dict[str, Any]]:
    """What can be read: a guardian may have been killed in the middle of a line."""
    found = []
    for each in text.split(b"\n"):
        with contextlib.suppress(ValueError):
            found.append(json.loads(each))
    return found


def _locked() -> int:
    fd = os.open(places.ORPHANS, _FLAGS, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd
