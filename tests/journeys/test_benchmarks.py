"""Every benchmark runs, if only on a few jobs, and says what it is to say; how fast anything is, no test asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figures import rows_of
from tests.clusters.postgres import NoPostgres, binaries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
#: what they share; and chaos, which breaks things instead of measuring them, and has a test of its own
NOT_BENCHMARKS = {"all", "chaos", "figures", "filling", "fresh", "getting", "harness", "quiet"}
SMALL = {
    "throughput": "--jobs 20 --rounds 1 --no-peers --databases {databases}",
    "latency": "--posts 3 --databases {databases}",
    "placement": "--nodes 20 --jobs 200 --shapes 5",
    "updates": "--updates 2000 --persisted 1000 --nodes 5",
    "status": "--nodes 20 --executions 200 --types 5 --seconds 0.3 --rounds 1",
    "growth": "--finished 100 --queued 100 --running 50 --jobs 20 --rounds 1",
    "spawn": "--tasks 20 --rounds 1",
    "million": "--jobs 5000",
}


def databases() -> str:
    try:
        binaries()
    except NoPostgres:
        return "sqlite"  # a benchmark would bring PostgreSQL from the network
    return "sqlite,postgresql"


@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_says_what_it_measured_against_what(name, tmp_path):
    words = [sys.executable, BENCHMARKS / f"{name}.py", *SMALL[name].format(databases=databases()).split()]
    bare = {variable: value for variable, value in os.environ.items() if not variable.startswith("SCALE_")}
    done = subprocess.run(words, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["name"]
    assert told["sizes"]
    assert told["versions"]["Scale"]
    assert not told.get("left_out")
    for row in rows_of(told):
        assert row["ratio"] > 0, row
        assert {"name", "figure", "unit", "against", "against_figure", "goal", "met"} <= row.keys()
        assert (row["met"] is None) == (row["goal"] == "")


def test_no_benchmark_is_left_out_here():
    assert {path.stem for path in BENCHMARKS.glob("*.py")} - NOT_BENCHMARKS == SMALL.keys()
