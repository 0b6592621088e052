"""The scheduler: the one place where clock, engines, managers and loops are put together.

Its turns are plain methods that are told the time. Threads call them in production, tests call them in order:

* ``reports``   engines to inbox
* ``schedule``  what operators and clients changed, what needs tending, what goes where
* ``persist``   what the managers hand over, to the database
* ``status``    the status document
* ``tidy``      what is older than it is to be kept; and how many jobs there are, at each full hour
* ``commands``  what somebody wants done with many jobs
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from queue import SimpleQueue

from scale.engines.protocol import Engine
from scale.error.lookup import remember_errors
from scale.fact import line, tell, tell_all, warn
from scale.job.execution.job_exe import RunningJobExecution
from scale.job.execution.manager import JobExecutionManager
from scale.job.execution.selectors import executions_unended, executions_unknown
from scale.job.execution.services import Recorded, jobs_put_back, jobs_recover
from scale.job.logs import source_of
from scale.job.messages import Message, running_job_messages
from scale.job.models import JobExecution, JobExecutionEnd
from scale.job.tasks.base_task import Task
from scale.job.tasks.manager import TaskManager
from scale.job.waiting.selectors import dependents_are_due
from scale.job.waiting.services import dependents_go_on, dependents_recover
from scale.kernel.clock import Clock
from scale.kernel.ids import execution_of, parse_cluster_id
from scale.node.manager import NodeManager
from scale.node.models import Node
from scale.node.seen import SeenNode
from scale.node.selectors import nodes_changed_since
from scale.node.services import nodes_record
from scale.present import sealer
from scale.queue.selectors import queue_has_canceled
from scale.scheduler import adoption
from scale.scheduler.allocations import Allocations
from scale.scheduler.commanding import commands_advance
from scale.scheduler.fence import Fence
from scale.scheduler.fleet import Fleet
from scale.scheduler.inbox import Inbox, Ready, Recordable
from scale.scheduler.loops import Loop
from scale.scheduler.metering import Meter
from scale.scheduler.operating import Settings, schema_completed, settings_load
from scale.scheduler.outputs import Outputs, Sources
from scale.scheduler.placement.ahead import PATIENCE
from scale.scheduler.placement.services import MOST_CLEARED, NOWHERE, Cleared, cancels_settle, queue_clear_canceled
from scale.scheduler.placing import Placer
from scale.scheduler.rates import Rates
from scale.scheduler.recording import Handover, record
from scale.scheduler.rendering import StatusRenderer
from scale.scheduler.retention.leftovers import Leftovers
from scale.scheduler.retention.rules import FOR_EVER, Retention
from scale.scheduler.retention.tidier import Tidier
from scale.scheduler.selectors import leadership_load, set_aside_warnings
from scale.scheduler.services import installation_renew, status_save
from scale.scheduler.status import Leadership, NodeResources, Parts, Warning, document, packed
from scale.scheduler.tending import Tender
from scale.scheduler.troubles import Troubles
from scale.scheduler.waits import Waits
from scale.wake import ANYTHING, JOBS, Doorbell

logger = logging.getLogger(__name__)

_NOTHING = timedelta()
_LOOK_EVERY = timedelta(seconds=1)
_ALL_NODES_EVERY = timedelta(seconds=30)
_OVERLAP = timedelta(seconds=30)  # clocks of web and scheduler may differ by so much without a change being missed


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings that are fixed while the scheduler runs."""

    max_losses: int = 5
    node_lost_after: timedelta = timedelta(seconds=60)
    kill_grace: timedelta = timedelta(seconds=5)
    retention: Retention = FOR_EVER
    home: Path = NOWHERE  #: the data directory


