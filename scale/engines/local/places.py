"""Where the local engine keeps things below its home; said once for the engine, the keeper and the readers of logs.

    keeper/             lock, socket, id, term, journal, orphans, groups, log (mode 0700)
    logs/tasks/<day>/   <name>.out, <name>.err and, for long tasks, <name>.marks
    work/tasks/<n>/     the working directory of a task that names none; an empty one is used again
    work/trash/         working directories on their way out
    work/executions/    the scheduler's: what executions of job types read and write; not ours to remove

A day is the UTC day of a task's launch, with the keeper's id. Old output goes a day at a time, because file systems are
slow at deleting from one huge directory. A task's name is its id, made safe for a file name.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import functools
import os
import time

KEEPER = "keeper"
SOCKET, LOCK, ID, TERM, LOG = "socket", "lock", "id", "term", "log"
JOURNAL, ORPHANS, GROUPS = "journal", "orphans", "groups"
LOGS = "logs/tasks"
WORK = "work"
DIRECTORIES, TRASH, EXECUTIONS = "work/tasks", "work/trash", "work/executions"
OUT, ERR, MARKS = ".out", ".err", ".marks"

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_LONGEST = 200
_DAY = 86400
_GET_FLAGS, _SET_FLAGS, _TOP_DIRECTORY = 0x80086601, 0x40086602, 0x20000  # of linux/fs.h, for 64 bits


def file_name(task_id: str) -> str:
    """The task's id as a file name: as it is when harmless, else escaped, and cut (with a digest) when too long."""
    if task_id and len(task_id) <= _LONGEST and _SAFE.issuperset(task_id) and task_id[0] != ".":
        return task_id
    return _escaped(task_id.encode("utf-8", "surrogatepass"))


def _escaped(raw: bytes) -> str:
    name = "%" + "".join(chr(byte) if chr(byte) in _SAFE else f"%{byte:02x}" for byte in raw)
    if len(name) <= _LONGEST:
        return name
    import hashlib

    return f"{name[: _LONGEST // 2]}%{hashlib.sha256(raw).hexdigest()}"


def day_of(moment: float, keeper_id: str) -> str:
    """The directory of a POSIX timestamp's UTC day: as 2026-01-31.0a1b2c3d.

    The keeper's id is in it because ext4 chooses the place of a directory by its name: see `spread`.
    """
    return _named(int(moment // _DAY), keeper_id)


@functools.lru_cache(maxsize=1)
def _named(day: int, keeper_id: str) -> str:
    return f"{time.strftime('%Y-%m-%d', time.gmtime(day * _DAY))}.{keeper_id}"


def spread(folder: str) -> None:
    """Have ext4 put each directory made in this one into a region of its own, as `chattr +T` does.

    Where many files were just deleted, making one takes it thirty times as long, for minutes; a new day then begins
    elsewhere. Other file systems do without.
    """
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            flags = array.array("l", [0])
            fcntl.ioctl(fd, _GET_FLAGS, flags)
            flags[0] |= _TOP_DIRECTORY
            fcntl.ioctl(fd, _SET_FLAGS, flags)
        finally:
            os.close(fd)


def days(logs: str) -> list[str]:
    """The days that have output, the newest first."""
    try:
        return sorted((name for name in os.listdir(logs) if name[:1].isdigit()), reverse=True)
    except FileNotFoundError:
        return []
