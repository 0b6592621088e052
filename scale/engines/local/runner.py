"""Runs tasks: one thread that waits for the engine, for children that end, and for moments that come.

The guardian starts it, and starts it again when it dies; what it has to know then is in the journal. It never forks:
tasks are started with posix_spawn, which costs the same however large we are.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket

from scale.engines.local import places, processes, wire
from scale.engines.local.crew import Crew
from scale.engines.local.limits import AUTO
from scale.engines.local.peer import Peer
from scale.engines.local.sampling import EVERY
from scale.engines.local.terms import Terms, is_older, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from scale.engines.local.task import Task

IDLE = 300.0  # seconds without an engine and without tasks after which we go
_TOGETHER = 0.02  # seconds for which reports wait for one another while somebody has work in line here
_BURST = 8  # launches between two looks at everything else
_CHUNK = 1 << 16
_SELDOM = 50_000  # objects; what we make goes by itself, and to look through all tasks for rings costs more than to start one
_MOST_CALLERS = 8  # that have not greeted


class Runner:
    """The loop. Our working directory is home/keeper."""

    def __init__(self, listener: socket.socket, notes: int, keeper_id: str, guardian: int) -> None:
        self._listener = listener
        self._notes = notes
        self._keeper_id = keeper_id
        self._guardian = guardian
        base = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._crew = Crew(os.path.dirname(os.getcwd()), base, keeper_id)
        self._orphans = wire.Lines()
        self._terms = Terms()
        self._peer: Peer | None = None
        self._callers: list[Peer] = []  # perhaps engines, the longest silent first
        self._told_held = False
        self._alone_since = processes.now()
        self._told_at = 0.0
        self._look_at: float | None = None  # when to look at the outputs that have grown
        self._is_stopping = False
        self._poll = select.epoll()
        self._acts: dict[int, Callable[[], None]] = {}

    def run(self, orphans: list[dict[str, Any]]) -> int:
        """Serve until told to stop, or until nobody needs us; the exit status.

        :param orphans: ends that the guardian saw, and that the disk had no room for
        """
        gc.freeze()
        gc.set_threshold(_SELDOM)
        self._listen()
        for task in self._crew.recover(self._guardian, lambda: [*orphans, *self._noted()]):
            self._watch(task)
        while not self._is_over():
            due = self._due()
            for fd, _ in self._poll.poll(self._patience(due)):
                if fd in self._acts:  # else an act before it has closed it
                    self._acts[fd]()
            if due is not None and due <= processes.now():
                self._act_on_time()
            self._crew.launch_some(_BURST)
            self._crew.sweep()
            self._tell()
        self._leave()
        return 0

    # What we wait for

    def _listen(self) -> None:
        self._children = processes.signal_file(signal.SIGCHLD)
        os.set_blocking(self._notes, False)
        self._on_readable(self._children, self._children_ended)
        self._on_readable(self._notes, self._guardian_spoke)
        self._on_readable(self._listener.fileno(), self._engine_came)
        if self._crew.sampler.fileno >= 0:
            self._on_readable(self._crew.sampler.fileno, self._output_grew, select.EPOLLONESHOT)
        self._on_readable(self._crew.limits.shortage, self._crew.limits.memory_is_short)

    def _on_readable(self, fd: int, act: Callable[[], None], flags: int = 0) -> None:
        self._poll.register(fd, select.EPOLLIN | flags)
        self._acts[fd] = act

    def _no_more(self, fd: int) -> None:
        self._poll.unregister(fd)
        del self._acts[fd]

    def _due(self) -> float | None:
        """When something is to be done that nothing else tells us of."""
        idle = None if self._is_needed else self._alone_since + IDLE
        telling = self._told_at + _TOGETHER if self._crew.reports else None
        retries = (self._crew.retry_at, self._terms.retry_at)
        moments = (self._look_at, self._crew.limits.look_at, self._crew.next_deadline(), *retries, idle, telling)
        return min((at for at in moments if at is not None), default=None)

    def _patience(self, due: float | None) -> float:
        """Seconds until something is due; -1: until something happens."""
        if self._crew.can_launch:
            return 0.0
        return -1.0 if due is None else max(0.0, due - processes.now())

    def _is_over(self) -> bool:
        if self._crew.has_work:
            return False
        return self._is_stopping or (not self._is_needed and processes.now() >= self._alone_since + IDLE)

    @property
    def _is_needed(self) -> bool:
        """Whether there is an engine, a task, or something to be written that only we remember."""
        is_owing = self._crew.is_held or self._terms.retry_at is not None
        return self._peer is not None or self._crew.has_work or is_owing

    def _act_on_time(self) -> None:
        now = processes.now()
        self._crew.kill_overdue(now)
        if self._crew.limits.look_at is not None and now >= self._crew.limits.look_at:
            self._crew.look_at_memory()
        if self._look_at is not None and now >= self._look_at:
            self._look_at = None
            self._crew.look_at_output()
            self._poll.modify(self._crew.sampler.fileno, select.EPOLLIN | select.EPOLLONESHOT)
        if self._crew.retry_at is not None and now >= self._crew.retry_at:
            self._crew.try_again()
        if self._terms.retry_at is not None and now >= self._terms.retry_at:
            self._terms.save()

    def _output_grew(self) -> None:
        self._look_at = processes.now() + EVERY

    def _leave(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # somebody has removed the home
            os.unlink(places.SOCKET)
        if self._is_stopping:
            self._crew.sweeper.kill_everything()
        self._crew.limits.leave()
        if self._peer:
            self._tell()
            self._peer.finish()

    # Tasks that end

    def _children_ended(self) -> None:
        os.read(self._children, _CHUNK)
        self._crew.reap()

    def _noted(self) -> list[dict[str, Any]]:
        """Ends that the guardian has told since we were started."""
        try:
            return self._orphans.feed(os.read(self._notes, _CHUNK))
        except BlockingIOError:
            return []

    def _guardian_spoke(self) -> None:
        """It tells the ends of tasks that an earlier runner started; when it dies, nobody will."""
        words = os.read(self._notes, _CHUNK)
        self._crew.orphans_ended(self._orphans.feed(words))
        if not words:
            self._no_more(self._notes)
            for task in self._crew.unguarded():
                self._watch(task)

    def _watch(self, task: Task) -> None:
        """Wait for a process that is not our child, nor our guardian's."""
        try:
            task.pidfd = os.pidfd_open(task.pid)
        except OSError:
            self._crew.gone(task)
            return
        if task.is_process(processes.stat_of(task.pid)):
            self._on_readable(task.pidfd, lambda: self._watched_ended(task))
        else:
            self._watched_ended(task)

    def _watched_ended(self, task: Task) -> None:
        if task.pidfd in self._acts:
            self._no_more(task.pidfd)
        os.close(task.pidfd)
        task.pidfd = -1
        self._crew.gone(task)

    # The engine

    def _engine_came(self) -> None:
        """It is nobody to us before it says whose orders it brings."""
        connection, _ = self._listener.accept()
        caller = Peer(connection)
        self._callers.append(caller)
        self._on_readable(caller.fileno, lambda: self._caller_spoke(caller))
        if self._peer is None:
            self._alone_since = processes.now()
        if len(self._callers) > _MOST_CALLERS:
            self._dismiss(self._callers[0])

    def _caller_spoke(self, caller: Peer) -> None:
        messages, is_open = caller.receive()
        match messages:
            case [{"hello": {"env": _, "ack": _} as hello}, *_]:
                caller.term = parse(hello.get("term"))
                if is_older(caller.term, self._terms.newest):
                    self._refuse(caller)
                    self._dismiss(caller)
                else:
                    self._admit(caller)
                    self._take_in(messages, is_open=is_open)
            case []:
                if not is_open:
                    self._dismiss(caller)
            case _:
                self._dismiss(caller)

    def _admit(self, caller: Peer) -> None:
        """It displaces the engine before, once everything that one had sent is read."""
        self._hear()
        self._terms.follow(caller.term)
        if self._peer:
            if is_older(self._peer.term, caller.term):
                self._refuse(self._peer)
            self._peer.send({"displaced": True})
            self._part()
        self._callers.remove(caller)
        self._acts[caller.fileno] = self._hear
        self._peer = caller

    def _refuse(self, peer: Peer) -> None:
        installation, number = self._terms.newest
        peer.send({"refused": {"installation": installation, "number": number}})

    def _dismiss(self, caller: Peer) -> None:
        self._callers.remove(caller)
        self._no_more(caller.fileno)
        caller.close()

    def _part(self) -> None:
        if self._peer:
            self._no_more(self._peer.fileno)
            self._peer.close()
            self._peer = None
            self._alone_since = processes.now()

    def _hear(self) -> None:
        """Read all that the engine has sent; tell it more if it had not been reading."""
        if self._peer is None:
            return
        messages, is_open = self._peer.receive()
        self._take_in(messages, is_open=is_open)

    def _take_in(self, messages: list[dict[str, Any]], *, is_open: bool) -> None:
        for message in messages:
            self._obey(message)
        if not is_open:
            self._part()
        elif self._peer and self._peer.is_full:
            self._peer.flush()
            self._await_reader()

    def _await_reader(self) -> None:
        if self._peer and self._peer.fileno in self._acts:
            wanted = select.EPOLLIN | (select.EPOLLOUT if self._peer.is_full else 0)
            self._poll.modify(self._peer.fileno, wanted)

    def _obey(self, message: dict[str, Any]) -> None:
        match message:
            case {"launch": orders}:
                if not self._is_stopping:
                    self._crew.line.join(orders, message.get("offered", {}))
            case {"kill": ids}:
                self._crew.kill(ids)
            case {"withdraw": ids}:
                self._crew.withdraw(ids)
            case {"reconcile": ids}:
                self._crew.reconcile(ids)
            case {"ack": ids}:
                self._crew.acknowledge(ids)
            case {"hello": {"env": env, "ack": ids} as hello}:
                self._crew.share(env)
                self._crew.limits.mode = hello.get("memory", AUTO)
                self._crew.acknowledge(ids)
                self._greet()
            case {"stop": True}:
                self._is_stopping = True
                self._crew.kill_all()
            case _:  # from a newer engine than we are
                pass

    def _greet(self) -> None:
        """Say who we are, then how all tasks stand; that replaces whatever was to be told."""
        if self._peer is None:
            return
        self._told_held = self._crew.is_held
        who = {"runner": os.getpid(), "guardian": self._guardian, "id": self._keeper_id}
        self._peer.send({"hello": {**who, "grace": self._crew.longest_grace, "held": self._told_held}})
        self._crew.report_everything()
        self._told_at = 0.0

    def _tell(self) -> None:
        """Send reports: at once when nothing is in line, else together with those of the next milliseconds."""
        if self._peer and self._told_held != self._crew.is_held:
            self._told_held = self._crew.is_held
            self._peer.send({"held": self._told_held})
            self._await_reader()
        reports = self._crew.reports
        if not reports:
            return
        if self._peer is None:
            reports.clear()
            return
        now = processes.now()
        if self._crew.line and now < self._told_at + _TOGETHER:
            return
        self._peer.send({"reports": list(reports.values())})
        self._crew.reports = {}
        self._told_at = now
        if self._peer.is_full:
            self._await_reader()
