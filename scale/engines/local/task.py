"""What the runner knows of one task, and how the journal says it."""

from __future__ import annotations

from scale.engines.local import cgroups, places, processes, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class Task:
    """A task from its launch to the acknowledgement of its end; all moments but ``wall`` are seconds since boot."""

    __slots__ = (
        "after", "before", "day", "directory", "end", "grace", "group", "id", "is_child", "is_over", "keeps_room", "kill_at",
        "killed", "limit", "name", "needs", "pid", "pidfd", "wall",
    )  # fmt: skip

    def __init__(self, task_id: str, day: str, grace: float, wall: float) -> None:
        self.id = task_id
        self.name = places.file_name(task_id)
        self.day = day
        self.grace = grace
        self.wall = wall  #: when it was started, as a POSIX timestamp
        self.directory: str | None = None  #: its own working directory, ours to remove
        self.pid = 0  #: 0: it has not been started, or we do not know
        self.before = self.after = 0.0  #: it started between these moments
        self.is_child = True  #: we shall reap it ourselves
        self.pidfd = -1  #: tells that it is over when nobody can reap it for us
        self.killed = False  #: we were asked to end it
        self.kill_at = 0.0  #: when it gets SIGKILL
        self.limit = 0.0  #: MiB of memory that it may use; 0: no limit
        self.needs: dict[str, float] = {}  #: what it takes of the machine while it runs
        self.keeps_room = False  #: and after that, until its end is acknowledged: another task goes on in its place
        self.group: cgroups.Group | None = None  #: holds it to its limit
        self.is_over = False  #: it got over its limit
        self.end: dict[str, Any] | None = None

    @property
    def runs(self) -> bool:
        return self.pid > 0 and self.end is None

    @property
    def holds_room(self) -> bool:
        return self.pid > 0 and (self.end is None or self.keeps_room)

    def is_process(self, stat: processes.Stat | None) -> bool:
        """Whether this is our process, and not another that got its pid later."""
        return stat is not None and stat.pid == self.pid and self.started_at(stat.start)

    def started_at(self, start: float) -> bool:
        """Whether that can be when it started, as far as the kernel's ticks tell."""
        return processes.is_between(start, self.before, self.after)

    def report(self) -> dict[str, Any]:
        """How it stands, for the engine."""
        if self.end is not None:
            return self.end
        return {"id": self.id, "state": wire.RUNNING if self.pid else wire.STAGING, "when": self.wall}

    def finish(self, end: dict[str, Any], when: float) -> None:
        self.end = {"id": self.id, "when": when, **end}
        if self.pid:
            self.end["started"] = self.wall

    def spawn_record(self) -> list[Any]:
        facts: dict[str, Any] = {
            "day": self.day,
            "dir": self.directory,
            "grace": self.grace,
            "wall": self.wall,
            "before": self.before,
        }
        if self.needs:
            facts["needs"] = self.needs
        if self.keeps_room:
            facts["keeps"] = True
        if self.limit:
            facts["limit"] = self.limit
        if self.group:
            facts["group"] = self.group.facts()
        return ["spawn", self.id, facts]

    def pid_record(self) -> list[Any]:
        return ["pid", self.id, self.pid, self.before, self.after]

    def over_record(self) -> list[Any]:
        return ["over", self.id]

    def end_record(self) -> list[Any]:
        return ["end", self.id, self.end]

    def records(self) -> list[list[Any]]:
        """All that the journal must hold of it."""
        found = [self.spawn_record()]
        if self.pid:
            found.append(self.pid_record())
        if self.killed:
            found.append(["kill", self.id])
        if self.is_over:
            found.append(self.over_record())
        if self.end is not None:
            found.append(self.end_record())
        return found


def remembered(records: Iterable[list[Any]], boot: str) -> dict[str, Task]:
    """The tasks that a journal tells of, acknowledged ones left out; a pid from before a reboot is nobody's."""
    tasks: dict[str, Task] = {}
    is_of_this_boot = False
    for record in records:
        match record:
            case ["boot", written]:
                is_of_this_boot = written == boot
            case ["spawn", str(task_id), dict(facts)]:
                tasks[task_id] = _planned(task_id, facts)
            case ["ack", list(acknowledged)]:
                for task_id in acknowledged:
                    tasks.pop(task_id, None)
            case [str(), str(task_id), *_] if task_id in tasks:
                _recall(tasks[task_id], record, is_of_this_boot=is_of_this_boot)
            case _:  # written by another version, or torn and joined to its neighbour
                pass
    return tasks


def _planned(task_id: str, facts: dict[str, Any]) -> Task:
    """What a keeper of another version did not write down is taken for unknown."""
    task = Task(task_id, facts.get("day", ""), facts.get("grace", 5.0), facts.get("wall", 0.0))
    task.directory, task.before = facts.get("dir"), facts.get("before", -1.0)
    task.limit, task.needs, task.keeps_room = facts.get("limit", 0.0), facts.get("needs", {}), facts.get("keeps", False)
    task.group = cgroups.known(task.limit, facts["group"]) if "group" in facts else None
    return task


def _recall(task: Task, record: list[Any], *, is_of_this_boot: bool) -> None:
    match record:
        case ["pid", _, int(pid), before, after]:
            task.pid = pid
            task.before, task.after = (before, after) if is_of_this_boot else (-1.0, -1.0)
        case ["kill", _]:
            task.killed = True
        case ["over", _]:
            task.is_over = True
        case ["end", _, dict(end)]:
            task.end, task.group = end, None
        case _:
            pass
