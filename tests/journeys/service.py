"""`scale up` as a process of its own, for tests that tell whole stories; and waiting for what happens elsewhere."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from scale.client import ScaleClient
from scale.kernel.clock import SystemClock

SCALE = [sys.executable, "-m", "scale.cli.main"]
SMALL = {"cpus": 0.05, "mem": 8}


def until(happens: Callable[[], Any], within: float = 40) -> Any:
    """Look again and again at something in another process; returns what was seen."""
    clock = SystemClock()
    deadline = clock.monotonic() + within
    while not (seen := happens()):
        assert clock.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.05)
    return seen


class Up:
    """A `scale up` with a data directory of its own."""

    def __init__(self, home: Path, directory: Path, database: dict[str, str], *words: str) -> None:
        self.home = home
        bare = {name: value for name, value in os.environ.items() if not name.startswith("SCALE_")}
        self.variables = {**bare, "SCALE_HOME": str(home), "SCALE_LISTEN": "127.0.0.1:0", "SCALE_KILL_GRACE": "1", **database}
        self.output = directory / "up.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*SCALE, "up", *words], env=self.variables, cwd=directory, stdout=output, stderr=output
            )
        self.client = ScaleClient()

    def wait_until_ready(self) -> None:
        until(self._is_ready)

    def _is_ready(self) -> bool:
        """Look where it is each time, for a killed one before it may have left its address behind."""
        self.client.close()
        self.client = ScaleClient.from_environment(self.variables)
        return self.client.is_ready()

    def scale(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*SCALE, *words], env=self.variables, capture_output=True, check=False)

    def submit(self, command: str) -> int:
        return self.client.submit(command, resources=SMALL)["id"]

    def wait_for_running(self, count: int) -> None:
        self.client.wait_for(lambda: self.client.jobs(status=["RUNNING"]), lambda page: page["count"] == count, timeout=60)

    def child(self, words: str) -> psutil.Process | None:
        """The one child whose command line holds these words, if it is there."""
        found = [child for child in psutil.Process(self.process.pid).children() if words in " ".join(child.cmdline())]
        assert len(found) <= 1
        return found[0] if found else None

    def status_in_the_database(self, job: int) -> str:
        """What is written of a job when nobody runs who could be asked."""
        url = self.variables.get("SCALE_DATABASE_URL")
        with closing(psycopg2.connect(url) if url else sqlite3.connect(self.home / "scale.sqlite3")) as database:
            cursor = database.cursor()
            cursor.execute(f"SELECT status FROM job WHERE id = {job}")
            return cursor.fetchone()[0]

    def said(self, words: str) -> bool:
        return words in self.output.read_text()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.client.close()
        self.process.send_signal(number)
        return self.process.wait(60)


def processes_of(home: Path) -> list[psutil.Process]:
    """All processes, wherever they are, that belong to this data directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join([*process.cmdline(), *process.environ().values(), process.cwd()]):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.pid != os.getpid()]
