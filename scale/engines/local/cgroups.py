"""The kernel's memory groups: where ours may be made, and what can be done with one. Version 2 where it has memory, else 1.

A process is born into the group of the one that starts it. So the runner goes into a task's group, starts the task, and
goes back; no process of the task can be outside then.
"""

from __future__ import annotations

import contextlib
import os
from collections import namedtuple

from scale.engines.local import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

#: what each version calls things: the files that get the limit and those that get a word, where it tells what, and who is in it
Version = namedtuple("Version", "limits settings peak usage kills members is_reusable")

#: the second limit is that of memory and swap together
V1 = Version(
    ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    {},
    "memory.max_usage_in_bytes",
    "memory.usage_in_bytes",
    "memory.oom_control",
    "tasks",  # we have one thread, and to move one the kernel stops nobody else's forks
    is_reusable=True,
)
#: its peak cannot be set back, so each group has one task
V2 = Version(
    ("memory.max",),
    {"memory.swap.max": b"0", "memory.oom.group": b"1"},
    "memory.peak",
    "memory.current",
    "memory.events",
    "cgroup.procs",
    is_reusable=False,
)
_OPTIONAL = ("memory.memsw.limit_in_bytes", "memory.swap.max", "memory.oom.group")  # a kernel without swap has no first two
_MIB = 1 << 20
_PAGE = 4096
_MOST_LEFT = 1  # MiB that a task may leave in a group that is used again: files it has read stay in memory
_LEAST = 8  # MiB; with less than that it could be us who are killed for it, while we are in the group


