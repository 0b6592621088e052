"""The service that is attacked: `scale up`, further schedulers and the database, each started again when it has died."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from benchmarks.violence.verdict import FINAL, Execution, Job
from scale.cli.supervise import Child, Program
from scale.client import ScaleClient
from tests.clusters.postgres import Postgres

PATIENCE = 60.0
RESTART = 1.0  # seconds after which what died is started again, as a service manager would
_PYTHON = (sys.executable, "-P")
_JOBS = "SELECT id, name, status, num_exes, created, last_modified FROM job"
_EXECUTIONS = """
    SELECT e.job_id, e.exe_num, e.started, o.status, o.exit_code, f.name FROM job_exe e
    LEFT JOIN job_exe_end o ON o.job_exe_id = e.id LEFT JOIN error f ON f.id = o.error_id
"""
_LEADER = "SELECT p.pid FROM scheduler_process p JOIN scheduler_leader l ON l.process = p.id"
_TERM = re.compile(r"^(\S+) .* event=leads term=\d+", re.MULTILINE)
_UNENDED = f"""
    SELECT (SELECT count(*) FROM job WHERE status NOT IN {tuple(sorted(FINAL))})
         + (SELECT count(*) FROM job_exe WHERE NOT has_ended)
"""


class Service:
    """Everything that belongs to one data directory; `root` holds it and nothing else."""

    def __init__(self, root: Path, schedulers: int, postgres: Postgres | None) -> None:
        self.root = root
        self.home = root / "home"
        self.postgres = postgres
        (self.home / "logs").mkdir(parents=True, mode=0o700)
        self.home.chmod(0o700)
        self.variables = self._variables()
        self._up = self._child("up", "scale.cli.main", "up")
        self._standbys = [self._child(f"scheduler-{n}", "django", "scale_scheduler") for n in range(2, schedulers + 1)]
        self._due: dict[str, float] = {}

    def _variables(self) -> dict[str, str]:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("SCALE_")}
        database = {"SCALE_DATABASE_URL": self.postgres.url} if self.postgres else {}
        return {
            **bare,
            **database,
            "SCALE_HOME": str(self.home),
            "SCALE_LISTEN": f"127.0.0.1:{_free_port()}",
            "SCALE_SECRET_KEY": secrets.token_urlsafe(),  # one for all who are started here
            "SCALE_LOCAL_CPUS": "32",
            "SCALE_LOCAL_MEM": "8192",
            "SCALE_KILL_GRACE": "2",
        }

    def _child(self, name: str, *words: str) -> Child:
        variables = {**self.variables, "DJANGO_SETTINGS_MODULE": "scale.settings"}
        program = Program(name, (*_PYTHON, "-m", *words), signal.SIGINT, PATIENCE)
        return Child(program, self.root / f"{name}.log", variables, self.root)

    # Its life

    def start(self) -> None:
        """Start it, and wait until jobs would be run."""
        self._up.start(time.monotonic())
        url = f"http://{self.variables['SCALE_LISTEN']}"
        with ScaleClient(url) as client:
            _until(client.is_ready, "the service is not ready", self._up.log)
        self.variables |= {"SCALE_URL": url, "SCALE_TOKEN": (self.home / "token").read_text().strip()}
        for child in self._standbys:
            child.start(time.monotonic())

    def look_after(self) -> None:
        """Start again what has died, a moment after it did."""
        now = time.monotonic()
        for child in (self._up, *self._standbys):
            if not child.is_gone():
                self._due.pop(child.program.name, None)
            elif now >= self._due.setdefault(child.program.name, now + RESTART):
                child.start(now)

    def stop(self) -> list[str]:
        """Stop it as an operator would; the processes that stay all the same, in words."""
        for child in (*self._standbys, self._up):
            child.send(child.program.stop)
            with suppress(subprocess.TimeoutExpired):
                if child.process is not None:
                    child.process.wait(PATIENCE)
        return [f"process {process.pid} is left over: {_words(process)}" for process in processes_of(self.root)]

    def end(self) -> None:
        """Leave nothing behind, however things stand."""
        for child in (self._up, *self._standbys):
            if child.process is not None:
                child.process.kill()
                child.process.wait()
        deadline = time.monotonic() + PATIENCE
        while (left := processes_of(self.root)) and time.monotonic() < deadline:
            for process in left:
                _signal(process, signal.SIGKILL)
            threading.Event().wait(0.05)

    # Its processes, each found when it is asked for

    def up(self) -> list[psutil.Process]:
        return _of(self._up)

    def schedulers(self) -> list[psutil.Process]:
        """All of them: that of `scale up`, and those that stand by it or lead instead."""
        ours = [process for child in self._standbys for process in _of(child)]
        return [*self._children_of_up("scale_scheduler"), *ours]

    def leader(self) -> list[psutil.Process]:
        """That of them which leads, as far as the database can say now."""
        try:
            leading = {pid for (pid,) in self._ask(_LEADER)}
        except (sqlite3.Error, psycopg2.Error):
            return []
        return [process for process in self.schedulers() if process.pid in leading]

    def web(self) -> list[psutil.Process]:
        return self._children_of_up("gunicorn")

    def web_workers(self) -> list[psutil.Process]:
        return [worker for web in self.web() for worker in _children(web)]

    def guardian(self) -> list[psutil.Process]:
        return self._keeper("scale-keeper")

    def runner(self) -> list[psutil.Process]:
        return self._keeper("scale-runner")

    def keeper(self) -> list[psutil.Process]:
        return [*self.guardian(), *self.runner()]

    def database(self) -> list[psutil.Process]:
        return [psutil.Process(pid) for pid in self.postgres.pids()] if self.postgres else []

    def _children_of_up(self, words: str) -> list[psutil.Process]:
        return [child for up in self.up() for child in _children(up) if words in _words(child)]

    def _keeper(self, name: str) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _is_called(process, name, self.home / "keeper")]

    # Its database

    def lock_database(self) -> Callable[[], None]:
        """Keep everybody from writing to SQLite; the answer ends that."""
        connection = sqlite3.connect(self.home / "scale.sqlite3", timeout=PATIENCE, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        return connection.close

    def unended(self) -> int:
        """How many jobs and executions have not ended.

        :raises sqlite3.Error, psycopg2.Error: the database is away
        """
        ((count,),) = self._ask(_UNENDED)
        return int(count)

    def jobs(self) -> list[Job]:
        return [Job(*columns, _seconds(created), _seconds(recorded)) for *columns, created, recorded in self._ask(_JOBS)]

    def executions(self) -> list[Execution]:
        return [Execution(job, exe, placed and _seconds(placed), *end) for job, exe, placed, *end in self._ask(_EXECUTIONS)]

    def set_aside(self) -> int:
        """How much there was that the database would never take."""
        ((count,),) = self._ask("SELECT count(*) FROM scheduler_set_aside")
        return int(count)

    def terms(self) -> list[float]:
        """When each scheduler that led began to."""
        logs = [self.home / "logs" / "scheduler.log", *(child.log for child in self._standbys)]
        return [_seconds(moment) for log in logs if log.exists() for moment in _TERM.findall(log.read_text(errors="replace"))]

    def _ask(self, query: str) -> list[Any]:
        home = self.home / "scale.sqlite3"
        connection = psycopg2.connect(self.postgres.url, connect_timeout=2) if self.postgres else sqlite3.connect(home)
        with closing(connection):
            cursor = connection.cursor()
            cursor.execute(query)
            return cursor.fetchall()


def processes_of(root: Path) -> list[psutil.Process]:
    """Everybody who works in this directory or was told of it."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _belongs(process, str(root))]


def _belongs(process: psutil.Process, root: str) -> bool:
    try:
        return any(root in words for words in (process.cwd(), *process.environ().values(), *process.cmdline()))
    except (psutil.Error, OSError):
        return False


def _is_called(process: psutil.Process, name: str, directory: Path) -> bool:
    try:
        return process.name() == name and process.cwd() == str(directory)
    except psutil.Error:
        return False


def _of(child: Child) -> list[psutil.Process]:
    if child.process is None or child.is_gone():
        return []
    return [psutil.Process(child.process.pid)]


def _children(process: psutil.Process) -> Iterator[psutil.Process]:
    try:
        yield from process.children()
    except psutil.Error:
        return


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:  # it has just gone
        return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def _seconds(moment: datetime | str) -> float:
    """Since 1970; SQLite keeps text, in UTC."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment.removesuffix("Z")).replace(tzinfo=UTC)
    return moment.timestamp()


def _until(happens: Callable[[], object], trouble: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happens():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{trouble}:\n{log.read_text()}")
        threading.Event().wait(0.1)
