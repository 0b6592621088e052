"""Programs that a kit runs: each with its output in a file, waited for with a deadline, and ended by its own id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scale.kernel.clock import SystemClock
from scale.orphan import end_with

PATIENCE = 60  # seconds
GRACE = 10  # seconds that one has to end by itself


class NotStarted(Exception):
    """A program ended or was silent where it should have begun to serve."""


def until(what: str, happens: Callable[[], Any], within: float = PATIENCE) -> Any:
    """Look again and again at something elsewhere; returns what was seen."""
    clock = SystemClock()
    deadline = clock.monotonic() + within
    while not (seen := happens()):
        if clock.monotonic() > deadline:
            raise NotStarted(f"{what}: not seen in {within:g} seconds")
        threading.Event().wait(0.05)
    return seen


def free_ports(count: int) -> list[int]:
    """Different ones, for all are held while they are chosen."""
    with ExitStack() as doors:
        return [doors.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Processes:
    """The programs of one kit, by name; they end with us, even if we are killed."""

    def __init__(self, logs: Path, variables: Mapping[str, str]) -> None:
        self._logs, self._variables = logs, dict(variables)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, words: Sequence[str | Path]) -> None:
        us = os.getpid()
        with self._output(name).open("ab") as output:
            self._running[name] = subprocess.Popen(
                words,
                cwd=self._logs,
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=lambda: end_with(us),
                start_new_session=True,  # a Ctrl-C is for the tests; they end it
            )

    def until_serving(self, name: str, serves: Callable[[], Any]) -> None:
        def seen() -> Any:
            if self._running[name].poll() is not None:
                raise NotStarted(f"{name} ended with {self._running[name].returncode}:\n{self._last_words(name)}")
            return serves()

        try:
            until(name, seen)
        except NotStarted as trouble:
            raise NotStarted(f"{trouble}\n{self._last_words(name)}") from None

    def kill(self, name: str) -> None:
        """As a crash would."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def end(self, *names: str) -> None:
        """Ask all of them, then wait for each."""
        going = [process for name in names if (process := self._running.pop(name, None))]
        for process in going:
            process.send_signal(signal.SIGTERM)
        for process in going:
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _output(self, name: str) -> Path:
        return self._logs / f"{name}.out"

    def _last_words(self, name: str) -> str:
        return "\n".join(self._output(name).read_text(errors="replace").splitlines()[-15:])
