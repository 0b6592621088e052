"""The tasks of one home: starts them, sees them end, remembers them until their ends are acknowledged."""

from __future__ import annotations

import heapq
import os
import signal

from scale.engines.local import disk, ending, orphans, places, processes, recovery, wire
from scale.engines.local.disk import DiskFull
from scale.engines.local.folders import Folders
from scale.engines.local.journal import Journal
from scale.engines.local.launching import Launcher, Refused
from scale.engines.local.limits import Limits
from scale.engines.local.line import Line
from scale.engines.local.output import Output
from scale.engines.local.sampling import Sampler
from scale.engines.local.sweeping import Sweeper
from scale.engines.local.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any


class Crew:
    """What happens to tasks is put into ``reports``, which the runner empties."""

    def __init__(self, home: str, base: int, keeper_id: str) -> None:
        self.reports: dict[str, dict[str, Any]] = {}  #: by task: that it has ended says also that it was started
        self.line = Line()  #: launches not yet carried out
        self.retry_at: float | None = None  #: the disk is full: nothing starts, and when to try again
        self.sampler = Sampler(f"{home}/{places.LOGS}")
        self.sweeper = Sweeper(keeper_id)
        self.limits = Limits(keeper_id)
        self._keeper_id = keeper_id
        self._tasks: dict[str, Task] = {}
        self._names: dict[str, Task] = {}
        self._by_pid: dict[int, Task] = {}
        self._deadlines: list[tuple[float, str]] = []  # when a task gets SIGKILL
        self._ended: list[Task] = []  # some of their processes may be left
        self._launcher = Launcher(base)
        self._output = Output(f"{home}/{places.LOGS}")
        self._folders = Folders(home, keeper_id)
        self._journal = Journal(places.JOURNAL)

    # Before and after

    def recover(self, guardian: int, heard: Callable[[], list[dict[str, Any]]]) -> list[Task]:
        """Take up the tasks of an earlier runner; those whose end only a pidfd can tell.

        :param heard: ends that the guardian told us itself: on a full disk it cannot write them down
        """
        found = recovery.recover(self._keeper_id, guardian)
        for task in found.tasks.values():
            self._keep(task)
        orphans.take(lambda ends: self._orphans_found(found.over, [*ends, *heard()]))
        for task in found.over:
            self.gone(task)
        self._compact()
        self._folders.remove_strays({known.directory for known in self._tasks.values()})
        running = [task for task in found.tasks.values() if task.runs]
        self.limits.recover(running)
        for day in {task.day for task in running}:
            self.sampler.watch(day)
        self._end_by_signal([task for task in running if task.killed])
        self.launch_some(0)
        return found.strange

    @property
    def is_held(self) -> bool:
        """Whether nothing starts because the disk is full."""
        return self.retry_at is not None

    @property
    def can_launch(self) -> bool:
        return self.retry_at is None and self.line.first is not None

    @property
    def has_work(self) -> bool:
        return bool(self.line or self._by_pid or self._ended)

    @property
    def longest_grace(self) -> float:
        return max((task.grace for task in self._by_pid.values()), default=0.0)

    def report_everything(self) -> None:
        """Tell how each task stands whose end is not acknowledged, in place of what was to be told."""
        self.reports = {task.id: task.report() for task in self._tasks.values()}

    def share(self, env: dict[str, str]) -> None:
        """What all tasks have in their environment."""
        self._launcher.share(env)

    # What the engine asks for

    def launch_some(self, most: int) -> None:
        """Carry launches out, in order; on a full disk they wait."""
        if self.is_held:
            return
        try:
            for _ in range(most):
                if (order := self.line.first) is None:
                    break
                self._launch(order)
                self.line.leave(order)
        except DiskFull:
            self._hold()
        self._journal.flush()
        if self._journal.is_behind:
            self._hold()

    def try_again(self) -> None:
        """Perhaps there is room on the disk now."""
        self.retry_at = None
        self._journal.write()
        self.launch_some(0 if self._journal.is_behind else 1)

    def _hold(self) -> None:
        self.retry_at = processes.now() + disk.AGAIN
        self._end_killed_launches()

    def _end_killed_launches(self) -> None:
        for order in self.line.pop_killed():
            self._launch(order)

    def kill(self, ids: Iterable[str]) -> None:
        """End tasks; a stranger is reported lost, and one whose end was told is left alone."""
        self.reap()  # what has ended by itself was not killed
        waiting = {order["id"]: order for order in self.line}
        doomed = []
        for task_id in ids:
            task = self._tasks.get(task_id)
            if task and task.runs and not task.killed:
                task.killed = True
                doomed.append(task)
            elif task_id in waiting:
                self.line.kill(waiting[task_id])
            elif task is None:
                self._report_stranger(task_id)
        self._journal.write(*(["kill", task.id] for task in doomed))
        self._end_by_signal(doomed)
        if self.is_held:
            self._end_killed_launches()

    def kill_all(self) -> None:
        self.kill([*(order["id"] for order in self.line), *(task.id for task in self._by_pid.values())])

    def withdraw(self, ids: Iterable[str]) -> None:
        """Take back what waits for room, and only that."""
        for order in self.line.withdraw(ids):
            self._end_unstarted(self._task_of(order), ending.withdrawn())

    def reconcile(self, ids: Iterable[str]) -> None:
        waiting = {order["id"] for order in self.line}
        for task_id in ids:
            if task := self._tasks.get(task_id):
                self._report(task.report())
            elif task_id in waiting:
                self._report({"id": task_id, "state": wire.STAGING, "when": processes.wall()})
            else:
                self._report_stranger(task_id)

    def acknowledge(self, ids: Sequence[str]) -> None:
        """Forget these tasks, whose ends are safe elsewhere."""
        over = [task for task_id in ids if (task := self._tasks.get(task_id)) and task.end is not None]
        for task in over:
            del self._tasks[task.id]
            self.line.give(task.id)
            self._names.pop(task.name, None)
            if task.directory:
                self._folders.take_back(task.directory)
        if over:
            self._journal.write(["ack", [task.id for task in over]])
        if self._journal.is_stale:
            self._compact()

    def _report_stranger(self, task_id: str) -> None:
        words = {"reason": wire.UNKNOWN_TASK, "message": "this machine does not know the task"}
        self._report({"id": task_id, "state": wire.LOST, "when": processes.wall(), **words})

    def _report(self, report: dict[str, Any]) -> None:
        self.reports.pop(report["id"], None)  # they are told in the order in which things happened
        self.reports[report["id"]] = report

    # How a task starts

    def _launch(self, order: dict[str, Any]) -> None:
        """Start a task that was never here before.

        :raises DiskFull: not now; never for one that was killed meanwhile
        """
        if order["id"] in self._tasks:
            return
        task = self._task_of(order)
        try:
            if streams := self._open_output(task):
                self._start_with(streams, task, order)
        except Refused as refusal:
            self._end_unstarted(task, ending.refused(refusal.reason, refusal.message))
        except DiskFull:
            if not order.get("killed"):
                raise
            self._end_unstarted(task, ending.never_started())

    def _task_of(self, order: dict[str, Any]) -> Task:
        wall = processes.wall()
        task = Task(order["id"], places.day_of(wall, self._keeper_id), order["grace"], wall)
        task.limit, task.needs, task.keeps_room = order.get("mem", 0.0), order.get("needs", {}), order.get("keeps", False)
        return task

    def _open_output(self, task: Task) -> tuple[int, int] | None:
        try:
            if self._output.begin(task.day):
                self.sampler.watch(task.day)
            return self._output.open(task.day, task.name)
        except OSError as error:
            raise _trouble("its output files cannot be made", error) from None

    def _start_with(self, streams: tuple[int, int], task: Task, order: dict[str, Any]) -> None:
        try:
            if order.get("killed"):
                self._end_unstarted(task, ending.never_started())
            else:
                self._prepare(task, order)
                self._start(task, order, streams)
        except DiskFull:
            self._undo(task)
            raise
        finally:
            os.close(streams[0])
            os.close(streams[1])

    def _prepare(self, task: Task, order: dict[str, Any]) -> None:
        """What has to stand before there is a process: its directory, its memory group, its line in the journal."""
        if order["cwd"] is None:
            task.directory = self._own_directory()
        self.limits.prepare(task)
        task.before = processes.now()
        try:
            self._journal.write_ahead(task.spawn_record())
        except OSError as error:
            raise _trouble("the keeper's journal cannot be written", error) from None

    def _undo(self, task: Task) -> None:
        """Have it be as if the launch had not been tried: it will be."""
        self.limits.ended(task)
        try:
            if task.directory:
                os.rmdir(task.directory)
            self._output.remove(task.day, task.name)
        except OSError as error:
            raise Refused(
                wire.LAUNCH_FAILED, f"the disk is full, and what was made cannot be removed: {error.strerror}"
            ) from None

    def _start(self, task: Task, order: dict[str, Any], streams: tuple[int, int]) -> None:
        directory = task.directory if order["cwd"] is None else order["cwd"]
        try:
            self.limits.enter(task)
            env = {**order["env"], processes.TASK_MARK: task.id, processes.KEEPER_MARK: self._keeper_id}
            task.pid = self._launcher.start(order["argv"], env, directory, *streams)
        finally:
            self.limits.go_home(task)
        task.after = processes.now()
        self._journal.note(task.pid_record())
        self._keep(task)
        self.limits.began(task)
        self._report(task.report())

    def _own_directory(self) -> str:
        try:
            return self._folders.give()
        except OSError as error:
            raise _trouble("its directory cannot be made", error) from None

    def _end_unstarted(self, task: Task, end: dict[str, Any]) -> None:
        self._keep(task)
        self._journal.write(task.spawn_record())
        self._finish(task, end, processes.wall())

    def _keep(self, task: Task) -> None:
        self._tasks[task.id] = self._names[task.name] = task
        if task.runs:
            self._by_pid[task.pid] = task
        if task.holds_room:
            self.line.take(task.id, task.needs)

    # How a task ends

    def reap(self) -> None:
        """Reap the children that have ended; before that, kill what is left of each one's group, while that is surely its own."""
        for pid in processes.ended_children():
            task = self._by_pid.get(pid)
            if task is None:
                os.waitpid(pid, 0)
                self._folders.remover_ended(pid)
                continue
            processes.signal_group(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
            cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
            self._finish(task, ending.seen(status, cpu, memory, asked=task.killed), processes.wall())
            if task.killed or task.is_over:
                self._ended.append(task)

    def orphans_ended(self, ends: Iterable[dict[str, Any]]) -> None:
        """The guardian saw these processes end; some are our tasks."""
        for orphan in ends:
            task = self._by_pid.get(orphan["pid"])
            if task and not task.is_child and task.started_at(orphan["start"]):
                end = ending.seen(orphan["status"], orphan["cpu"], orphan["mem"], asked=task.killed)
                self._finish(task, end, orphan["when"])
                self._ended.append(task)

    def _orphans_found(self, over: list[Task], ends: list[dict[str, Any]]) -> None:
        ends = list({(end["pid"], end["start"]): end for end in ends}.values())
        known = {task.pid for task in self._tasks.values()}
        recovery.unrecorded(over, [end for end in ends if end["pid"] not in known])
        for task in over:
            self._keep(task)
        self.orphans_ended(ends)

    def gone(self, task: Task) -> None:
        """It is over, and nobody saw how."""
        if task.end is None:
            self._finish(task, ending.unseen(), processes.wall())
            self._ended.append(task)

    def unguarded(self) -> list[Task]:
        """The tasks whose ends the guardian would have told; it is dead."""
        orphans.take(self.orphans_ended)
        return [task for task in self._by_pid.values() if not task.is_child and task.pidfd < 0]

    def sweep(self) -> None:
        """Kill what ended tasks have left behind."""
        if self._ended:
            self.sweeper.signal(self._ended, signal.SIGKILL)
            self._ended.clear()

    def _finish(self, task: Task, end: dict[str, Any], when: float) -> None:
        if peak := self.limits.ended(task):
            end = {**end, "mem": round(peak, 3)} if "mem" in end else end
        task.finish(ending.out_of_memory(end, task.limit) if task.is_over else end, when)
        self._by_pid.pop(task.pid, None)
        if not task.holds_room:
            self.line.give(task.id)
        self._journal.write(task.end_record())
        self._report(task.report())
        self.sampler.forget(task.name)

    # Signals and moments

    def _end_by_signal(self, doomed: list[Task]) -> None:
        if not doomed:
            return
        self.sweeper.signal(doomed, signal.SIGTERM)
        for task in doomed:
            heapq.heappush(self._deadlines, (processes.now() + task.grace, task.id))

    def next_deadline(self) -> float | None:
        """Seconds since boot, when some task's grace is over."""
        while self._deadlines:
            at, task_id = self._deadlines[0]
            if (task := self._tasks.get(task_id)) and task.runs:
                return at
            heapq.heappop(self._deadlines)
        return None

    def kill_overdue(self, now: float) -> None:
        overdue = []
        while (at := self.next_deadline()) is not None and at <= now:
            overdue.append(self._tasks[heapq.heappop(self._deadlines)[1]])
        if overdue:
            self.sweeper.signal(overdue, signal.SIGKILL)

    def look_at_memory(self) -> None:
        """Kill what has got over its limit."""
        over = self.limits.over(self._by_pid.values())
        self._journal.write(*(task.over_record() for task in over))
        if over:
            self.sweeper.signal(over, signal.SIGKILL)

    def look_at_output(self) -> None:
        self.sampler.look(lambda name: name in self._names and self._names[name].runs)

    def _compact(self) -> None:
        live = [record for task in self._tasks.values() for record in task.records()]
        self._journal.rewrite([["boot", processes.boot_id()], *live])


def _trouble(what: str, error: OSError) -> Refused | DiskFull:
    """A task waits for room on the disk; anything else ends it."""
    return DiskFull() if disk.is_full(error) else Refused(wire.LAUNCH_FAILED, f"{what}: {error.strerror}")
