"""What the keeper remembers on disk: an append-only file of JSON lines, written anew when most of it is history.

    ["boot", id]                              the lines that follow were written in this run of the kernel
    ["spawn", id, {day, dir, ...}]           about to be started
    ["pid", id, pid, before, after]           it was started between these two moments since boot
    ["kill", id]                              we were asked to end it
    ["over", id]                              it has used more memory than it may
    ["end", id, {...}]                        it is over
    ["ack", [ids]]                            the scheduler has the end: forget the task

Nothing is synced to disk: a power cut ends the tasks too. A torn line is skipped.
"""

from __future__ import annotations

import contextlib
import json
import os

from scale.engines.local import disk, processes, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_ROOM = 512 * 1024  # bytes of history that are not worth a rewrite
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


def records(path: str) -> list[list[Any]]:
    """Every line that can be read."""
    try:
        text = processes.read(path)
    except FileNotFoundError:
        return []
    found = []
    for each in text.split(b"\n"):
        try:
            record = json.loads(each)
        except ValueError:
            continue
        if isinstance(record, list) and record:
            found.append(record)
    return found


class Journal:
    """The file, open for appending."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = os.open(path, _FLAGS, 0o600)
        self._size = os.fstat(self._fd).st_size
        self._kept = 0  # bytes that the last rewrite left
        self._owed = b"\n" if self._is_torn() else b""  # what the disk would not take yet

    @property
    def is_behind(self) -> bool:
        """Whether the disk refuses to take what we write."""
        return bool(self._owed)

    @property
    def is_stale(self) -> bool:
        return self._size > 2 * self._kept + _ROOM

    def write(self, *new: list[Any]) -> None:
        """Append records; a full disk makes us keep them and try again with the next ones."""
        self.note(*new)
        self.flush()

    def note(self, *new: list[Any]) -> None:
        """Append records together with those that come next, or with a flush."""
        self._owed += b"".join(map(wire.line, new))

    def flush(self) -> None:
        if self._owed:
            with contextlib.suppress(OSError):
                self._flush()

    def write_ahead(self, record: list[Any]) -> None:
        """Append what must stand there before it is done.

        :raises OSError: it does not, and never will; other records may still be owed
        """
        line = wire.line(record)
        self._owed += line
        try:
            self._flush()
        except OSError:
            is_torn = len(self._owed) < len(line)  # what stands of it is passed over
            self._owed = b"\n" if is_torn else self._owed[: -len(line)]
            raise

    def rewrite(self, live: Iterable[list[Any]]) -> None:
        """Replace everything by these records; on a full disk the old file stays."""
        data = b"".join(map(wire.line, live))
        try:
            disk.replace(self._path, data)
            fd = os.open(self._path, _FLAGS, 0o600)
        except OSError:
            self._kept = self._size  # not again before it has doubled
            return
        os.close(self._fd)
        self._fd, self._owed = fd, b""
        self._size = self._kept = len(data)

    def _flush(self) -> None:
        """:raises OSError: the disk does not take it; what it did not take is still owed"""
        while self._owed:
            written = os.write(self._fd, self._owed)
            self._size += written
            self._owed = self._owed[written:]

    def _is_torn(self) -> bool:
        """Whether whoever wrote before was killed in the middle of a line."""
        return self._size > 0 and os.pread(self._fd, 1, self._size - 1) != b"\n"
