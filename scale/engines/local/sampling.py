"""Notes the order in which a task writes to its two streams, so that they can be shown as one.

The kernel tells us which files grow (inotify), so a task that is silent costs nothing, and one that ends before the
next look costs no more than its events. A mark, a line `stdout-bytes stderr-bytes`, is kept once both streams have
something.
"""

from __future__ import annotations

import ctypes
import os

from scale.engines.local import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 0.1  # seconds between two looks

_IN_MODIFY = 0x2
_IN_NONBLOCK, _IN_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_HEADER = 16
_CHUNK = 1 << 16
_DAYS_WATCHED = 4
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Sampler:
    """Watches the day directories; ``fileno`` is readable when some file has grown since the last look."""

    def __init__(self, logs: str) -> None:
        self._logs = logs
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        self._days: dict[int, str] = {}
        self._seen: dict[str, tuple[int, int]] = {}

    @property
    def fileno(self) -> int:
        """-1 when the system has no more watches to give: then there are no marks."""
        return int(self._fd)

    def watch(self, day: str) -> None:
        if day in self._days.values() or self._fd < 0:
            return
        if len(self._days) >= _DAYS_WATCHED:
            oldest = next(iter(self._days))
            self._libc.inotify_rm_watch(self._fd, oldest)
            del self._days[oldest]
        number = self._libc.inotify_add_watch(self._fd, os.fsencode(f"{self._logs}/{day}"), _IN_MODIFY)
        if number >= 0:
            self._days[number] = day

    def look(self, is_running: Callable[[str], bool]) -> None:
        """Note the sizes of what has grown; names of tasks that are over are passed by."""
        for name, day in self._grown().items():
            if is_running(name):
                self._note(name, f"{self._logs}/{day}/{name}")

    def forget(self, name: str) -> None:
        self._seen.pop(name, None)

    def _grown(self) -> dict[str, str]:
        """The names of the tasks that have written, each with its day."""
        grown: dict[str, str] = {}
        try:
            while data := os.read(self._fd, _CHUNK):
                for watch, name in events(data):
                    if watch in self._days:
                        grown[os.path.splitext(name)[0]] = self._days[watch]
        except BlockingIOError:
            pass
        return grown

    def _note(self, name: str, stem: str) -> None:
        before = self._seen.get(name, (0, 0))
        try:
            sizes = (os.stat(stem + places.OUT).st_size, os.stat(stem + places.ERR).st_size)
        except OSError:
            return
        if sizes == before:
            return
        self._seen[name] = sizes
        if all(sizes):
            first = "" if all(before) or not any(before) else "{} {}\n".format(*before)
            _append(stem + places.MARKS, first + "{} {}\n".format(*sizes))


def events(data: bytes) -> list[tuple[int, str]]:
    """The watch and the file name of each event in what inotify gave."""
    found, at = [], 0
    while at + _HEADER <= len(data):
        watch = int.from_bytes(data[at : at + 4], "little", signed=True)
        length = int.from_bytes(data[at + 12 : at + _HEADER], "little")
        at += _HEADER
        found.append((watch, os.fsdecode(data[at : at + length].rstrip(b"\0"))))
        at += length
    return found


def _append(path: str, text: str) -> None:
    try:
        fd = os.open(path, _APPEND, 0o640)
    except OSError:  # a full disk costs the order, not the task
        return
    try:
        os.write(fd, text.encode())
    except OSError:
        pass
    finally:
        os.close(fd)