class Scheduler:
    """All of it, in memory; `start` first, then each turn from one thread at a time."""

    def __init__(
        self,
        *,
        engines: Mapping[str, Engine],
        clock: Clock,
        fence: Fence,
        limits: Limits | None = None,
        sources: Sources = source_of,
        doorbell: Doorbell | None = None,
    ) -> None:
        """
        :param fence: what all is written through, for as long as nobody else leads
        :param sources: where the output of an engine's tasks can be read
        :param doorbell: what other processes ring; to be listened to by the loop `schedule`
        """
        self._clock = clock
        self._fence = fence
        self._limits = limits or Limits()
        self.tasks = TaskManager()
        self.job_exes = JobExecutionManager(clock=clock)
        self.nodes = NodeManager()
        self.allocations = Allocations()
        self.rates = Rates(clock.now())
        self.fleet = Fleet(engines, self.tasks, self.nodes, self._limits.kill_grace, sealer().unseal)
        self._outputs = Outputs(sources)
        self.inbox = Inbox(self.tasks, self.job_exes, self.nodes, self.rates)
        self.placer = Placer(
            self.nodes,
            self.allocations,
            fence,
            holding=self.fleet.holding,
            containing=self.fleet.containing,
            ends_with_us=self.fleet.is_bound_to_host,
            home=self._limits.home,
        )
        self._renderer = StatusRenderer(self.nodes, self.job_exes, self.tasks, self.allocations, self.fleet.holding)
        self.troubles = Troubles()
        self.waits = Waits(fence)
        self.tender = Tender(self.tasks, self.job_exes, self.nodes, self.fleet, self._limits.node_lost_after)
        self.tidier = Tidier(self._limits.retention, self.tasks, self.fleet, fence, Leftovers(self._limits.home, self.job_exes))
        self._meter = Meter(fence)
        self._settings = Settings(framework_id="")
        self._database_ready = clock.now()
        self._leadership = Leadership()
        self._set_aside: Sequence[Warning] = ()
        self._next: SimpleQueue[Ready] = SimpleQueue()
        self._nodes_read: datetime | None = None
        self._drained: Recordable | None = None  # of which the managers have not said yet what follows
        self._unsent: tuple[Recordable, Sequence[Message]] | None = None
        self._cancels_are_doubtful = True  # whether some were taken off the queue, perhaps by another, whose ends we do not hold
        self.idle = threading.Event()  #: set once it has been drained and nothing runs any more
        self._strangers: set[str] = set()  # executions whose tasks run for nobody
        self._has_news = True
        self._has_jobs = False
        self._looked = clock.now()
        self._is_draining = False
        self._handed_back: list[int] | None = None
        self._reports = Loop("reports", self.reports, 5.0, rest=self._rest(0.0, 0.02))
        self._doorbell = doorbell
        rest, bell = self._rest(0.002, 0.06), doorbell or threading.Event()
        self._schedule = Loop("schedule", self._schedule_again, _LOOK_EVERY.total_seconds(), rest, bell)
        self._persist = Loop("persist", self.persist, 1.0, rest=self._rest(0.01, 0.1))
        status, tidy = Loop("status", self.status, 2.0), Loop("tidy", self.tidy, 0.25)
        self._commands = Loop("commands", self._go_on_with_commands, 1.0, rest=lambda: 0.02)
        self.loops = (self._reports, self._schedule, self._persist, status, tidy, self._commands)

    # --- beginning and end

    def start(self) -> None:
        """Take over from the scheduler before: what runs, what ended meanwhile, what a crash left off the queue."""
        when = self._clock.now()
        remember_errors()
        with self._fence.writing():
            self._read_settings()
        self._database_ready = schema_completed() or when
        self.job_exes.init_with_database()
        adopted = self._adopt(when)
        self.fleet.start(self._reports.wake, self._fence.term)
        with self._fence.writing():
            put_back = jobs_recover(when=when)
            dependents_recover()
        self.reports(when)
        self._avoid_strangers()
        self._read_nodes(when)
        self.fleet.reconcile([task for task in adopted if task.has_been_launched and not task.has_ended], when)
        self.status(when)
        tell_all(logger, (_line_of_task("adopted", task) for task in adopted))
        tell(logger, "started", adopted=len(adopted), put_back=put_back)

    def drain(self) -> None:
        """From the next turn on place nothing, and end what runs; once it is `idle`, `put_back` queues the jobs again."""
        self._is_draining = True
        self._schedule.wake()

    def put_back(self, when: datetime) -> int:
        """Queue the jobs again whose executions were handed back; returns how many there are."""
        with self._fence.writing():
            return jobs_put_back(job_ids=self._handed_back or (), when=when)

    def wake(self, news: bytes = ANYTHING) -> None:
        """There is something new to be seen in the database."""
        self._hear(news)
        self._schedule.wake()

    def _hear(self, news: bytes) -> None:
        self._has_jobs = True
        if news != JOBS:
            self._has_news = True
            self._commands.wake()

    def _rest(self, else_: float, ahead: float) -> Callable[[], float]:
        """How long a loop rests: longer while nodes have been given work ahead, so that nobody waits for its next turn."""
        return lambda: ahead if self.placer.is_ahead else else_

    # --- turns

    def reports(self, when: datetime) -> None:
        """Take what the engines report, and do what follows from it outside every lock."""
        for engine, reports in self.fleet.reports(when):
            heard = self._outputs.hear(engine, reports)
            outcome = self.inbox.take(engine, heard, self._clock.now())
            self._settle(outcome.finished)
            if outcome.strangers:
                self._strangers.update(map(parse_cluster_id, outcome.strangers))
                self._has_news = True
                for task_id in outcome.strangers:  # they run for nobody
                    warn(logger, "ending-stranger", task=task_id)
                self.fleet.kill_strangers(engine, outcome.strangers, when)
            if outcome.returned:
                self.tender.welcome_back(outcome.returned, when)
            if outcome.nodes_changed:
                self._has_news = True
            if outcome.concerns_placement:
                self._schedule.wake()
            self._persist.wake()

    def schedule(self, when: datetime) -> None:
        """See what changed, tend to what runs, and place what waits."""
        self._look(when)
        self._place(when)

    def _schedule_again(self, when: datetime) -> None:
        """The same; but what others may have changed is only looked at when somebody rang, and every second."""
        if self._doorbell and (news := self._doorbell.heard()) is not None:
            self._hear(news)
        if self._has_news or not _NOTHING <= when - self._looked < _LOOK_EVERY:  # a clock may be set back
            self._look(when)
        elif self._has_jobs:
            self._has_jobs = False
            self.placer.look(when, for_new=True)
        self._place(when)

    def _look(self, when: datetime) -> None:
        """See what operators, clients and engines have changed."""
        self._has_news = self._has_jobs = False  # first: who rings from now on may have come too late for us
        self._looked = when
        self._avoid_strangers()
        self._read_settings()
        self._read_nodes(when)
        self._settle(self.job_exes.sync_with_database())
        self._clear_canceled(when)
        self._settle_dependents(when)
        self._take_back(when)
        self.placer.look(when)

    def _place(self, when: datetime) -> None:
        placed = self._take(self.placer.settle())  # first: a node is given up once, with all that is known to be on it
        self._settle(self.tender.tend(when))
        if self._is_draining:
            tell_all(logger, map(_line_of_placed, placed))
            self._hand_back(when)
        else:
            placed += self._take(self.placer.place(self._settings, when))
            if self.placer.has_more:
                self._schedule.wake()
            started = self._start_next_tasks(when)
            told = (_line_of_task("launched", task) for task in started)
            tell_all(logger, chain(map(_line_of_placed, placed), told))  # when nothing waits for us any more
            self.waits.tell(self.placer.reasons, self._settings.queue_mode, when)
        self.tender.kill(when)

    def persist(self, when: datetime) -> None:
        """Record what was handed over. It is kept until that is committed; only then may engines forget the ends."""
        if self._unsent is not None:
            self._send(*self._unsent, when, is_repeated=True)  # what a turn before could not
        is_last = self._handed_back is not None and not self.job_exes.get_running_job_exes()
        if self._drained is None:
            self._drained = self.inbox.drain()  # first: what follows from these reports, the managers know by now
        messages = self.job_exes.get_messages()
        self._unsent = (self._drained, [*messages, *self._outputs.messages(messages)])
        self._drained = None
        self._send(*self._unsent, when)
        if is_last:
            self.idle.set()

    def commands(self, when: datetime) -> bool:
        """Go on with what somebody wants done with many jobs; tells whether there is more of it."""
        return commands_advance(self._fence.writing, when)

    def _go_on_with_commands(self, when: datetime) -> None:
        if self.commands(when):
            self._commands.wake()

    def status(self, when: datetime) -> None:
        """Render the status document and put it where the web finds it."""
        self._leadership, self._set_aside = leadership_load(), set_aside_warnings()
        document = packed(self._renderer.render(self._status_parts(when)))
        with self._fence.writing():
            status_save(document=document, when=when)

    def tidy(self, when: datetime) -> None:
        """Measure the load if an hour is full, and take away a little of what is too old."""
        self._meter.measure(when)
        self.tidier.tidy(when)

    def generate_status_json(self, when: datetime) -> dict[str, object]:
        """The same document, worked out from nothing."""
        nodes = self.nodes.generate_status_json(scheduler_is_paused=self._settings.is_paused)
        self.job_exes.generate_status_json(nodes, when)
        self.tasks.generate_status_json(nodes)
        online = [node for node in self.nodes.get_nodes() if node.is_online]
        resources = {node.id: NodeResources.of(node, self.allocations.held(node.id), self.fleet.holding) for node in online}
        return document(replace(self._status_parts(when), nodes=nodes, resources=resources))

    def _status_parts(self, when: datetime) -> Parts:
        return Parts(
            when=when,
            hostname=socket.gethostname(),
            is_paused=self._settings.is_paused,
            rates=self.rates.generate_status_json(when),
            warnings=[*self.placer.warnings, *self.troubles.warnings(when), *self._set_aside],
            leadership=self._leadership,
            database_ready=self._database_ready,
            job_types=self._settings.job_types,
            waiting=self.placer.waiting,
        )

    # --- what the turns are made of

    def _send(self, recordable: Recordable, messages: Sequence[Message], when: datetime, *, is_repeated: bool = False) -> None:
        if handover := Handover(messages, recordable.updates, is_repeated):
            recorded = record(handover, self._fence.writing, when)
            self._tell_recorded(recorded)
            if recorded.tried_again:
                self.wake()
        self.fleet.acknowledge(recordable.ends)
        self._unsent = None
        for ready in recordable.ready:  # not before: after a crash nobody would know whose task that is
            self._next.put(ready)
        if recordable.ready:
            self._schedule.wake()

    def _adopt(self, when: datetime) -> list[Task]:
        """Take the executions that were placed before; returns the tasks that may be running."""
        current = []
        for some in executions_unended():
            exes = [self._execution(one.row, one.agent_id) for one in some]
            current += [adoption.replay(exe, one.updates, self.tasks, when) for exe, one in zip(exes, some, strict=True)]
            unknown = [adoption.as_running(exe) for exe, one in zip(exes, some, strict=True) if not one.is_known_to_run]
            self.job_exes.schedule_job_exes(exes, running_job_messages(unknown))
            self.allocations.add(exes)
        return [task for task in current if task is not None]

    def _avoid_strangers(self) -> None:
        """Where tasks run that the database does not know, a backup was put back: it must not give their ids to others."""
        met = set(self._strangers)
        if met and executions_unknown(met):
            with self._fence.writing():
                installation_renew()
            self._read_settings()
            warn(logger, "installation-renewed", framework=self._settings.framework_id)
        self._strangers -= met

    def _hand_back(self, when: datetime) -> None:
        if self._handed_back is None:
            self._handed_back = [exe.job_id for exe in self.job_exes.get_running_job_exes()]
            self._settle(self.job_exes.cancel_all(when))
            self._persist.wake()

    def _take(self, made: Sequence[JobExecution]) -> list[RunningJobExecution]:
        """Take executions that have just been placed."""
        if not made:
            return []
        exes = [self._execution(row, self._agent_of(row)) for row in made]
        self.job_exes.schedule_job_exes(exes, ())
        self.allocations.add(exes)
        self.rates.count("jobs_launched", len(exes))
        for exe in exes:
            self._next.put(Ready(exe.cluster_id))
        return exes

    def _agent_of(self, row: JobExecution) -> str:
        node = self.nodes.get_node(row.node_id)
        return node.agent_id if node else row.node.agent_id if row.node else ""

    def _execution(self, row: JobExecution, agent_id: str) -> RunningJobExecution:
        return adoption.running_execution(row, agent_id, clock=self._clock, losses_allowed=self._limits.max_losses)

    def _start_next_tasks(self, when: datetime) -> list[Task]:
        """Launch the next task of every execution that is ready for it and whose node is; returns them."""
        started: list[Task] = []
        waiting, settled = [], []
        while not self._next.empty():
            ready = self._next.get()
            exe = self.job_exes.get_running_job_exe(ready.cluster_id)
            node = self.nodes.get_node(exe.node_id) if exe else None
            if exe is not None and exe.is_next_task_ready():
                if node is None or not node.state(scheduler_is_paused=self._settings.is_paused).takes_next_tasks:
                    waiting.append(ready)
                    continue
                if (task := exe.start_next_task()) is not None:
                    started.append(task)
            settled += [ready.end] if ready.end else []
        for ready in waiting:
            self._next.put(ready)
        self.fleet.launch(started, when)
        self.fleet.acknowledge(settled)  # not before: with its end forgotten, the room of a task is anybody's
        self.rates.count("tasks_launched", len(started))
        return started

    def _tell_recorded(self, recorded: Recorded) -> None:
        ends = map(_line_of_record, recorded.ends)
        again = (line("tried-again", job=entry.job_id, exe=entry.exe_num) for entry in recorded.tried_again)
        tell_all(logger, chain(ends, again))

    def _settle(self, over: Iterable[RunningJobExecution]) -> None:
        """Free what these executions held, and let the database know."""
        over = list(over)
        if not over:
            return
        self.allocations.remove(over)
        for exe in over if self.fleet.holding else ():
            if (lasted := exe.lasted) is not None:
                self.placer.pace.learn(exe.job_type_id, exe.resources, lasted)
        tell_all(logger, map(_line_of_end, over))
        self._persist.wake()

    def _read_settings(self) -> None:
        """Read what operators have set; a level of logging that they change holds at once."""
        settings = settings_load()
        if settings.logging_level != self._settings.logging_level:
            logging.getLogger().setLevel(settings.logging_level)
        self._settings = settings

    def _read_nodes(self, when: datetime) -> None:
        """Record what engines say of nodes, and read what operators say of them."""
        seen = self.nodes.unregistered()
        recorded = self._record_nodes(seen, when) if seen else []
        if self._nodes_read is None or when - self._nodes_read >= _ALL_NODES_EVERY:
            changed = nodes_changed_since(None)
            self._nodes_read = when
        else:
            changed = nodes_changed_since(self._nodes_read - _OVERLAP)
        self.nodes.register([*recorded, *changed], seen)

    def _record_nodes(self, seen: Iterable[SeenNode], when: datetime) -> list[Node]:
        with self._fence.writing():
            return nodes_record(seen=seen, when=when)

    def _take_back(self, when: datetime) -> None:
        """What has waited at its node for too long is to wait on the queue again, whence it may go elsewhere."""
        names = chain.from_iterable(map(self.allocations.executions_on, self.placer.crowded()))
        late = []
        for exe in filter(None, map(self.job_exes.get_running_job_exe, names)):
            task = exe.current_task
            launched = task.launched if task else None  # read once: whoever hears of a loss meanwhile forgets it
            if task and launched and task.waits_for_room and not task.has_started and when - launched >= PATIENCE:
                late.append(task)
                self.placer.pace.doubt(exe.job_type_id, exe.resources)
        self.fleet.withdraw(late, when)

    def _clear_canceled(self, when: datetime) -> None:
        if self._cancels_are_doubtful:
            self.job_exes.add_canceled_job_exes(cancels_settle(when=when))
            self.placer.recount()
            self._cancels_are_doubtful = False
        if queue_has_canceled():  # asked first, since to write is to wait for whoever writes now
            self._cancels_are_doubtful = True
            with self._fence.writing():
                cleared = queue_clear_canceled(framework_id=self._settings.framework_id, when=when)
            self._cancels_are_doubtful = False
            self._take_canceled(cleared)

    def _take_canceled(self, cleared: Cleared) -> None:
        self.placer.cancel(cleared.entries)
        self.job_exes.add_canceled_job_exes(cleared.ends)
        self._persist.wake()
        if len(cleared.ends) < MOST_CLEARED:
            self.placer.recount()
        else:
            self._has_news = True  # there is more of it
            self._schedule.wake()

    def _settle_dependents(self, when: datetime) -> None:
        """Go on where a transaction left jobs that wait for others."""
        if dependents_are_due():
            with self._fence.writing():
                dependents_go_on(when=when)
            self._has_news = True  # there may be more
            self._schedule.wake()


def _line_of_placed(exe: RunningJobExecution) -> str:
    return line("placed", job=exe.job_id, exe=exe.exe_num, node=exe.agent_id)


def _line_of_end(exe: RunningJobExecution) -> str:
    if exe.error_name is None:  # as most; nothing to be quoted
        return f"event=over job={exe.job_id} exe={exe.exe_num} status={exe.status}"
    return line("over", job=exe.job_id, exe=exe.exe_num, status=exe.status, error=exe.error_name)


def _line_of_record(end: JobExecutionEnd) -> str:
    how = "" if end.exit_code is None else f" exit_code={end.exit_code}"
    what = "" if end.signal is None else f" signal={end.signal}"
    return f"event=recorded job={end.job_id} exe={end.exe_num} status={end.status}{how}{what}"


def _line_of_task(event: str, task: Task) -> str:
    job, exe = execution_of(task.id) or (None, None)
    return line(event, job=job, exe=exe, task=task.id)
