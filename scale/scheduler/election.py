"""One scheduler leads, others stand by: how a process comes to lead, and how it shows that it still lives.

On PostgreSQL the leader's session holds an advisory lock, which a process that dies lets go of at once, and says every
second that it lives, which a frozen one does not. Whoever takes over ends the sessions of the one before, then begins
the next term; from then on the fence refuses what that one still tries to write. SQLite serves one scheduler alone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from django.db import DEFAULT_DB_ALIAS, close_old_connections, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from scale.engines.protocol import Term
from scale.kernel.errors import BadRequest, Broken
from scale.scheduler.fence import Deposed
from scale.scheduler.services import Candidate, term_begin

RENEWED_EVERY = timedelta(seconds=1)
LEASE = timedelta(seconds=5)  #: a leader that has not said for so long that it lives is taken for frozen
_LOCK = 0x5343414C45  # the key of the advisory lock: "SCALE"
_STATEMENT_TIMEOUT = "4s"


class MayNotLead(BadRequest):
    """This scheduler can neither lead nor stand by."""


class Election(Protocol):
    """Where a process stands for leader."""

    def stand(self, when: datetime) -> Term | None:
        """Try to lead; the term that begins with that, or None while somebody else leads.

        :raises MayNotLead: it never can
        """
        ...

    def keep(self, when: datetime) -> None:
        """Say that the leader lives; to be called every second.

        :raises Deposed: somebody else leads
        """
        ...

    def leave(self) -> None:
        """Let another one lead."""
        ...


def election_for(candidate: Candidate) -> Election:
    """The kind of the database."""
    return Elected(candidate) if connection.vendor == "postgresql" else Alone(candidate)


class Alone:
    """SQLite: a lock beside the database's file, of which the kernel lets go when the process ends, however it does."""

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._path = os.path.realpath(connection.settings_dict["NAME"])
        self._file = f"{self._path}.scheduler"
        self._descriptor: int | None = None
        self._inode = 0

    def stand(self, when: datetime) -> Term:
        if self._descriptor is None:
            self._descriptor = self._lock()
            self._inode = self._database()
        return term_begin(by=self._candidate, when=when)

    def keep(self, when: datetime) -> None:
        """The lock says it all, if it is still this database's.

        :raises Broken: somebody has removed the file or put another in its place; what is written now is lost
        """
        if self._database() != self._inode:
            raise Broken(f"the database {self._path} was removed or replaced while we ran")

    def leave(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _database(self) -> int:
        """Which file it is; 0: there is none."""
        try:
            return os.stat(self._path).st_ino
        except FileNotFoundError:
            return 0

    def _lock(self) -> int:
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 100).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise MayNotLead(
                f"another scheduler, process {holder}, runs on this database. SQLite serves one scheduler alone; "
                "to have others stand by, use PostgreSQL (SCALE_DATABASE_URL)."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{self._candidate.pid}\n".encode())
        return descriptor


class _Leading(NamedTuple):
    """The leader, as others see it."""

    process: str
    hostname: str
    pid: int
    place: str
    silent: float  #: seconds since it last said that it lives


class Elected:
    """PostgreSQL. It has a session of its own; whoever calls it, one thread at a time does."""

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._session: BaseDatabaseWrapper | None = None
        self._has_lock = False
        self._term = Term()
        self._frozen = ""  # the leader that had not lived when we looked last
        options = connections.settings[DEFAULT_DB_ALIAS].setdefault("OPTIONS", {})
        options["application_name"] = _session_name(candidate.id)
        connection.close()  # one from before had no such name

    def stand(self, when: datetime) -> Term | None:
        self._say_we_live(when)
        leading = self._leading()
        if leading is not None and leading.silent <= LEASE.total_seconds():
            self._check_place(leading)
            self._frozen = ""
        elif leading is not None and leading.process == self._frozen:  # seen twice: the database itself may have stood still
            self._evict(leading.process)
        elif leading is not None:
            self._frozen = leading.process
        if not self._try_lock():
            return None
        if leading is not None:
            self._evict(leading.process)  # what is left of one that is dead
        close_old_connections()
        self._term = term_begin(by=self._candidate, when=when)
        return self._term

    def keep(self, when: datetime) -> None:
        self._say_we_live(when)
        [(term,)] = self._ask("SELECT term FROM scheduler_leader WHERE id = 1")
        if term != self._term.number:
            raise Deposed(f"term {self._term.number} is over: term {term} has begun")
        if not self._has_lock:  # the session broke
            self._try_lock()

    def leave(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session, self._has_lock = None, False

    def _say_we_live(self, when: datetime) -> None:
        one = self._candidate
        self._ask(
            "INSERT INTO scheduler_process (id, hostname, pid, place, started, seen)"
            " VALUES (%s, %s, %s, %s, %s, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET seen = clock_timestamp()",
            [one.id, one.hostname, one.pid, one.place, when],
        )

    def _leading(self) -> _Leading | None:
        found = self._ask(
            "SELECT p.id, p.hostname, p.pid, p.place, EXTRACT(EPOCH FROM clock_timestamp() - p.seen)"
            " FROM scheduler_leader l JOIN scheduler_process p ON p.id = l.process WHERE l.id = 1"
        )
        return _Leading(*found[0]) if found else None

    def _check_place(self, leading: _Leading) -> None:
        ours, theirs = self._candidate.place, leading.place
        if ours and theirs and ours != theirs:
            raise MayNotLead(
                f"another scheduler leads on this database, process {leading.pid} on {leading.hostname}, and its local engine "
                f"runs tasks in {theirs}, where this one ({ours}) cannot reach them. To stand by for it, run on the same host "
                "with the same SCALE_HOME."
            )

    def _evict(self, process: str) -> None:
        """End all sessions of a leader before us, and the one that holds the lock."""
        if process == self._candidate.id:
            return
        self._ask(
            "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.datname = current_database()"
            " AND a.pid <> pg_backend_pid() AND (a.application_name = %s OR a.pid IN (SELECT pid FROM pg_locks"
            " WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32) | objid::bigint = %s))",
            [_session_name(process), _LOCK],
        )

    def _try_lock(self) -> bool:
        if not self._has_lock:
            [(self._has_lock,)] = self._ask("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        return self._has_lock

    def _ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            session = self._connected()
            with session.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall()) if cursor.description else []
        except BaseException:
            self.leave()
            raise

    def _connected(self) -> BaseDatabaseWrapper:
        if self._session is None:
            self._session = connections.create_connection(DEFAULT_DB_ALIAS)
            self._session.inc_thread_sharing()
            with self._session.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = '{_STATEMENT_TIMEOUT}'")
        return self._session


def _session_name(process: str) -> str:
    return f"scale-scheduler-{process}"
