"""Several schedulers on one database: one leads, others stand by or refuse, and a frozen leader that comes back does nothing."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from scale.kernel.clock import SystemClock
from tests.clusters.postgres import NoPostgres, Postgres, database_of_its_own
from tests.journeys.service import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

TAKEOVER = 10  # seconds: what is promised


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL: the one of this run, or one started for these tests."""
    url = os.environ.get("SCALE_DATABASE_URL", "")
    if url.startswith("postgres"):
        yield url
        return
    try:
        with Postgres() as own:
            yield own.url
    except NoPostgres as trouble:
        pytest.skip(str(trouble))


@pytest.fixture
def url(server) -> Iterator[str]:
    with database_of_its_own(server) as own:
        yield own


class Schedulers:
    """Processes on one database, each in a data directory that may be shared."""

    def __init__(self, url: str | None, directory: Path) -> None:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("SCALE_")}
        self.directory = directory
        self.variables = {**bare, "DJANGO_SETTINGS_MODULE": "scale.settings", "SCALE_KILL_GRACE": "1", "SCALE_LOCAL_CPUS": "64"}
        if url:
            self.variables["SCALE_DATABASE_URL"] = url
        self.url = url
        self.started: list[subprocess.Popen[bytes]] = []

    def prepare(self) -> None:
        (self.directory / "home").mkdir(exist_ok=True)
        assert self._run("scale.cli.prepare", "home").wait() == 0

    def start(self, home: str = "home") -> subprocess.Popen[bytes]:
        process = self._run("django", home, "scale_scheduler")
        self.started.append(process)
        return process

    def _run(self, module: str, home: str, *words: str) -> subprocess.Popen[bytes]:
        variables = {**self.variables, "SCALE_HOME": str(self.directory / home)}
        with (self.directory / f"log-{len(self.started)}").open("wb") as log:
            return subprocess.Popen([sys.executable, "-m", module, *words], env=variables, stdout=log, stderr=log)

    def log(self, number: int) -> str:
        return (self.directory / f"log-{number}").read_text()

    def ask(self, statement: str) -> Any:
        with closing(psycopg2.connect(self.url)) as database:
            database.autocommit = True
            cursor = database.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None

    def term(self) -> int:
        found = self.ask("SELECT term FROM scheduler_leader")
        return found[0][0] if found else 0

    def status(self) -> dict[str, Any]:
        found = self.ask("SELECT document FROM scheduler_status")
        return json.loads(gzip.decompress(bytes(found[0][0])))["scheduler"] if found else {"leader": None, "standbys": []}

    def leads(self, process: subprocess.Popen[bytes]) -> bool:
        leader = self.status()["leader"]
        return leader is not None and leader["pid"] == process.pid

    def standbys(self) -> list[int]:
        return [one["pid"] for one in self.status()["standbys"]]

    def stop(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGINT)
        for process in self.started:
            process.wait(40)


@contextmanager
def schedulers_on(url: str | None, directory: Path) -> Iterator[Schedulers]:
    schedulers = Schedulers(url, directory)
    schedulers.prepare()
    try:
        yield schedulers
    finally:
        schedulers.stop()


@pytest.fixture
def schedulers(url, tmp_path) -> Iterator[Schedulers]:
    with schedulers_on(url, tmp_path) as ours:
        yield ours


def test_a_frozen_leader_is_replaced_within_ten_seconds_and_stands_by_when_it_comes_back(schedulers):
    clock = SystemClock()
    first = schedulers.start()
    until(lambda: schedulers.leads(first))
    second = schedulers.start()
    until(lambda: schedulers.standbys() == [second.pid])

    frozen_at = clock.monotonic()
    first.send_signal(signal.SIGSTOP)
    until(lambda: schedulers.term() == 2, within=TAKEOVER)
    assert clock.monotonic() - frozen_at < TAKEOVER
    until(lambda: schedulers.leads(second))

    first.send_signal(signal.SIGCONT)
    until(lambda: "event=gives-way" in schedulers.log(0))
    until(lambda: schedulers.standbys() == [first.pid])
    assert (schedulers.term(), first.poll()) == (2, None)

    second.kill()
    until(lambda: schedulers.leads(first))
    assert schedulers.term() == 3


def test_sigterm_ends_a_leader_and_a_standby_with_exit_code_0_and_the_standby_takes_over_at_once(schedulers):
    first = schedulers.start()
    until(lambda: schedulers.leads(first))
    second = schedulers.start()
    until(lambda: schedulers.standbys() == [second.pid])
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    until(lambda: schedulers.leads(second), within=TAKEOVER)
    third = schedulers.start()
    until(lambda: "event=stands-by" in schedulers.log(2))
    third.send_signal(signal.SIGTERM)
    assert third.wait(30) == 0


def test_a_leader_whose_sessions_are_cut_goes_on_leading_or_gives_way_but_never_ends(schedulers):
    first = schedulers.start()
    until(lambda: schedulers.leads(first))
    schedulers.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'scale-scheduler%'")
    before = schedulers.ask("SELECT rendered FROM scheduler_status")
    until(lambda: schedulers.ask("SELECT rendered FROM scheduler_status") != before)
    assert (schedulers.leads(first), first.poll()) == (True, None)


def test_a_scheduler_whose_local_engine_is_elsewhere_refuses_while_the_leader_lives(schedulers):
    first = schedulers.start()
    until(lambda: schedulers.leads(first))
    elsewhere = schedulers.start("another-home")
    assert elsewhere.wait(30) == 1
    said = schedulers.log(1)
    assert "another scheduler leads on this database" in said
    assert f"process {first.pid}" in said
    assert "SCALE_HOME" in said


def test_on_sqlite_a_second_scheduler_refuses_to_start_and_says_why(tmp_path):
    with schedulers_on(None, tmp_path) as schedulers:
        first = schedulers.start()
        until(lambda: "event=started" in schedulers.log(0))
        second = schedulers.start()
        assert second.wait(30) == 1
        assert f"another scheduler, process {first.pid}, runs on this database" in schedulers.log(1)
        assert "PostgreSQL" in schedulers.log(1)
        assert first.poll() is None


def test_on_sqlite_a_database_beside_another_data_directory_has_one_scheduler_all_the_same(tmp_path):
    with schedulers_on(None, tmp_path) as schedulers:
        schedulers.variables["SCALE_DATABASE_URL"] = f"sqlite:///{tmp_path}/home/scale.sqlite3"
        schedulers.start()
        until(lambda: "event=started" in schedulers.log(0))
        assert schedulers.start("another-home").wait(30) == 1
        assert "runs on this database" in schedulers.log(1)


def test_on_sqlite_a_link_to_the_database_leads_to_its_one_scheduler(tmp_path):
    with schedulers_on(None, tmp_path) as schedulers:
        schedulers.start()
        until(lambda: "event=started" in schedulers.log(0))
        (tmp_path / "linked").mkdir()
        (tmp_path / "linked" / "scale.sqlite3").symlink_to(tmp_path / "home" / "scale.sqlite3")
        assert schedulers.start("linked").wait(30) == 1
        assert "runs on this database" in schedulers.log(1)
