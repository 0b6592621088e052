"""The map is true: it names every file and function as they are, and nothing is built when a module is imported."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scale.cli import drawing

ROOT = Path(__file__).parents[1]
MAP = (ROOT / "docs" / "map.md").read_text()
STEPS = re.findall(r"^\| \d+ \| `([^`]+)` \| `([^`]+)` \|", MAP, re.MULTILINE)


def test_every_file_that_holds_something_is_on_the_map():
    files = [path for path in drawing.SOURCE.rglob("*.py") if path.stat().st_size and "migrations" not in path.parts]
    missing = [str(path.relative_to(ROOT)) for path in files if f"- `{path.relative_to(ROOT)}`: " not in MAP]
    assert not missing, "run `make docs`"


def test_every_path_on_the_map_exists():
    paths = re.findall(r"`((?:scale|tests|docs|benchmarks|\.ci)/[^`*<> ]*)`", MAP)
    assert paths
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_the_list_of_files_is_as_the_files_say():
    assert drawing.with_files(MAP) == MAP, "run `make docs`"


def test_every_file_says_what_it_is_for():
    assert not [str(path) for path in drawing._sources() if not drawing.first_line(path)]


def test_both_ways_of_the_data_are_drawn():
    assert len(STEPS) > 20
    assert len(re.findall(r"^\| 1 \|", MAP, re.MULTILINE)) == 2


@pytest.mark.parametrize(("file", "function"), STEPS, ids=[f"{file}-{function}" for file, function in STEPS])
def test_a_step_names_a_function_that_is_there(file, function):
    body = ast.parse((ROOT / file).read_text()).body
    for name in function.split("."):
        found = [node for node in body if name in _names(node)]
        assert found, f"{file} has no {function}"
        body = getattr(found[0], "body", [])


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [getattr(node, "name", "")]


IMPORT_ALL = """
import gc, importlib, pkgutil, threading
import django
django.setup()
import scale
for module in pkgutil.walk_packages(scale.__path__, "scale."):
    importlib.import_module(module.name)
from scale.engines.instant import InstantEngine
from scale.engines.local.engine import LocalEngine
from scale.engines.local.link import Link
from scale.job.execution.job_exe import RunningJobExecution
from scale.job.execution.manager import JobExecutionManager
from scale.job.tasks.manager import TaskManager
from scale.node.manager import NodeManager
from scale.scheduler.loops import Loop, LoopRunner
from scale.scheduler.process import Scheduler
from scale.wake import Doorbell
kinds = (InstantEngine, LocalEngine, Link, RunningJobExecution, JobExecutionManager, TaskManager, NodeManager,
         Loop, LoopRunner, Scheduler, Doorbell)
print([type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, kinds)],
      [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()])
"""


def test_importing_every_module_builds_no_manager_no_engine_and_no_thread(tmp_path):
    environment = {"DJANGO_SETTINGS_MODULE": "scale.settings", "SCALE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[] []\n", done.stderr
    assert list(tmp_path.iterdir()) == []
