"""Nothing of a kit outlives it, even if it is killed."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from tests.clusters.processes import until
from tests.clusters.sweeper import Sweeper

pytestmark = pytest.mark.slow

#: one stands in the directory, and has started one that stands elsewhere
JOB = "(cd / && exec sleep 600) & echo $!; wait"
KIT = """
import subprocess, sys
from pathlib import Path
from tests.clusters.sweeper import Sweeper
root = Path(sys.argv[1])
sweeper = Sweeper(root)
job = subprocess.Popen(["bash", "-c", sys.argv[2]], cwd=root, start_new_session=True)
job.wait()
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "kit" / "spool").mkdir(parents=True)
    return tmp_path / "kit"


def test_what_works_below_is_ended_with_all_that_it_has_started_and_nothing_else(root):
    sweeper = Sweeper(root)
    with (
        subprocess.Popen(["bash", "-c", JOB], cwd=root / "spool", stdout=subprocess.PIPE, text=True) as job,
        subprocess.Popen(["sleep", "600"], cwd=root.parent) as other,
    ):
        child = psutil.Process(int(job.stdout.readline()))
        sweeper.sweep()
        assert job.wait(10) < 0
        until("its child is gone", lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
        assert not root.exists()
        assert other.poll() is None
        other.kill()


def test_a_kit_that_is_killed_leaves_nothing(root):
    with subprocess.Popen([sys.executable, "-c", KIT, str(root), JOB], stdout=subprocess.PIPE, text=True) as kit:
        child = psutil.Process(int(kit.stdout.readline()))
        kit.kill()
        until("its job is gone", lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
        until("its directory is gone", lambda: not root.exists())
