"""Everything is killed while jobs run, and nothing is lost: a short run of `benchmarks/chaos.py` on each database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.violence.service import processes_of
from tests.clusters.postgres import NoPostgres, binaries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
SEED = "4"


@pytest.fixture
def chaos(tmp_path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        words = [sys.executable, str(ROOT / "benchmarks" / "chaos.py"), "--seed", SEED, *options]
        variables = {**os.environ, "TMPDIR": str(tmp_path)}
        started.append(subprocess.Popen(words, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def on(database: str) -> list[str]:
    """The option that chooses it; each run of the tests tries both, for it is started here."""
    if database == "sqlite":
        return ["--sqlite"]
    try:
        binaries()
    except NoPostgres as trouble:
        pytest.skip(str(trouble))
    return []


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_is_lost_and_nothing_runs_twice_while_everything_is_killed(chaos, database, tmp_path):
    process = chaos("--jobs", "200", "--kills", "8", *on(database))
    said, troubles = process.communicate()
    told = json.loads(said.splitlines()[-1])
    assert (told["lost"], told["run_twice"], told["unrecorded"], told["left_over"]) == (0, 0, 0, 0), troubles + said
    assert (told["acknowledged"], told["ended"]) == (200, 200), said
    assert told["kills"] >= 8
    assert process.returncode == 0
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("database", "number"), [("sqlite", signal.SIGINT), ("postgresql", signal.SIGTERM)])
def test_an_interrupted_run_leaves_nothing_behind(chaos, database, tmp_path, number):
    process = chaos("--jobs", "200", *on(database))
    assert process.stderr
    assert "jobs acknowledged" in process.stderr.readline()  # it is in the middle of it
    descendants = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == 128 + number
    psutil.wait_procs(descendants, timeout=30)
    assert [child for child in descendants if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
