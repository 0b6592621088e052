"""The engine's connection to its keeper, which is started when it is not there."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from scale.engines.local import keeper, places, translate, wire
from scale.engines.protocol import Superseded, Term
from scale.kernel.errors import ClusterTrouble

_SEND_PATIENCE = 10  # seconds; a keeper that does not read for so long counts as away
_GREET_PATIENCE = 10.0
_TRIES = 100
_GREETINGS = 5
_BETWEEN_TRIES = 0.02  # seconds
_CHUNK = 1 << 18


class Away(ClusterTrouble):
    """The keeper of the local tasks cannot be reached."""


class Link:
    """An open connection. One thread receives; any may send."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._lines = wire.Lines(_value)
        self._early: list[dict[str, Any]] = []
        self._sending = threading.Lock()
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self.runner = self.guardian = 0  #: pids
        self.keeper_id = ""
        self.longest_grace = 0.0  #: seconds, of the tasks that run
        self.is_held = False  #: launches wait until there is room on the disk

    @classmethod
    def open(cls, home: Path, acknowledged: Sequence[str], term: Term, memory_limits: str = "auto") -> Link:
        """Connect to the home's keeper, starting it if need be, and exchange greetings.

        :param acknowledged: tasks that it may forget before it tells how all stand
        :param term: whose orders we bring
        :param memory_limits: how it is to hold tasks to their memory: auto, cgroup, watch or off
        :raises Away: with what the keeper or the system said
        :raises Superseded: it has seen a newer term
        """
        env = translate.task_environment(os.environb)
        hello = {"env": env, "ack": list(acknowledged), "memory": memory_limits, "term": [term.installation, term.number]}
        pause = threading.Event()
        tries = 0
        while True:
            tries += 1
            try:
                return cls._greeted(home, {"hello": hello})
            except (OSError, ValueError) as error:
                # the socket of a keeper that is gone lives on in a task that was being started, until its exec is through
                if tries == _GREETINGS or not isinstance(error, ConnectionError):
                    raise Away(f"the keeper does not answer: {error}") from error
            pause.wait(_BETWEEN_TRIES)

    @classmethod
    def _greeted(cls, home: Path, greeting: Mapping[str, Any]) -> Link:
        link = cls(_connect(home))
        try:
            link._greet(greeting)
        except BaseException:
            link.close()
            raise
        return link

    def _greet(self, greeting: Mapping[str, Any]) -> None:
        self._socket.settimeout(_GREET_PATIENCE)
        self._socket.sendall(wire.line(greeting))
        messages: list[dict[str, Any]] = []
        while not messages:
            data = self._socket.recv(_CHUNK)
            if not data:
                raise ConnectionResetError("it hung up")
            messages = self._lines.feed(data)
        hello, *self._early = messages
        if "refused" in hello:
            raise Superseded
        who = hello.get("hello", {})
        self.runner, self.guardian = who.get("runner", 0), who.get("guardian", 0)
        self.keeper_id, self.longest_grace = who.get("id", ""), who.get("grace", 0.0)
        self.is_held = who.get("held", False)
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_PATIENCE, 0))

    def send(self, message: Mapping[str, Any]) -> None:
        """Send all of it, or nothing that the keeper would act on.

        :raises Away: the connection is broken, and of no more use
        """
        data = wire.line(message)
        with self._sending:
            try:
                self._socket.sendall(data)
            except OSError as error:
                self.hang_up()
                raise Away(f"the keeper does not listen: {error}") from error

    def has_news(self, seconds: float) -> bool:
        """Wait until there is something to be received, the end of the connection included."""
        return bool(self._early or self._poll.poll(seconds * 1000))

    def receive(self) -> list[dict[str, Any]]:
        """The next messages; empty when the connection has ended."""
        early, self._early = self._early, []
        while not early:
            try:
                data = self._socket.recv(_CHUNK)
                early = self._lines.feed(data)
            except (OSError, ValueError):
                return []
            if not data:
                return []
        return early

    def give_up_after(self, seconds: float) -> None:
        """Take a silence so long for the end of the connection."""
        self._socket.settimeout(seconds)

    def hang_up(self) -> None:
        """Wake the thread that receives: there is nothing more."""
        with contextlib.suppress(OSError):  # it is broken already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()


def _value(line: bytearray) -> Any:
    """One of the keeper's lines; lone surrogates in it are rare, and only Python's own reader takes them."""
    try:
        return orjson.loads(line)
    except ValueError:
        return json.loads(line)


def prepare(home: Path) -> Path:
    """Make the home's directories; the keeper's."""
    place = home / places.KEEPER
    for folder in (home / places.LOGS, home / places.WORK, place):
        folder.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    places.spread(str(home / places.LOGS))
    places.spread(str(home / places.WORK))
    return place


def _connect(home: Path) -> socket.socket:
    try:
        place = prepare(home)
        directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Away(f"the keeper has no place to live: {error}") from error
    try:
        return _connect_in(place, directory)
    finally:
        os.close(directory)


def _connect_in(place: Path, directory: int) -> socket.socket:
    pause = threading.Event()
    for _ in range(_TRIES):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # the path itself may be too long for a socket's address
            connection.connect(f"/proc/self/fd/{directory}/{places.SOCKET}")
        except OSError:
            connection.close()
        else:
            return connection
        if _start_keeper(place) == keeper.TAKEN:
            pause.wait(_BETWEEN_TRIES)  # it is about to open its socket, or about to go
    raise Away("the keeper holds its lock, but has no socket")


def _start_keeper(place: Path) -> int:
    """Its exit status: 0 when the socket can be connected to."""
    command = [sys.executable, "-I", "-S", "-X", "utf8", os.path.abspath(keeper.__file__)]
    env = translate.task_environment(os.environb)
    try:
        with open(place / places.LOG, "ab") as log:
            log_start = log.tell()
            status = subprocess.call(  # noqa: S603
                command, cwd=place, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
    except (OSError, ValueError) as error:
        raise Away(f"the keeper cannot be started: {error}") from error
    if status not in (0, keeper.TAKEN):
        raise Away(f"the keeper cannot be started: {_said(place, log_start)}")
    return status


def _said(place: Path, since: int) -> str:
    with open(place / places.LOG, "rb") as log:
        log.seek(since)
        return log.read().decode(errors="replace").strip().rpartition("\n")[2]


class Leaving:
    """Waits for processes that are not our children to end."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._poll = select.poll()
        self._open: set[int] = set()
        for pid in pids:
            try:
                fd = os.pidfd_open(pid)
            except OSError:  # gone already
                continue
            self._open.add(fd)
            self._poll.register(fd, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for fd in self._open:
            os.close(fd)

    def wait(self, seconds: float) -> bool:
        """Whether all have ended, each within so many seconds after the one before."""
        while self._open:
            ended = self._poll.poll(seconds * 1000)
            if not ended:
                return False
            for fd, _ in ended:
                self._poll.unregister(fd)
                self._open.remove(fd)
                os.close(fd)
        return True