class Group:
    """A group with a limit, at a path."""

    __slots__ = ("_open", "is_free", "kills_before", "limit", "path", "version")

    def __init__(self, path: str, limit: float, version: Version) -> None:
        self.path = path
        self.limit = limit  #: MiB
        self.version = version
        self.kills_before = 0  #: what the kernel had killed in it before its present task
        self.is_free = False  #: it can be used again
        self._open: dict[str, int] = {}

    def make(self) -> None:
        """:raises OSError: the kernel will not have it"""
        os.mkdir(self.path)
        most = b"%d" % (max(self.limit, _LEAST) * _MIB)
        for name, value in (*((name, most) for name in self.version.limits), *self.version.settings.items()):
            with contextlib.suppress(FileNotFoundError) if name in _OPTIONAL else contextlib.nullcontext():
                write(f"{self.path}/{name}", value)

    def facts(self) -> list[Any]:
        """What the journal must hold of it."""
        return [self.path, self.version is V2, self.kills_before]

    def enter(self) -> None:
        """Put this process into it."""
        self._tell(self.version.members, b"0")

    def keep_open(self) -> None:
        """Be quicker, at the price of four open files."""
        for name in (self.version.members, self.version.peak):
            self._open[name] = os.open(f"{self.path}/{name}", os.O_RDWR | os.O_CLOEXEC)
        for name in (self.version.usage, self.version.kills):
            self._open[name] = os.open(f"{self.path}/{name}", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        for fd in self._open.values():
            os.close(fd)
        self._open = {}

    @property
    def is_open(self) -> bool:
        return bool(self._open)

    def kills(self) -> int:
        """How many processes the kernel has killed in it for want of memory, since the present task began."""
        try:
            return int(self._ask(self.version.kills).partition(b"oom_kill ")[2].split(None, 1)[0]) - self.kills_before
        except (OSError, ValueError, IndexError):
            return 0

    def peak(self) -> float:
        """MiB: the most that its processes and the files they had read or written took at once; 0: cannot be told."""
        return self._number(self.version.peak) / _MIB

    def usage(self) -> float:
        """MiB."""
        return self._number(self.version.usage) / _MIB

    def finish(self) -> tuple[int, float]:
        """Its task is over; the kills, and the peak in MiB. Nothing can come into an empty group but us."""
        self.is_free = self.version.is_reusable and not self._ask(self.version.members)
        kills, peak = self.kills(), self.peak()
        self.kills_before += kills
        return kills, peak

    def begin_anew(self) -> bool:
        """Forget what was; whether it is as good as a new one."""
        if self.usage() > _MOST_LEFT:
            return False
        self._tell(self.version.peak, b"0")
        return True

    def remove(self) -> bool:
        """Whether it is gone; it stays while processes are in it."""
        try:
            os.rmdir(self.path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _number(self, name: str) -> int:
        try:
            return int(self._ask(name))
        except (OSError, ValueError):
            return 0

    def _ask(self, name: str) -> bytes:
        fd = self._open.get(name)
        return processes.read(f"{self.path}/{name}") if fd is None else os.pread(fd, _PAGE, 0)

    def _tell(self, name: str, value: bytes) -> None:
        if (fd := self._open.get(name)) is None:
            write(f"{self.path}/{name}", value)
        else:
            os.pwrite(fd, value, 0)


def known(limit: float, facts: list[Any]) -> Group:
    """A group of which the journal tells."""
    path, is_v2, kills = facts
    group = Group(path, limit, V2 if is_v2 else V1)
    group.kills_before = kills
    return group


def write(path: str, value: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value)
    finally:
        os.close(fd)


def find(name: str) -> tuple[str, str, Version] | None:
    """Our own group, where in it (or beside it) a folder of groups can be made, and the version; None: nowhere.

    What is found was tried: a group in it was made, entered and removed.
    """
    try:
        mounts, membership = processes.read("/proc/self/mountinfo"), processes.read("/proc/self/cgroup")
    except OSError:
        return None
    return first_that_works(name, candidates(os.fsdecode(mounts), os.fsdecode(membership)))


def first_that_works(name: str, places: Iterable[tuple[str, str, Version]]) -> tuple[str, str, Version] | None:
    for own, parent, version in places:
        if _works(own, f"{parent}/{name}", version):
            return own, f"{parent}/{name}", version
    return None


def candidates(mounts: str, membership: str) -> Iterator[tuple[str, str, Version]]:
    """Our own group, one to make a folder in, and the version, from the most wanted on.

    :param mounts: /proc/self/mountinfo
    :param membership: /proc/self/cgroup
    """
    ours = {controllers: path for _, controllers, path in (each.split(":", 2) for each in membership.splitlines())}
    by_kind = {kind: (root, point) for root, point, kind in _mounted(mounts)}
    if "cgroup2" in by_kind and "" in ours and (own := _path(*by_kind["cgroup2"], ours[""])):
        yield own, own, V2
        if own != by_kind["cgroup2"][1]:
            yield own, os.path.dirname(own), V2  # a group with processes may have no groups with limits in it
    for controllers, path in ours.items():
        if "memory" in controllers.split(",") and "memory" in by_kind and (own := _path(*by_kind["memory"], path)):
            yield own, own, V1


def _mounted(mounts: str) -> Iterator[tuple[str, str, str]]:
    """Of each mount that matters: what of the hierarchy it shows, where, and what it is: cgroup2, or memory of version 1."""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, _, options) = before.split(), after.split()[:3]
        if kind == "cgroup2":
            yield fields[3], fields[4], kind
        elif kind == "cgroup" and "memory" in options.split(","):
            yield fields[3], fields[4], "memory"


def _path(root: str, point: str, path: str) -> str | None:
    """Where a group is to be found; None: it is outside of what is mounted."""
    if root in ("/", path) or path.startswith(root + "/"):
        below = path if root == "/" else path[len(root) :]
        return (point + below).rstrip("/")
    return None


def _works(own: str, folder: str, version: Version) -> bool:
    trial = Group(f"{folder}/trial-{os.getpid()}", 1024, version)
    try:
        os.makedirs(folder, exist_ok=True)
        if version is V2:
            write(f"{os.path.dirname(folder)}/cgroup.subtree_control", b"+memory")
            write(f"{folder}/cgroup.subtree_control", b"+memory")
        trial.make()
        trial.enter()
        write(f"{own}/{version.members}", b"0")
    except OSError:
        trial.remove()
        with contextlib.suppress(OSError):
            os.rmdir(folder)
        return False
    trial.remove()
    return True
