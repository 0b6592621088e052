"""A private PostgreSQL for tests: a cluster in a temporary directory, stopped and removed when it is left.

    python -m tests.clusters.postgres -- pytest tests/database

runs a command with ``SCALE_DATABASE_URL`` naming it. Where PostgreSQL is not installed, nothing is run; that is a
failure if ``SCALE_TEST_REQUIRE_ALL`` is set.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from scale.kernel.clock import SystemClock
from scale.orphan import end_with

USER = "scale"
PATIENCE = 60  # seconds
TRIES = 5  # somebody may take the port between our choice and the server's
#: what a disk would have to keep is lost with the cluster anyway
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "100"}


class NoPostgres(Exception):
    """The programs of PostgreSQL are not installed."""


class _NotStarted(Exception):
    """Somebody else listens where we wanted to, or a killed server has left processes that hold the data."""


def binaries() -> Path:
    """Where initdb and postgres are."""
    places = [Path(program).resolve().parent for name in ("postgres", "initdb") if (program := shutil.which(name))]
    if config := shutil.which("pg_config"):
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False).stdout
        places.append(Path(said.strip()))
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for place in places:
        if all(os.access(place / name, os.X_OK) for name in ("postgres", "initdb")):
            return place
    raise NoPostgres("there is no PostgreSQL in PATH or /usr/lib/postgresql; on Debian and Ubuntu: apt-get install postgresql")


def _version(place: Path) -> int:
    return int(re.sub(r"\D", "", place.parent.name) or 0)


class Postgres:
    """One server, for the time of a ``with``; ``url`` names its database.

    Settings are those of the server, in its own words: what is killed is to have ``synchronous_commit="on"``, else commits
    that were told may be lost.
    """

    url: str

    def __init__(self, **settings: str) -> None:
        self._settings = {**FAST, **settings}

    def __enter__(self) -> Postgres:
        self._binaries = binaries()
        self._root = Path(tempfile.mkdtemp(prefix="scale-postgres-", dir="/tmp"))  # a socket's path has to be short
        self._user = _user()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if process := getattr(self, "_process", None):
            process.send_signal(signal.SIGQUIT)  # at once; nothing has to be kept
            process.send_signal(signal.SIGCONT)  # one that is stopped hears nothing
            process.wait()
        shutil.rmtree(self._root, ignore_errors=True)

    def kill(self) -> None:
        """As a crash would: the server's processes go as they see that the first of them is gone."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Serve the same data at the same address, once a killed server has let go of them."""
        port, deadline = urlsplit(self.url).port, SystemClock().monotonic() + PATIENCE
        while True:
            try:
                return self._serve(port)
            except _NotStarted:
                if SystemClock().monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start again:\n{self._log.read_text()}") from None
                threading.Event().wait(0.1)

    def pids(self) -> list[int]:
        """All processes of the server, the first of them first."""
        first = self._process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def _start(self) -> None:
        if self._user is not None:
            os.chown(self._root, self._user, -1)
        password = secrets.token_hex(16)
        self._make_cluster(password)
        for _ in range(TRIES):
            try:
                port = _free_port()
                self._serve(port)
                break
            except _NotStarted:
                continue
        else:
            raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text()}")
        self.url = f"postgres://{USER}:{password}@127.0.0.1:{port}/{USER}"
        create_database(_named(self.url, "postgres"), USER)

    def _make_cluster(self, password: str) -> None:
        secret = self._root / "password"
        secret.write_text(password)
        if self._user is not None:
            os.chown(secret, self._user, -1)
        words = ["--pgdata=data", f"--username={USER}", "--pwfile=password", "--auth=scram-sha-256"]
        done = self._run("initdb", *words, "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
        output = done.communicate()[0]
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{output.decode()}")
        secret.unlink()

    def _serve(self, port: int) -> None:
        settings = {**self._settings, "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self._root}
        with self._log.open("wb") as log:
            self._process = self._run("postgres", "-D", "data", *(f"--{name}={of}" for name, of in settings.items()), output=log)
        clock = SystemClock()
        deadline = clock.monotonic() + PATIENCE
        while "database system is ready to accept connections" not in self._log.read_text():
            if self._process.poll() is not None:
                raise _NotStarted
            if clock.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start in time:\n{self._log.read_text()}")
            threading.Event().wait(0.02)

    @property
    def _log(self) -> Path:
        return self._root / "log"

    def _run(self, program: str, *words: str, output: object = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """It ends with us, even if we are killed; and PostgreSQL does not run as root."""
        us = os.getpid()
        return subprocess.Popen(
            [self._binaries / program, *words],
            cwd=self._root,
            user=self._user,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: end_with(us),
            start_new_session=True,  # a Ctrl-C is for the tests; they end it
        )


def _user() -> int | None:
    """As whom the server runs, if not as we do."""
    if os.geteuid() != 0:
        return None
    names = {user.pw_name: user.pw_uid for user in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return door.getsockname()[1]


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def create_database(url: str, name: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True  # a database is not made inside a transaction
        connection.cursor().execute(f'CREATE DATABASE "{name}"')


@contextmanager
def database_of_its_own(url: str) -> Iterator[str]:
    """Another, empty database on the same server."""
    name = f"scale_{secrets.token_hex(4)}"
    create_database(url, name)
    yield _named(url, name)
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def main(words: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that nothing is left then either
    try:
        with Postgres() as server:
            return subprocess.run(words, env={**os.environ, "SCALE_DATABASE_URL": server.url}, check=False).returncode
    except NoPostgres as trouble:
        print(f"not run on PostgreSQL: {trouble}")
        return bool(os.environ.get("SCALE_TEST_REQUIRE_ALL"))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main(arguments[arguments[:1] == ["--"] :]))
