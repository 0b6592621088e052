"""What /proc says of processes: who they are, when they started, which task they belong to.

A process is identified by its pid *and* its start: a pid alone may be another's by now.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE") / (1 << 20)  # MiB
_CHUNK = 1 << 20
_SIGNAL_SET = 128  # bytes; more than any system needs

TASK_MARK = "SCALE_TASK_ID"
KEEPER_MARK = "SCALE_KEEPER_ID"
_MARKS = (KEEPER_MARK.encode(), TASK_MARK.encode())


def now() -> float:
    """Seconds since boot, on the clock that /proc gives starts in."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wall() -> float:
    """The present moment as a POSIX timestamp; the keeper's own clock, as `scale.kernel.clock` is too heavy for it."""
    return time.clock_gettime(time.CLOCK_REALTIME)


class Stat:
    """The part of /proc/<pid>/stat that matters here."""

    __slots__ = ("group", "parent", "pid", "resident", "start", "state")

    def __init__(self, pid: int, text: bytes) -> None:
        fields = text[text.rindex(b")") + 2 :].split()  # the name before it may hold anything
        self.pid = pid
        self.state = fields[0]
        self.parent = int(fields[1])
        self.group = int(fields[2])
        self.start = int(fields[19]) / _TICKS
        self.resident = int(fields[21]) * _PAGE  #: MiB

    @property
    def is_alive(self) -> bool:
        return self.state not in b"ZX"


def is_between(start: float, before: float, after: float) -> bool:
    """Whether a process with this start can have been started between the two moments; the kernel counts in ticks."""
    return before - 2 / _TICKS <= start <= after + 2 / _TICKS


def read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := os.read(fd, _CHUNK):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(fd)


def stat_of(pid: int) -> Stat | None:
    """None when there is no such process."""
    try:
        return Stat(pid, read(f"/proc/{pid}/stat"))
    except (OSError, ValueError):
        return None


def marks_of(pid: int) -> tuple[str, str] | None:
    """The keeper and the task that started this process or an ancestor of it, from its environment; None: none."""
    try:
        environment = read(f"/proc/{pid}/environ")
    except OSError:
        return None
    found = {}
    for entry in environment.split(b"\0"):
        name, _, value = entry.partition(b"=")
        if name in _MARKS:
            found[name] = os.fsdecode(value)
    keeper, task = (found.get(name) for name in _MARKS)
    return (keeper, task) if keeper and task else None


def ended_children() -> Iterator[int]:
    """Children that have ended and wait to be reaped; they keep their pid and their group while we look at each."""
    try:
        while info := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            yield info.si_pid
    except ChildProcessError:
        return


def signal_file(number: int) -> int:
    """A file that is readable when this signal has come, which does nothing else from now on: no handler interrupts us."""
    signals = ctypes.create_string_buffer(_SIGNAL_SET)
    libc = ctypes.CDLL(None)
    libc.sigaddset(signals, number)
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    return int(libc.signalfd(-1, signals, os.O_NONBLOCK | os.O_CLOEXEC))


def living() -> Iterator[Stat]:
    """Every process that is alive."""
    for name in os.listdir("/proc"):
        if name.isdigit() and (stat := stat_of(int(name))) and stat.is_alive:
            yield stat


def signal_group(group: int, number: int) -> None:
    """Only for the group of a child that we have not reaped: its number cannot be another's."""
    with contextlib.suppress(OSError):  # not ours any more after a change of user
        os.killpg(group, number)


def signal_one(stat: Stat, number: int) -> None:
    """Signal exactly this process, though its pid be reused meanwhile."""
    try:
        fd = os.pidfd_open(stat.pid)
    except OSError:
        return
    try:
        again = stat_of(stat.pid)
        if again and again.start == stat.start:
            signal.pidfd_send_signal(fd, number)
    except OSError:  # just gone, or not ours any more
        pass
    finally:
        os.close(fd)


def boot_id() -> str:
    """Names this run of the kernel; pids and starts from before a reboot mean nothing."""
    try:
        return read("/proc/sys/kernel/random/boot_id").decode().strip()
    except OSError:
        return ""
