"""A child ends when its parent does, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from scale.orphan import PARENT, end_with_parent

CHILD = "import signal; from scale.orphan import end_with_parent; end_with_parent(); print('ready', flush=True); signal.pause()"
PARENT_OF = f"""
import os, signal, subprocess, sys
subprocess.Popen([sys.executable, "-c", {CHILD!r}], env={{**os.environ, {PARENT!r}: str(os.getpid())}})
signal.pause()
"""


def test_a_child_ends_when_its_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT_OF], stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"ready\n"
        parent.kill()
        assert parent.stdout.read() == b""  # the pipe closes when the child too has let go of it


def test_a_child_whose_parent_is_gone_already_ends_at_once():
    child = subprocess.run([sys.executable, "-c", CHILD], env={**os.environ, PARENT: "1"}, capture_output=True, check=False)
    assert (child.returncode, child.stdout) == (-signal.SIGTERM, b"")


def test_nobody_further_down_believes_the_same_parent():
    program = "import os; from scale.orphan import *; v = {PARENT: str(os.getppid())}; end_with_parent(v); print(v)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "{}\n"


def test_a_program_that_runs_by_itself_runs_on():
    end_with_parent({})
